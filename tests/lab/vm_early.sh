#!/bin/busybox sh
# The first process of a virtual machine (vm.py), in its first root folder: makes the machine's root folder out of the host's,
# and goes on there with vm_init.sh. The host's files are only read; what the guest writes stays in its memory, but for the run's own
# folder and those that /proc/cmdline names as writable. Words of the command line: vm.init=, vm.project=, vm.run=, vm.writable=A:B.
B=/bin/busybox
fail() {
  echo "vm_early.sh: $*" >/dev/console
  $B poweroff -f
}

$B mount -t devtmpfs dev /dev
$B mount -t proc proc /proc
for module in /modules/*.ko; do
  $B insmod "$module" || fail "no module $module"
done
for word in $($B cat /proc/cmdline); do
  case $word in
    vm.init=*) init=${word#*=} ;;
    vm.project=*) project=${word#*=} ;;
    vm.run=*) run=${word#*=} ;;
    vm.writable=*) writable=${word#*=} ;;
  esac
done
$B mount -t virtiofs host /host || fail "the host's files are not there"
$B mount -t tmpfs -o size=90% top /top
$B mkdir /top/upper /top/work
$B mount -t overlay -o lowerdir=/host,upperdir=/top/upper,workdir=/top/work root /new || fail "no root folder"
$B mount --move /dev /new/dev
for where in tmp run; do
  $B mount -t tmpfs -o mode=755 "$where" "/new/$where"
done
$B chmod 1777 /new/tmp
# A project that lies there would be hidden.
case $project in
  /tmp/* | /run/*)
    $B mkdir -p "/new$project"
    $B mount --bind "/host$project" "/new$project" && $B mount -o remount,bind,ro "/new$project" || fail "no folder $project"
    ;;
esac
IFS=:
for folder in $run $writable; do
  $B mkdir -p "/new$folder"
  $B mount --bind "/host$folder" "/new$folder" || fail "no folder $folder"
done
$B umount /proc
exec $B switch_root /new /bin/sh "$init" "$run"
