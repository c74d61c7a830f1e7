#!/bin/sh
# vm_init.sh RUN: the first process of a virtual machine (vm.py) in its real root folder. Mounts what Linux is expected to have, loads
# modules, runs RUN/command with what it prints going to the host, leaves its exit status in RUN/status, and switches the machine off.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin HOME=/root LANG=C.UTF-8
run=$1
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/lib/modules/$(uname -r)" /run/lock
mount --bind "$run/modules" "/lib/modules/$(uname -r)"
hostname viaduct-vm
ip link set lo up
# What request_module() loads by itself needs no line; these are asked for by nobody, or only once something looks at /proc/sys.
# All that the first transaction of the packet filter would load: one by one, in a slow machine, takes longer than a call may.
modprobe -a bridge br_netfilter 8021q nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_fib_inet nft_compat xt_comment xt_conntrack xt_MASQUERADE
output=$(echo /dev/vport*)  # the one port of virtio's serial device
(
  cd "$(cat "$run/cwd")" && exec /bin/sh "$run/command"
) </dev/null >"$output" 2>&1
echo $? >"$run/status.part"
mv "$run/status.part" "$run/status"
sync
echo o >/proc/sysrq-trigger
exec sleep 60
