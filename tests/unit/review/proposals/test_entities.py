import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handrail.guard.opening import scanner_of
from handrail.policy import loads
from handrail.policy.runtime.log_row import LogRow
from handrail.records import Stage, Trigger
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.review_log import review_log
from handrail.review.proposals.entities import EntityShape, pieces, proposed_entities, shapes

START = datetime(2026, 9, 7, 10, tzinfo=UTC)
TEXT = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {}
facts:
  output.findings: {type: set, values: [personnel, card]}
hand_offs:
  - id: staff
    when: output.findings has "personnel"
    effect: redact
    trigger: sensitive_data
    because: Nothing about staff leaves.
"""
CHANCE = random.Random(20261129)
ANSWER = "Your parcel is on its way and should reach you within the week, {}, as we told you before."


def digits(size: int) -> str:
    return "".join(CHANCE.choices("0123456789", k=size))


class Weeks:
    """Tickets whose answers hold a value; people take it out or leave it."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.cases: list[ReviewCase] = []

    def add(self, before: str, after: str = "", *, week: int, tool: str = "", facts: Any = None) -> None:
        number = len(self.cases)
        ticket, at = f"t{number}", START + timedelta(weeks=week, minutes=number)
        self.rows += [
            LogRow(
                outcome="handed_off",
                exchange=ticket,
                ticket=ticket,
                at=at.isoformat(),
                effect="hand_off",
                role="queue_manager",
                customer=f"c{number}",
                facts=facts or {},
            ),
        ]
        self.cases.append(
            ReviewCase(
                id=ticket,
                created_at=at,
                role="queue_manager",
                trigger=Trigger.LOW_CONFIDENCE,
                ending=TicketEnding.EDITED if after else TicketEnding.APPROVED,
                tool=tool,
                proposed=before,
                resolved=after or before,
            )
        )

    def found(self, text: str = TEXT) -> list[Proposal]:
        rows = [{"facts": row.facts} for row in self.rows]
        now = PolicyInForce(policy=loads(text), text=text, file="shop.yaml", rows=rows)
        return list(proposed_entities(review_log(self.rows), self.cases, now))


def season(form: str, *, removed: str = "somebody", kept: str = "", facts: Any = None) -> Weeks:
    """`#` stands for a digit; a text of form `kept` stays in every answer."""
    weeks = Weeks()

    def filled(text: str) -> str:
        return "".join(digits(1) if each == "#" else each for each in text)

    for week in range(6):
        for _ in range(4):
            stays = filled(kept)
            before = ANSWER.format(f"{filled(form)} {stays}")
            weeks.add(before, ANSWER.format(f"{filled(removed)} {stays}"), week=week, facts=facts)
            weeks.add(ANSWER.format(f"order {digits(6)}"), week=week)
    return weeks


@pytest.mark.parametrize(
    ("form", "value", "other"),
    [
        ("EMP-#####", "EMP-48213", "EMP-482130"),
        ("KND #### ##", "KND 4711 22", "KND 4711"),
        ("AZ/####/##", "AZ/4711/22", "AB/4711/22"),
        ("pers.nr ######", "", ""),
        ("Ref#######", "Ref4711222", "Ref471122"),
        ("ÄRZ-####", "ÄRZ-4711", "ÄRZ-471"),
    ],
)
def test_a_shape_that_people_take_out_is_proposed_and_then_found(form: str, value: str, other: str) -> None:
    found = season(form).found()
    if not value:
        assert found == []
        return
    (one,) = found
    assert one.is_ready, one.problems
    assert "24 of 24" in one.why
    policy = loads(one.text)
    (entity,) = policy.scan["entities"]
    assert entity["category"] == "identifier"
    types = {each.type for each in scanner_of(policy).scan(f"It was {value}, they say.")}
    assert entity["type"] in types
    assert entity["type"] not in {each.type for each in scanner_of(policy).scan(f"It was {other}, they say.")}


HEALTH = """\
  - id: health
    when: input.findings has health
    to: queue_manager
    because: Health is read by people.
"""


def with_rules(*rules: str, inputs: str = "health, identifier") -> str:
    facts = f"  input.findings: {{type: set, values: [{inputs}]}}\n"
    return TEXT.replace("facts:\n", f"facts:\n{facts}") + "".join(rules)


def effect_of(text: str, **findings: str) -> str:
    policy = loads(text)
    facts = {
        name: frozenset({findings[place]} if place in findings else ())
        for place, name in (("input", "input.findings"), ("output", "output.findings"))
        if name in policy.facts
    }
    return str(policy.decide(facts, Stage.ANSWER).effect)


@pytest.mark.parametrize("text", [TEXT, with_rules(HEALTH)])
def test_what_is_proposed_is_masked_in_answers_and_stops_nobody_who_writes_it(text: str) -> None:
    (one,) = season("TOUR-#####").found(text)
    assert one.is_ready, one.problems
    (entity,) = loads(one.text).scan["entities"]
    assert (entity["category"], entity["type"]) == ("identifier", "tour_number")
    assert effect_of(one.text, output="tour_number") == "redact"
    for found in (entity["category"], entity["type"]):
        assert effect_of(one.text, input=found) == "pass"
    assert "mask-tour-number masks it in answers" in one.effect
    assert "edits a week" in one.effect


def test_nobody_is_handed_off_by_a_rule_about_what_customers_write() -> None:
    (one,) = season("TOUR-#####").found(with_rules(HEALTH.replace("health", "identifier")))
    (entity,) = loads(one.text).scan["entities"]
    assert entity["category"] == entity["type"] == "tour_number"
    assert effect_of(one.text, output="tour_number") == "redact"


def test_where_a_rule_holds_such_answers_no_edit_is_promised() -> None:
    held = TEXT.replace("personnel", "identifier").replace("effect: redact", "to: queue_manager")
    (one,) = season("TOUR-#####").found(held)
    assert one.is_ready, one.problems
    assert len(loads(one.text).hand_offs) == len(loads(held).hand_offs)
    assert "staff stops answers" in one.effect
    assert "edits a week" not in one.effect


def test_a_rule_that_masks_its_category_is_not_written_twice() -> None:
    (one,) = season("TOUR-#####").found(TEXT.replace("personnel", "identifier"))
    assert len(loads(one.text).hand_offs) == len(loads(TEXT).hand_offs)
    assert "staff masks it in answers" in one.effect


def test_without_a_fact_of_answers_the_proposal_says_which_to_declare() -> None:
    text = TEXT.replace("output.findings", "tool.findings").replace("effect: redact", "to: queue_manager")
    (one,) = season("TOUR-#####").found(text)
    assert not one.is_ready
    assert "output.findings: {type: set, values: [tour_number]}" in one.problems[0]
    assert not one.effect


def test_its_tests_are_made_from_the_shape_and_are_nobodys_values() -> None:
    weeks = season("EMP-#####")
    (one,) = weeks.found()
    (entity,) = loads(one.text).scan["entities"]
    said = " ".join(case.proposed for case in weeks.cases)
    assert len(entity["match"]) == 2
    assert not [text for text in (*entity["match"], *entity["not_match"]) if text in said.split()]


def test_an_entity_that_the_policy_has_is_not_proposed_again() -> None:
    weeks = season("EMP-#####")
    (one,) = weeks.found()
    assert weeks.found(one.text) == []


def test_a_value_that_is_only_corrected_is_none_to_find() -> None:
    assert season("EMP-#####", removed="EMP-#####").found() == []


def test_what_stays_in_other_answers_is_none_to_find() -> None:
    weeks = season("EMP-#####")
    for week in range(6):
        for _ in range(6):
            weeks.add(ANSWER.format(f"EMP-{digits(5)}"), week=week)
    assert weeks.found() == []


@pytest.mark.parametrize("form", ["EUR ####", "May ####", "2026-##-##", "ISO ####", "########", "#### ## ##"])
def test_what_stands_in_ordinary_text_is_never_ready(form: str) -> None:
    assert not [one for one in season(form).found() if one.is_ready]


def test_a_number_that_decisions_rest_on_is_never_ready() -> None:
    (one,) = season("ORD-#####", facts={"order.id": {"kind": "text", "value": "ORD-55123"}}).found()
    assert not one.is_ready
    assert "not narrow enough" in one.problems[0]


def test_arguments_of_calls_that_people_approve_keep_a_shape_from_being_found() -> None:
    weeks = season("ORD-#####")
    for week in range(6):
        for _ in range(6):
            weeks.add(json.dumps({"order": f"ORD-{digits(5)}"}), week=week, tool="look_up")
    assert weeks.found() == []


def test_answers_without_a_cause_lead_to_nothing() -> None:
    wrong = 0
    for _ in range(20):
        weeks = Weeks()
        for week in range(6):
            for _ in range(10):
                value = CHANCE.choice(["EMP-", "KND-", "ORD-"]) + digits(5)
                is_removed = CHANCE.random() < 0.3
                weeks.add(ANSWER.format(value), ANSWER.format("they") if is_removed else "", week=week)
        wrong += bool(weeks.found())
    assert wrong / 20 <= 0.05


def test_a_shape_fixes_letters_and_counts_digits() -> None:
    exact, free = shapes("KND-AX-4711")
    assert (exact.pattern, str(exact)) == (r"\bKND\-AX\-\d{4}\b", "KND-AX-9999")
    assert (free.pattern, str(free)) == (r"\bKND\-[A-Z]{2}\-\d{4}\b", "KND-AA-9999")
    assert EntityShape(("EMP", "-", 5)).written(1, fewer=1) == "EMP-1470"


def test_pieces_are_read_as_the_scanner_reads_them() -> None:
    assert list(pieces("EMP-\uff14\uff18\uff12\uff11\uff13, E\u200bMP-48213, in 2026 and B2B")) == [
        "EMP-48213",
        "EMP-48213",
    ]
