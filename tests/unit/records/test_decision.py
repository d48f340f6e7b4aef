"""Of several effects the strictest holds, of several hand-offs one role owns the ticket."""

import pytest

from handrail.records import Effect, Reason, Severity, Trigger, owners, strictest


def handed(role: str | None, severity: str = "medium", effect: str = "hand_off") -> Reason:
    return Reason(
        rule=f"to {role}",
        effect=Effect(effect),
        trigger=Trigger.HIGH_STAKES,
        severity=Severity(severity),
        role=role,
    )


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([], (None, ())),
        ([handed(None, "high")], (None, ())),
        ([handed("billing", "high", "block"), handed("billing", "high", "redact")], (None, ())),
        ([handed("billing")], ("billing", ())),
        ([handed("billing", "low"), handed("supervisor", "high")], ("supervisor", ("billing",))),
        ([handed("billing"), handed("supervisor"), handed("billing")], ("billing", ("supervisor",))),
        ([handed("b"), handed("c", "high"), handed("a"), handed("b")], ("c", ("b", "a"))),
        ([handed(None, "high"), handed("billing", "low")], ("billing", ())),
    ],
)
def test_the_most_severe_hand_off_owns_it_the_first_of_equals_and_the_others_follow_in_order(
    reasons: list[Reason], expected: tuple[str | None, tuple[str, ...]]
) -> None:
    assert owners(reasons) == expected


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ((), "pass"),
        (("redact", "pass"), "redact"),
        (("pass", "hand_off", "redact"), "hand_off"),
        (("block", "hand_off"), "block"),
    ],
)
def test_the_strictest_effect_holds_and_without_any_it_is_pass(
    effects: tuple[str, ...], expected: str
) -> None:
    assert strictest(map(Effect, effects)) is Effect(expected)
