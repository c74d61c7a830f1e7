"""The container image of the tests: busybox alone, made here because no registry is needed or asked."""

import io
import tarfile

IMAGE = "viaduct-busybox"
APPLETS = ("cat", "echo", "hostname", "httpd", "ifconfig", "ip", "ls", "nc", "ping", "ping6", "route", "sh", "sleep", "true", "wget")


def busybox_archive(binary="/bin/busybox"):
    """A tar archive (bytes) with the static busybox and links for the applets that tests use."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("bin", "etc", "tmp", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        archive.add(binary, arcname="bin/busybox", filter=lambda entry: entry)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        page = tarfile.TarInfo("www/index.html")
        page.size = len(b"hello\n")
        archive.addfile(page, io.BytesIO(b"hello\n"))
    return buffer.getvalue()
