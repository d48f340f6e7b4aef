"""Notes and patches that are not about a condition: each on a log made for it, and on one without it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.policy import load
from handrail.policy.file.read import read_source
from handrail.policy.runtime.log_row import LogRow
from handrail.records import Trigger
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.evidence.costs import Costs
from handrail.review.evidence.log_review import LogSettings
from handrail.review.figures.log_figures import detector_figures
from handrail.review.log.cases import ChangedValue, ReviewCase, TicketEnding, changes
from handrail.review.log.review_log import ReviewLog, review_log
from handrail.review.proposals.detectors import proposed_detectors
from handrail.review.proposals.grants import proposed_grants
from handrail.review.proposals.knowledge import proposed_knowledge
from handrail.review.proposals.prompts import kinds_of, proposed_prompts
from handrail.review.proposals.roles import proposed_roles
from handrail.review.proposals.staffing import late_with, proposed_staffing

START = datetime(2026, 9, 1, 10, tzinfo=UTC)
POLICY, TEXT = load("support"), read_source("support")[1]
NOW = PolicyInForce(policy=POLICY, text=TEXT, file="support.yaml")


def held(place: int, rule: str = "refund-over-100", **more: object) -> LogRow:
    about: dict[str, object] = {
        "trigger": "high_stakes", "to": "support_lead", "customer": "", "facts": {}, "minutes": 60 * place,
        **more,
    }  # fmt: skip
    at = START + timedelta(minutes=float(str(about["minutes"])))
    return LogRow(
        outcome="handed_off", exchange=f"t{place}", ticket=f"t{place}", at=at.isoformat(), effect="hand_off",
        reasons=({"rule": rule, "effect": "hand_off", "trigger": about["trigger"]},),
        role=str(about["to"]), customer=str(about["customer"]), facts=about["facts"],  # type: ignore[arg-type]
    )  # fmt: skip


def said(row: LogRow, verdict: str, *, role: str = "", minutes: int = 10) -> list[LogRow]:
    at = datetime.fromisoformat(row.at)
    who = {"ticket": row.ticket, "reviewer": "ann", "role": role or row.role}
    return [
        LogRow(outcome="taken", at=(at + timedelta(minutes=1)).isoformat(), **who),
        LogRow(
            outcome="resolved", at=(at + timedelta(minutes=1 + minutes)).isoformat(), verdict=verdict, **who
        ),
    ]


def log(rows: list[LogRow]) -> ReviewLog:
    return review_log(rows)


def decided(count: int, verdict: str, *, role: str = "", **about: object) -> list[LogRow]:
    rows = [held(place, **about) for place in range(count)]  # type: ignore[arg-type]
    return [each for row in rows for each in (row, *said(row, verdict, role=role))]


def test_a_rule_whose_tickets_are_passed_on_gets_that_role_by_a_patch_that_is_ready() -> None:
    (found,) = proposed_roles(log(decided(20, "approve", role="process_owner_returns")), NOW)
    assert found.is_ready
    assert found.title == "Hand refund-over-100 to process_owner_returns (now support_lead)"
    assert "+    to: process_owner_returns" in found.diff
    assert len(found.tickets) == 20
    assert not list(proposed_roles(log(decided(20, "approve")), NOW))


def test_what_a_role_decided_while_the_rule_was_still_its_own_moves_nothing_back() -> None:
    before = decided(20, "approve", role="process_owner_returns", **{"to": "process_owner_returns"})
    assert not list(proposed_roles(log(before), NOW))


def test_tickets_that_time_moves_to_the_backup_do_not_move_the_rule() -> None:
    assert POLICY.roles["support_lead"].backup == "finance_lead"
    assert not list(proposed_roles(log(decided(20, "approve", role="finance_lead")), NOW))


def test_a_customer_whose_cases_nobody_changes_is_worth_a_grant_and_few_cases_are_not() -> None:
    (found,) = proposed_grants(log(decided(24, "approve", customer="c1")), Costs(), weeks=2)
    assert found.is_note
    assert "c1" in found.title
    assert "0 of 24" in found.why
    assert not list(proposed_grants(log(decided(5, "approve", customer="c1")), Costs(), weeks=2))
    assert not list(proposed_grants(log(decided(24, "edit", customer="c1")), Costs(), weeks=2))
    sensitive = decided(24, "approve", customer="c1", trigger="sensitive_data")
    assert not list(proposed_grants(log(sensitive), Costs(), weeks=2))


def test_nothing_is_said_of_a_customer_who_has_not_come_since() -> None:
    past = log(decided(24, "approve", customer="c1"))
    assert not list(proposed_grants(past, Costs(), weeks=2, since=float(past.at[-1]) + 1.0))


def test_a_grant_whose_passes_are_wrong_is_worth_ending() -> None:
    def passed(verdict: str) -> ReviewLog:
        rows = []
        for place in range(12):
            at = START.isoformat()
            whose = {"exchange": f"x{place}", "at": at}
            rows += [LogRow(outcome="passed_by_grant", effect="pass", grant="g1", **whose)]
            rows += [LogRow(outcome="sampled", verdict=verdict, reviewer="ann", **whose)]
        return review_log(rows)

    (found,) = proposed_grants(passed("wrong"), Costs(), weeks=1)
    assert found.title == "End grant g1"
    assert not list(proposed_grants(passed("right"), Costs(), weeks=1))


@pytest.mark.parametrize(("each_minutes", "people"), [(1, "3 people"), (600, "1 person")])
def test_people_are_counted_until_what_came_would_have_been_in_time(each_minutes: int, people: str) -> None:
    rows = [held(place, minutes=each_minutes * place) for place in range(60)]
    read = [each for row in rows[:30] for each in said(row, "approve", minutes=4)]
    (found,) = proposed_staffing(log([*rows, *read]), POLICY)
    assert f"Have {people} as support_lead" in found.title
    assert len(found.tickets) == 30


@pytest.mark.parametrize(("people", "late"), [(1, [False, False, True, True]), (2, [False] * 4)])
def test_a_ticket_is_late_that_is_not_taken_in_half_of_the_time_or_takes_longer(
    people: int, late: list[bool]
) -> None:
    """Thirty minutes are allowed; each ticket takes eight, and four come at once."""
    plan = POLICY.roles["support_lead"]
    assert late_with(people, plan, [0.0] * 4, [8 * 60.0] * 4).tolist() == late
    assert late_with(people, plan, [0.0], [31 * 60.0]).all()


def test_a_role_whose_tickets_take_longer_than_is_allowed_needs_time_and_not_people() -> None:
    rows = [held(place, minutes=600 * place) for place in range(40)]
    read = [each for row in rows for each in said(row, "approve", minutes=45)]
    (found,) = proposed_staffing(log([*rows, *read[: 2 * 30]]), POLICY)
    assert found.title == "Allow support_lead more than 30 min"


def test_tickets_that_the_clock_gave_to_the_backup_were_not_decided_in_time() -> None:
    backup = POLICY.roles["support_lead"].backup
    rows = [held(place) for place in range(60)]
    said_by = [
        each for place, row in enumerate(rows) for each in said(row, "approve", role=["", backup][place % 2])
    ]
    clock = [
        LogRow(outcome="escalated", ticket=row.ticket, at=(START + timedelta(days=9)).isoformat())
        for row in rows[1::2]
    ]
    (found,) = proposed_staffing(log([*rows, *said_by, *clock]), POLICY)
    assert len(found.tickets) == 30
    # What people gave to the backup by hand did not run out of time.
    assert not list(proposed_staffing(log([*rows, *said_by]), POLICY))


def test_a_role_that_decides_in_time_needs_nobody() -> None:
    assert not list(proposed_staffing(log(decided(60, "approve")), POLICY))


def test_a_detector_whose_finds_are_left_unchanged_is_looked_at() -> None:
    facts = {"input.findings": {"kind": "set", "items": ["legal"]}}
    about = {"rule": "legal-threat", "trigger": "sensitive_data", "facts": facts}
    (found,) = proposed_detectors(detector_figures(log(decided(15, "approve", **about))), weeks=1)
    assert found.title == "Look at what input.findings legal stops"
    assert found.is_note
    assert not list(proposed_detectors(detector_figures(log(decided(15, "edit", **about))), weeks=1))


def test_a_fact_that_no_detector_fills_is_no_detector() -> None:
    facts = {"confirmed": {"kind": "yes_no", "value": "yes"}}
    past = log(decided(15, "approve", rule="complaint", trigger="complaint", facts=facts))
    assert detector_figures(past)
    assert not detector_figures(past, LogSettings.of(POLICY).detectors)


def case(place: int, ending: TicketEnding = TicketEnding.EDITED, **more: object) -> ReviewCase:
    made = ReviewCase(
        id=f"t{place}",
        created_at=START,
        decided_at=START,
        role="r",
        trigger=Trigger.HIGH_STAKES,
        ending=ending,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def refund(place: int, before: float, after: float) -> ReviewCase:
    proposed, resolved = (json.dumps({"amount": amount}) for amount in (before, after))
    return case(place, tool="issue_refund", proposed=proposed, resolved=resolved)


def test_edits_of_one_kind_are_one_note_with_before_and_after() -> None:
    cases = [refund(1, 100, 90), refund(2, 200, 181), refund(3, 50, 45), refund(4, 10, 20)]
    (found,) = proposed_prompts(cases, weeks=1)
    assert found.title == "Say in the prompt: issue_refund.amount is lowered by about 10 %"
    assert "100 → 90" in found.why
    assert found.tickets == ("t1", "t2", "t3")


def test_a_few_edits_of_one_kind_among_many_tickets_say_nothing() -> None:
    cases = [refund(1, 100, 90), refund(2, 200, 181), refund(3, 50, 45)]
    approved = [case(10 + n, TicketEnding.APPROVED, tool="issue_refund") for n in range(60)]
    assert not list(proposed_prompts([*cases, *approved], weeks=1))


def test_a_sentence_that_people_add_again_and_again_is_one_note_that_shows_it() -> None:
    edited = [
        case(
            n,
            proposed=f"Parcel {word} is on its way.",
            resolved=f"Parcel {word} is on its way. Keep the receipt.",
        )
        for n, word in enumerate(("alpha", "bravo", "delta", "gamma"))
    ]
    others = [
        case(10 + n, TicketEnding.APPROVED, proposed="All is well.", resolved="All is well.")
        for n in range(8)
    ]
    (found,) = proposed_prompts([*edited, *others], weeks=1)
    assert found.title.startswith("Say in the prompt: the answer gets the word")
    assert "Keep the receipt" in found.why


def test_words_that_drafts_hold_anyway_are_no_kind_of_edit() -> None:
    draft = "Thank you for your message about the parcel"
    edited = [case(n, proposed=f"Your parcel {n} is late.", resolved=draft) for n in range(4)]
    others = [case(10 + n, TicketEnding.APPROVED, proposed=draft, resolved=draft) for n in range(40)]
    assert not [one for one in proposed_prompts([*edited, *others], weeks=1) if "gets the word" in one.title]


def test_an_answer_in_place_of_a_call_is_no_edit_of_its_arguments() -> None:
    answered = [
        case(n, TicketEnding.ANSWERED, tool="issue_refund", proposed='{"amount": 1}', resolved="No.")
        for n in range(6)
    ]
    assert not list(proposed_prompts(answered, weeks=1))
    assert not any(map(changes, answered))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("10", "10.4", "is raised by about 0 %"),
        ("", "x", "is filled in"),
        ("x", "", "is left out"),
        ("NaN", "1", "becomes “1”"),
    ],
)
def test_what_was_done_to_a_value_is_said_in_a_few_words(before: str, after: str, kind: str) -> None:
    assert kinds_of(ChangedValue(path="a", before=before, after=after)) == (kind,)


def test_a_topic_that_people_answer_themselves_is_a_gap_of_knowledge() -> None:
    by_hand = [case(n, TicketEnding.ANSWERED, wanted="Does the charger work in Peru?") for n in range(6)]
    others = [case(10 + n, TicketEnding.APPROVED, wanted="Where is my order?") for n in range(20)]
    titles = [found.title for found in proposed_knowledge([*by_hand, *others], log([]), weeks=1)]
    assert len(titles) == 1
    assert "Teach the assistant about" in titles[0]
    assert not list(proposed_knowledge(others, log([]), weeks=1))


def test_a_fact_that_is_often_unknown_is_a_gap_too() -> None:
    cases = [case(n, unknown=("order.age",)) for n in range(4)]
    lacking = [held(n, facts={"order.age": {"kind": "unknown", "value": "missing"}}) for n in range(4)]
    (found,) = proposed_knowledge(cases, log(lacking), weeks=1)
    assert found.title == "Let order.age be known"
    assert found.tickets == ("t0", "t1", "t2", "t3")
    known = [held(10 + n, facts={"order.age": {"kind": "number", "value": "3"}}) for n in range(80)]
    assert not list(proposed_knowledge(cases, log([*lacking, *known]), weeks=1))
