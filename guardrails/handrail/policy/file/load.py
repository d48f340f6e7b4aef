"""Loads policies: from a path, by the name of a shipped policy, or from text."""

from pathlib import Path

from handrail.errors import PolicyError
from handrail.policy.file.read import read_source
from handrail.policy.runtime.policy import Policy


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
