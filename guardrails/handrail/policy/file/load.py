"""Loads policies: from a path, by the name of a shipped policy, or from text."""

from collections.abc import Sequence
from pathlib import Path

from handrail.errors import PolicyError
from handrail.policy.file.read import read_source
from handrail.policy.runtime.policy import Policy


def load(source: str | Path) -> Policy:
    """Load a policy from a file, or a shipped one by its name (`support`, `airline`, …).

    Raises:
        PolicyError: everything that is wrong, each with file, line and column; the error's own fields are
        those
            of the first.
    """
    from handrail.policy.file.compile import compile_policy

    path, text = read_source(source)
    policy, problems = compile_policy(text, file=str(path), folder=path.parent)
    if policy is None:
        raise all_of(problems)
    return policy


def all_of(problems: Sequence[PolicyError]) -> PolicyError:
    """Return the first of a file's problems, with the others in its message; `problems` is not empty."""
    first, *others = problems
    return first.beside(others) if others else first


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
        PolicyError: everything that is wrong.
    """
    from handrail.policy.file.compile import compile_policy

    policy, problems = compile_policy(text, file=file, folder=folder)
    if policy is None:
        raise all_of(problems)
    return policy
