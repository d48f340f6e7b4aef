"""Whose rows of an export are no longer read: a file beside it, to which each erasure adds a line."""

import json
import os
from datetime import datetime
from pathlib import Path

from handrail.errors import ConfigError

ENDING = ".tombstones.jsonl"


def tombstones_of(export: Path) -> Path:
    """Return the file of an export's tombstones."""
    return export.with_name(export.name + ENDING)


def bury(export: Path, subject: str, *, at: datetime) -> bool:
    """Add a person to an export's tombstones; False if the export cannot be reached.

    Args:
        export: the file that was exported.
        subject: what stands for the person in it.
        at: when they were erased.
    """
    if not export.is_file():
        return False
    try:
        with tombstones_of(export).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"customer": subject, "at": at.isoformat()}) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def erased_in(export: Path) -> frozenset[str]:
    """Return who must not be read in an export.

    Raises:
        ConfigError: its tombstones cannot be read; rows that should not be read would be.
    """
    file = tombstones_of(export)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return frozenset(str(json.loads(line)["customer"]) for line in lines if line.strip())
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(f"{file}: cannot be read, so nobody knows whose rows must be left out") from None
