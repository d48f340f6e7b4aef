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


def test_importing_handrail_loads_nothing_heavy() -> None:
    heavy = [
        "sqlalchemy",
        "re2",
        "numpy",
        "matplotlib",
        "starlette",
        "uvicorn",
        "openai",
        "lark",
        "pydantic",
        "httpx",
        "alembic",
    ]
    code = f"import sys, handrail; print([n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_know_whether_a_retry_makes_sense() -> None:
    handoff = handrail.Handoff(ticket="t", role="r", triggers=(), notice="")
    assert handrail.is_final(handrail.HandoffRequired(handoff))
    assert not handrail.is_final(handrail.CheckFailed("store"))
    assert not handrail.is_final(TimeoutError())
