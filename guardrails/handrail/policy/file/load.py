"""Reads policy files: from a path, by the name of a shipped policy, or from text."""

import re
from pathlib import Path

from handrail.errors import PolicyError
from handrail.policy.runtime.policy import Policy
from handrail.text.suggest import near

MAX_BYTES = 2_000_000
"""Largest policy or people file."""

SHIPPED = "handrail_policies"


def load(source: str | Path) -> Policy:
    """Load a policy from a file, or a shipped one by its name (`support`, `airline`, …).

    Raises:
        PolicyError: the first thing that is wrong, with file, line and column. `problems` gives them all.
    """
    from handrail.policy.file.compile import compile_policy

    path, text = read_source(source)
    policy, problems = compile_policy(text, file=str(path), folder=path.parent)
    if policy is None:
        raise problems[0]
    return policy


def problems(source: str | Path) -> tuple[PolicyError, ...]:
    """Return everything that is wrong with a policy file, in the order of its lines; empty if it loads."""
    from handrail.policy.file.compile import compile_policy

    try:
        path, text = read_source(source)
    except PolicyError as error:
        return (error,)
    return compile_policy(text, file=str(path), folder=path.parent)[1]


def loads(text: str, *, file: str = "<policy>", folder: Path | None = None) -> Policy:
    """Load a policy from its text; calibration files are looked up in `folder`.

    Raises:
        PolicyError: the first thing that is wrong.
    """
    from handrail.policy.file.compile import compile_policy

    policy, problems = compile_policy(text, file=file, folder=folder)
    if policy is None:
        raise problems[0]
    return policy


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
            raise PolicyError(f"no shipped policy '{source}'{near(source, shipped())}", file=source)
    return path, read_text(path)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        PolicyError: it cannot be read, is too large, or is not text.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PolicyError(f"larger than {MAX_BYTES} bytes", file=str(path))
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError("not UTF-8 text", file=str(path)) from None
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror or 'unknown'}", file=str(path)) from None
