import json

import pytest

from handrail.policy import load, loads, shipped
from handrail.policy.runtime.record import read_fact, rederive, write_decision, write_fact
from handrail.records import Stage, Unknown
from support.shop_policy import SHOP


@pytest.mark.parametrize("name", shipped())
def test_a_decision_is_taken_again_exactly_from_its_record(name: str) -> None:
    policy = load(name)
    for case in policy.cases:
        decision = policy.decide(case.given, case.stage)
        record = json.loads(json.dumps(write_decision(decision)))
        again = rederive(record, policy)
        assert again.differences == ()
        assert again.decision == decision


def test_a_log_keeps_nobodys_words_and_still_decides_the_same() -> None:
    policy = load("hr")
    facts = {"tool.name": "look_up_pay", "pay.employee": "priya shah", "me": "lena"}
    for pay in ("priya shah", "lena"):
        decision = policy.decide({**facts, "pay.employee": pay}, Stage.TOOL)
        record = json.loads(json.dumps(write_decision(decision, policy)))
        assert not {"priya", "lena"} & set(json.dumps(record).replace('"', " ").split())
        again = rederive(record, policy)
        assert again.differences == ()
        assert again.decision.effect is decision.effect
    assert record["facts"]["tool.name"]["value"] == "look_up_pay"


def test_another_policy_shows_in_what_a_decision_differs() -> None:
    record = write_decision(loads(SHOP).decide({"tool.name": "close"}, Stage.TOOL))
    again = rederive(record, loads(SHOP.replace("effect: block", "to: lead")))
    assert set(again.differences) == {"policy", "effect", "role", "reasons"}


def test_a_fact_that_cannot_be_read_back_is_unknown() -> None:
    for data in (
        {},
        {"kind": "money", "value": "x"},
        {"kind": "number", "value": "x"},
        {"kind": "time", "value": 5},
    ):
        assert isinstance(read_fact(data), Unknown)
    assert write_fact(Unknown(why="x")) == {"kind": "unknown", "value": "x"}


def test_a_value_that_the_policy_declares_is_nobodys_word_and_is_kept() -> None:
    policy = loads(
        """
policy: own
version: "1"
if_unsure: desk
roles: {desk: {answer_within: 30 minutes}}
facts:
  tool.name: {type: one of, values: [pay, get_bill]}
  pay.sum: {type: number, from: pay.args.sum}
hand_offs:
  - {id: much, when: pay.sum > 5, to: desk}
"""
    )
    kept = {
        tool: write_decision(policy.decide({"tool.name": tool}, Stage.TOOL), policy)["facts"]["tool.name"]
        for tool in ("get_bill", "lena")
    }
    assert kept["get_bill"]["value"] == "get_bill"
    assert kept["lena"]["value"] == "something_else-1"
