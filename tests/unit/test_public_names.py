"""The public surface, locked."""

import subprocess
import sys

import pytest

import handrail


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


@pytest.mark.parametrize("code", ["import handrail", "from handrail import Guard"])
def test_what_comes_with_an_import_is_light(code: str) -> None:
    shown = f"import sys; {code}; print(*({{name.partition('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_errors_know_whether_a_retry_makes_sense() -> None:
    handoff = handrail.Handoff(ticket="t", role="r", triggers=(), notice="")
    assert handrail.is_final(handrail.HandoffRequired(handoff))
    assert not handrail.is_final(handrail.CheckFailed("store"))
    assert not handrail.is_final(TimeoutError())
