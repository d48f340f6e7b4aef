"""The public surface, locked.

What is public: the names of `handrail`, and those that a documented area exports (the list `AREAS` in
`docs/reference/generate.py`). `docs/reference/api.md` holds their signatures and what is promised of them; a
change of a signature fails `tests/e2e/test_reference.py` until the page says so, and a change of a name
fails here.
"""

import inspect
import re
import subprocess
import sys
import typing

import pytest

import handrail
from handrail.guard import Action, Call, Outcome, Permit


def test_the_public_names_are_these() -> None:
    assert sorted(handrail.__all__) == [
        "ActionFailed",
        "Answer",
        "AnswerBlocked",
        "CheckFailed",
        "ConfigError",
        "Decision",
        "Guard",
        "Handoff",
        "HandoffRequired",
        "HandrailError",
        "Money",
        "PolicyError",
        "TicketError",
        "is_final",
    ]
    assert all(hasattr(handrail, name) for name in handrail.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        handrail.nonsense  # noqa: B018


HEAVY = {
    "alembic", "cryptography", "holidays", "httpx", "lark", "matplotlib", "numpy", "openai", "pydantic",
    "re2", "rich", "ruamel", "sqlalchemy", "starlette", "typer", "uvicorn",
}  # fmt: skip


@pytest.mark.parametrize("code", ["import handrail", "from handrail import Guard", "import handrail.guard"])
def test_what_comes_with_an_import_is_light(code: str) -> None:
    shown = f"import sys; {code}; print(*({{name.partition('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_errors_know_whether_a_retry_makes_sense() -> None:
    handoff = handrail.Handoff(ticket="t", role="r", triggers=(), notice="")
    assert handrail.is_final(handrail.HandoffRequired(handoff))
    assert not handrail.is_final(handrail.CheckFailed("store"))
    assert not handrail.is_final(TimeoutError())


def signatures() -> list[tuple[str, inspect.Signature]]:
    """Every function and public method of the door, with its signature."""
    kinds = [handrail.Guard, Action, Call, Outcome, Permit]
    return [
        (f"{kind.__name__}.{name}", inspect.signature(member))
        for kind in kinds
        for name, member in inspect.getmembers(kind, inspect.isroutine)
        if not name.startswith("_") or name == "__call__"
    ]


@pytest.mark.parametrize(("name", "signature"), signatures())
def test_the_door_is_typed(name: str, signature: inspect.Signature) -> None:
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        assert parameter.annotation is not inspect.Parameter.empty, parameter
        assert "Any" not in re.findall(r"\w+", str(parameter.annotation)), parameter
    assert signature.return_annotation is not inspect.Signature.empty
    assert signature.return_annotation is not typing.Any
    assert "Any" not in re.findall(r"\w+", str(signature.return_annotation))
