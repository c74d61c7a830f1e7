# shellcheck shell=bash
# Shared by the shell tools: paths, messages with the time since the start, packages, the docker client.
# Source it; it changes nothing but these definitions.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${started_at:=$(date +%s)}"

say() {
  local elapsed=$(($(date +%s) - started_at))
  printf '[%3d:%02d] %s\n' $((elapsed / 60)) $((elapsed % 60)) "$*"
}

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || die "needs root (namespaces, links and the engine); run it with sudo"
}

# missing_packages PURPOSE…: the packages for these purposes (build, run, test) that dpkg does not know as installed.
missing_packages() {
  local purpose package
  while read -r purpose package; do
    case " $* " in
      *" $purpose "*) ;;
      *) continue ;;
    esac
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
  done < <(grep -v '^#' "$root/tools/packages.txt")
}

# ensure_packages PURPOSE…: install what is missing; asks the package index only then.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" = 0 ] && return
  say "installing ${missing[*]}"
  command -v apt-get >/dev/null || die "apt-get is not here; install by hand: ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null </dev/null
  # Debian starts the services that it installs. Of the registry the tests want the program alone; the service would listen
  # on every address of the machine.
  if [[ " ${missing[*]} " == *" docker-registry "* && -d /run/systemd/system ]]; then
    systemctl disable --quiet --now docker-registry
  fi
}

# Debian's client where there is one: another client in front of it in PATH may not speak to Debian's engine.
docker_client() {
  if [ -n "${DOCKER:-}" ]; then
    printf '%s\n' "$DOCKER"
  elif [ -x /usr/bin/docker ]; then
    printf '/usr/bin/docker\n'
  else
    printf 'docker\n'
  fi
}

docker() {
  "$(docker_client)" "$@"
}

# busybox_image NAME: import the static busybox as an image; no registry is asked.
busybox_image() {
  local folder applet
  folder=$(mktemp -d)
  mkdir -p "$folder/bin" "$folder/etc" "$folder/tmp"
  cp "$(command -v busybox)" "$folder/bin/busybox"
  for applet in sh ping ip nc wget httpd mkdir sleep; do
    ln -s busybox "$folder/bin/$applet"
  done
  tar -C "$folder" -c . | docker import - "$1" >/dev/null
  rm -rf "$folder"
}

# running PIDFILE: whether the process that it names is alive.
running() {
  [ -s "$1" ] && ! process_gone "$(cat "$1")"
}

# wait_for SECONDS COMMAND…: true as soon as the command is, false once the time is over.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -ge "$deadline" ] && return 1
    sleep 0.1
  done
}

# stop_process PIDFILE SECONDS: SIGTERM, then SIGKILL; removes the file.
stop_process() {
  if running "$1"; then
    local pid
    pid=$(cat "$1")
    kill "$pid"
    wait_for "$2" process_gone "$pid" || kill -9 "$pid"
  fi
  rm -f "$1"
}

# A zombie has ended too: the first process of a container may never reap it.
process_gone() {
  ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}
