"""Files that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from handrail.errors import ConfigError


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes its name, and is on the disk, once the block ends without an error.

    A name that is a link to a file gives that file, and one that was there keeps its permissions. Two that
    write the same file at once do not mix; the later one's stays.

    Raises:
        ConfigError: the folder cannot be written, the disk is full, or the name is of no file.
    """
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: is no file; name another")
    path = path.resolve()
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or 'unknown'}") from None
    finally:
        unfinished.unlink(missing_ok=True)
