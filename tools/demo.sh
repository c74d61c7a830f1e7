# shellcheck shell=bash disable=SC2034
# What tools/up makes and tools/down takes away. Source after lib.sh.

plugin_socket=/run/docker/plugins/viaduct.sock
state_dir=/var/lib/viaduct
run_dir=/run/viaduct
log_dir=/var/log/viaduct
demo_network=demo
demo_image=viaduct-demo
demo_containers="demo-a demo-b"

# One line per thing made: KIND NAME, oldest first. It lies beside the state and not in /run: containers outlive a reboot.
made_file=/var/lib/viaduct-demo

made() {
  grep -qsxF "$1 $2" "$made_file" || printf '%s %s\n' "$1" "$2" >>"$made_file"
}

# Whether a driver answers on the socket. A question without consequences: Plugin.Activate would announce a new engine.
driver_answers() {
  curl --silent --fail --max-time 2 --unix-socket "$plugin_socket" -X POST http://plugin/NetworkDriver.GetCapabilities | grep -q Scope
}
