"""Reads the text of policy and people files, from a path or by the name of a shipped policy."""

import re
from pathlib import Path

from handrail.errors import PolicyError
from handrail.text.suggest import near

MAX_BYTES = 2_000_000
SHIPPED = "handrail_policies"


def shipped() -> tuple[str, ...]:
    """Return the names of the policies that come with handrail."""
    from importlib.resources import files

    names = (entry.name for entry in files(SHIPPED).iterdir())
    found = (name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))
    return tuple(sorted(name for name in found if not name.endswith("people")))


def read_source(source: str | Path) -> tuple[Path, str]:
    """Return where a policy lies and its text; a bare word is a shipped policy's name.

    Raises:
        PolicyError: there is no such file or policy, or it is not text.
    """
    path = Path(source)
    if isinstance(source, str) and re.fullmatch(r"[A-Za-z0-9_-]+", source) and not path.is_file():
        from importlib.resources import files

        path = Path(str(files(SHIPPED) / f"{source}.yaml"))
        if source.endswith("people") or not path.is_file():
            raise PolicyError(not_shipped(source), file=source, line=0)
    return path, read_text(path)


def not_shipped(name: str) -> str:
    """Say that no policy of this name comes with handrail, and which ones do."""
    others = near(name, shipped()) or f"; there are {', '.join(shipped())}"
    return f"no shipped policy '{name}'{others}"


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        PolicyError: it cannot be read, is too large, or is not text.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PolicyError(f"larger than {MAX_BYTES} bytes", file=str(path), line=0)
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError("not UTF-8 text", file=str(path), line=0) from None
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror or 'unknown'}", file=str(path), line=0) from None
