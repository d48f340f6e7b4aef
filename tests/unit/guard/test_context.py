"""Whose call it is: ids that a store can keep."""

from pathlib import Path
from typing import Any

import pytest

from handrail import ConfigError, HandoffRequired
from support.shop_guard import shop_guard


@pytest.mark.parametrize(
    "ids", [{"customer": 42}, {"tenant": "acme\ud83d"}, {"conversation": b"v"}, {"aliases": ["a", 3]}]
)
def test_an_id_is_text_that_can_be_kept_and_a_refusal_does_not_tell_it(
    tmp_path: Path, ids: dict[str, Any]
) -> None:
    with shop_guard(tmp_path) as guard:
        with pytest.raises(ConfigError, match=next(iter(ids))) as raised, guard.context(**ids):
            pass
        assert not any(str(value) in str(raised.value) for value in ids.values())


def test_a_case_with_half_a_character_in_it_is_kept(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:

        @guard
        def answer(question: str) -> str:
            return "\ud83d"

        with guard.context(customer="ben"), pytest.raises(HandoffRequired) as raised:
            answer("\ud83d I want to talk to a real person, not to you.")
        kept = guard.store.get("default", raised.value.handoff.ticket).ticket  # type: ignore[attr-defined]
    assert kept.lines[0].text.startswith("\ufffd I want")
