#!/bin/sh
# enter_suite.sh ROOT FOLDER: make ROOT the root folder of the mount namespace that it is started in (one of its own), print
# "ready" and stay. ROOT itself is only read: what is written goes to FOLDER/suite. FOLDER, /run, /sys and /dev are those of the
# world. pivot_root and not chroot, in which an engine could not change the mounts of "/".
set -eu
root=$1 folder=$2
mount --make-rprivate /
mkdir -p "$folder/suite/upper" "$folder/suite/work" "$folder/suite/root"
new=$folder/suite/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/suite/upper,workdir=$folder/suite/work" "$new"
mkdir -p "$new/old"
for shared in /run /sys /dev; do
  mount --rbind "$shared" "$new$shared"
done
mount -t proc proc "$new/proc"
mount -t tmpfs tmpfs "$new/tmp"
mkdir -p "$new$folder"
mount --bind "$folder" "$new$folder"
cd "$new"
pivot_root . old
umount -l /old
echo ready
exec tail -f /dev/null
