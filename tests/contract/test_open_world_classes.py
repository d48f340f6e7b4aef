"""No class is a way past the guard: what it shows beyond what it holds is judged, or it is unreadable."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from handrail import AnswerBlocked, ConfigError, HandoffRequired
from handrail.errors import ErrorWithheld
from support.open_world import CARD, MAIL, Secret
from support.open_world_classes import CLASSES, HARMLESS
from support.open_world_functions import ARGUMENTS, RESULTS, TOOL_ARGUMENTS, TOOL_RESULTS, Failed
from support.open_world_runs import EFFECTS, Guards, drawn

AROUND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "alone": (lambda value: value, lambda value: value),
    "in a list": (lambda value: [value], lambda value: value[0]),
    "under a key": (lambda value: {"key": value}, lambda value: value["key"]),
}
WAYS = {
    "argument": (ARGUMENTS["argument"], ""),
    "result": (RESULTS["result"], ""),
    "tool argument": (TOOL_ARGUMENTS["tool_argument"], ""),
    "tool result": (TOOL_RESULTS["tool_result"], " results"),
}


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("way", WAYS)
def test_bypass_no_class_shows_a_secret_that_it_does_not_hold(guards: Guards, name: str, way: str) -> None:
    make, eye = CLASSES[name]
    entry, results = WAYS[way]

    def check(secret: Secret, cut: int, around: str, effect: str) -> None:
        wrap, unwrap = AROUND[around]

        def made() -> Any:
            return wrap(make(secret.needle[:cut], secret.needle[cut:]))

        assert secret.needle in eye(unwrap(made())), "the control must leak"
        seen: list[object] = []
        told: list[str] = []
        try:
            seen.append(entry(guards(effect + results), made(), seen))
        except (HandoffRequired, AnswerBlocked, ConfigError, Failed, ErrorWithheld) as withheld:
            told.append(f"{withheld}{withheld!r}")
        told += [eye(unwrap(value)) for value in seen if value != "Fine."]
        assert not any(secret.needle in one for one in told)

    drawn(
        8,
        check,
        *(st.sampled_from([MAIL, CARD]), st.integers(5, 12), st.sampled_from([*AROUND])),
        st.sampled_from(EFFECTS),
    )


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("way", WAYS)
def test_a_class_that_shows_what_it_holds_comes_through(guards: Guards, name: str, way: str) -> None:
    entry, results = WAYS[way]
    for effect in EFFECTS:
        value, seen = HARMLESS[name](), []
        told = entry(guards(effect + results), value, seen)
        arrived = seen[-1] if told == "Fine." and seen else told
        assert type(arrived) is type(value)
        assert arrived == value
