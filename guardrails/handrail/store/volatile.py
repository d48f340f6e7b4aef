"""Tells whether a path lies on a file system that can lose or corrupt a SQLite file."""

import os
from pathlib import Path

from handrail.errors import ConfigError

MOUNTS = Path("/proc/self/mountinfo")
MEMORY = frozenset({"tmpfs", "ramfs"})
NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs", "beegfs",
        "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "fuse.rclone", "fuse.gcsfuse", "fuse.ceph", "virtiofs",
    }
)  # fmt: skip


def refuse_volatile(path: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a path whose file system is a network's or held in memory.

    Raises:
        ConfigError: it is; pass `allow_volatile=True` if a lost ticket does not matter.
    """
    kind = file_system(path, mounts)
    if kind in MEMORY:
        raise ConfigError(
            f"{path} lies in memory ({kind}) and is lost at a restart; choose a disk or allow_volatile=True"
        )
    if kind in NETWORK:
        raise ConfigError(
            f"{path} lies on a network file system ({kind}), where SQLite's locks cannot be trusted; "
            "use PostgreSQL, a local disk or allow_volatile=True"
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """Return the file system type of a path, empty where the system does not tell."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mount = fields[4].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind
