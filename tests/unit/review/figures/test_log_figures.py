import pytest

from handrail.policy.runtime.log_row import LogRow
from handrail.review.evidence.log_review import LogReview
from handrail.review.figures.log_figures import LogFigures, log_figures
from handrail.review.log.review_log import review_log
from handrail.review.page.log_tables import as_tables

AT = "2026-09-01T10:{:02}:00+00:00"


def held(
    ticket: str, *rules: str, trigger: str = "high_stakes", facts: dict[str, object] | None = None
) -> LogRow:
    reasons = tuple({"rule": rule, "effect": "hand_off", "trigger": trigger} for rule in rules)
    return LogRow(
        outcome="handed_off", exchange=f"x-{ticket}", ticket=ticket, at=AT.format(0), effect="hand_off",
        reasons=reasons, facts=facts or {},
    )  # fmt: skip


def said(ticket: str, verdict: str, *, by: str = "ann", minute: int = 9) -> list[LogRow]:
    taken = LogRow(outcome="taken", ticket=ticket, at=AT.format(minute - 3), reviewer=by)
    return [
        taken,
        LogRow(outcome="resolved", ticket=ticket, at=AT.format(minute), reviewer=by, verdict=verdict),
    ]


def figures(*rows: LogRow) -> LogFigures:
    log = review_log(rows)
    review = LogReview()
    review.take(log)
    return log_figures(log, review)


def test_every_step_and_every_rule_names_its_tickets() -> None:
    found = figures(
        held("a", "big"), held("b", "big"), held("c", "odd"), *said("a", "approve"), *said("b", "edit")
    )
    assert found.steps == {
        "held": ("a", "b", "c"),
        "changed": ("b",),
        "unchanged": ("a",),
        "uncounted": (),
        "unread": ("c",),
    }
    assert {one.rule: one.tickets for one in found.rules} == {"big": ("a", "b"), "odd": ("c",)}
    rows = as_tables(found)["rules"]
    assert [row["tickets"] for row in rows] == ["a b", "c"]


def test_minutes_of_reading_are_counted_for_each_error_that_people_caught() -> None:
    found = figures(held("a", "big"), held("b", "big"), *said("a", "approve"), *said("b", "edit"))
    assert found.rules[0].minutes_per_error == pytest.approx(6)
    assert found.rules[0].cost_per_error == 2
    assert figures(held("a", "big"), *said("a", "approve")).rules[0].minutes_per_error is None


def test_two_people_who_judge_one_case_agree_or_do_not() -> None:
    found = figures(
        held("a", "big"), held("b", "big"), held("c", "big"),
        *said("a", "agree", by="bob", minute=5), *said("a", "approve"),
        *said("b", "agree", by="bob", minute=5), *said("b", "edit"),
        *said("c", "approve"),
    )  # fmt: skip
    assert (found.agreement.share.count, found.agreement.share.total) == (1, 2)
    assert found.agreement.tickets == ("b",)


def test_one_person_twice_is_no_agreement() -> None:
    found = figures(held("a", "big"), *said("a", "approve", minute=5), *said("a", "approve"))
    assert found.agreement.share.total == 0


def test_false_alarms_are_counted_by_what_was_found() -> None:
    card = {"input.findings": {"kind": "set", "items": ["card"]}, "customer.complains": _no()}
    both = {"input.findings": {"kind": "set", "items": ["card", "iban"]}, "customer.complains": _no()}
    found = figures(
        held("a", "payment", trigger="sensitive_data", facts=card),
        held("b", "payment", trigger="sensitive_data", facts=both),
        held("c", "big", facts=card),
        *said("a", "approve"), *said("b", "edit"), *said("c", "approve"),
    )  # fmt: skip
    assert {str(one): (one.unchanged.count, one.tickets) for one in found.detectors} == {
        "input.findings card": (1, ("a", "b")),
        "input.findings iban": (0, ("b",)),
    }


def _no() -> dict[str, object]:
    return {"kind": "yes_no", "value": "no"}


def test_rules_that_disagree_are_paired_and_say_what_people_made_of_it() -> None:
    found = figures(held("a", "one", "two", trigger="policy_conflict"), *said("a", "edit"))
    (pair,) = found.conflicts
    assert (pair.rule, pair.other, pair.count, pair.changed.count, pair.tickets) == (
        *("one", "two", 1, 1),
        ("a",),
    )
