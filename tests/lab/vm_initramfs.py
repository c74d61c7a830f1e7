"""The first root folder of a virtual machine: busybox, the modules with which it reaches the real one, and vm_early.sh."""

from pathlib import Path

BUSYBOX = Path("/bin/busybox")
EARLY = Path(__file__).with_name("vm_early.sh")
FOLDERS = ("bin", "dev", "host", "new", "proc", "top", "modules")
FOLDER, PROGRAM, FILE = 0o040755, 0o100755, 0o100644


def initramfs(modules):
    """The archive (bytes) as the kernel wants it: cpio's "newc" (kernel: Documentation/driver-api/early-userspace/buffer-format.rst).

    The modules are loaded in the order of the list.
    """
    archive = _Archive()
    for name in FOLDERS:
        archive.add(name, FOLDER, b"")
    archive.add("bin/busybox", PROGRAM, BUSYBOX.read_bytes())
    for number, file in enumerate(modules):
        archive.add(f"modules/{number:02}.ko", FILE, file.read_bytes())
    archive.add("init", PROGRAM, EARLY.read_bytes())
    return archive.whole()


class _Archive:
    def __init__(self):
        self._bytes = bytearray()
        self._number = 0

    def add(self, name, mode, content):
        self._number += 1
        text = name.encode() + b"\0"
        fields = (self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(text), 0)
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields) + text
        self._pad()
        self._bytes += content
        self._pad()

    def _pad(self):
        self._bytes += b"\0" * (-len(self._bytes) % 4)

    def whole(self):
        self.add("TRAILER!!!", 0, b"")
        return bytes(self._bytes)
