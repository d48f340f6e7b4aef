import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.records import Evidence, Message, Speaker, ToolCall, Trigger
from handrail.replay import (
    RecordedConversation,
    ReplayedRun,
    Replayer,
    ReplayReport,
    StoppedCall,
    as_data,
    fact_source_factory,
)
from handrail.replay.report import bootstrap_low
from handrail.store import open_store

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
POLICY = """
policy: shop
version: "1"
if_unsure: queue
roles: {queue: {}, lead: {}, people: {}}
facts:
  tool.name: {type: one of, values: [refund, look, cancel]}
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount}
  refunded.before: {type: yes/no}
  said_please: {type: yes/no}
  agreed: {type: yes/no, from: conversation, after: user_yes}
  asks: {type: yes/no, from: signal.asks_for_human}
hand_offs:
  - {id: asks, when: asks, to: people, because: They ask.}
  - {id: big, when: tool.name == "refund" and refund.amount > 100 USD, to: lead, because: It is much.}
  - {id: twice, when: tool.name == "refund" and refunded.before, effect: block, because: Once is enough.}
  - {id: rude, when: tool.name == "cancel" and not said_please, effect: block, because: Manners.}
  - {id: unasked, when: tool.name == "cancel" and not agreed, effect: block, because: Ask first.}
"""


class ShopFacts:
    def __init__(self) -> None:
        self.refunds = 0
        self.says_please: bool | None = False

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        assert now == NOW
        return {"refunded.before": self.refunds > 0, "said_please": self.says_please}

    def observe(self, call: ToolCall, result: str) -> None:
        self.refunds += call.name == "refund" and result == "done"

    def assume(self, call: ToolCall) -> None:
        self.refunds += call.name == "refund"

    def suppose_said(self) -> None:
        self.says_please = True


def call(name: str, key: str = "1", **arguments: object) -> ToolCall:
    return ToolCall(id=key, name=name, arguments=json.dumps(arguments))


def user(text: str) -> Message:
    return Message(speaker=Speaker.USER, text=text)


def assistant(text: str = "", *calls: ToolCall) -> Message:
    return Message(speaker=Speaker.ASSISTANT, text=text, tool_calls=calls)


def result(text: str, key: str = "1") -> Message:
    return Message(speaker=Speaker.TOOL, text=text, tool_call_id=key)


def replayed(*messages: Message, **record: Any) -> ReplayedRun:
    store = open_store("sqlite://", allow_volatile=True)
    try:
        replayer = Replayer(loads(POLICY), store=store, now=NOW, facts=lambda raw: ShopFacts())
        return replayer.run(
            RecordedConversation(line=1, task=record.pop("task", "1"), messages=messages, raw={}, **record)
        )
    finally:
        store.close()


def test_a_quiet_run_is_counted_and_not_stopped() -> None:
    run = replayed(
        user("refund 5"), assistant("", call("refund", amount=5)), result("done"), assistant("Done.")
    )
    assert (run.exchanges, run.stop, run.is_handed_off, dict(run.hand_offs)) == (2, None, False, {})
    assert len(run.micros) == 2


def test_a_run_is_halted_where_a_rule_hands_a_call_off() -> None:
    run = replayed(
        user("refund 500"), assistant("", call("refund", amount=500)), result("done"), assistant("Done.")
    )
    assert run.stop == StoppedCall(message=1, tool="refund", rules=("big",))
    assert run.exchanges == 1
    assert run.hand_offs[Trigger.HIGH_STAKES] == 1


def test_recorded_answers_reach_the_fact_source() -> None:
    run = replayed(
        user("refund 5"),
        assistant("", call("refund", amount=5)),
        result("done"),
        assistant("", call("refund", "2", amount=5)),
        result("done", "2"),
    )
    assert run.stop == StoppedCall(message=3, tool="refund", rules=("twice",))
    assert (run.blocks, dict(run.rules)) == (1, {"twice": 1})


def test_a_refused_recorded_call_changes_nothing() -> None:
    run = replayed(
        user("refund 5"),
        assistant("", call("refund", amount=5)),
        result("Error: no such order"),
        assistant("", call("refund", "1", amount=5)),
        result("done", "1"),
    )
    assert run.stop is None


def test_an_unknown_amount_hands_off_and_is_not_taken_for_forbidden() -> None:
    run = replayed(user("refund"), assistant("", call("refund", amount="1e3")))
    assert run.stop is None
    assert run.is_handed_off
    assert dict(run.hand_offs) == {Trigger.UNSURE: 1}


def test_an_earlier_hand_off_does_not_hide_a_forbidden_call() -> None:
    run = replayed(
        user("let me talk to a person"),
        assistant("Sure, one moment."),
        user("never mind, refund 500"),
        assistant("", call("refund", amount=500)),
    )
    assert run.hand_offs[Trigger.ASKS_FOR_HUMAN] == 1
    assert run.stop == StoppedCall(message=3, tool="refund", rules=("big",))


def test_a_call_right_after_words_that_hand_off_is_judged_all_the_same() -> None:
    run = replayed(user("let me talk to a person"), assistant("", call("refund", amount=500)))
    assert run.stop == StoppedCall(message=1, tool="refund", rules=("big",))


def test_a_gold_list_breaks_rules_on_actions_but_none_on_what_was_said() -> None:
    gold = (call("cancel"), call("refund", amount=5), call("refund", amount=500))
    run = replayed(user("hi"), assistant("hello"), gold=gold)
    assert run.gold_rules == {("twice", "refund"), ("big", "refund")}
    assert run.stop is None


def test_what_was_said_counts_in_the_run_itself() -> None:
    run = replayed(user("cancel it"), assistant("", call("cancel")))
    assert run.stop == StoppedCall(message=1, tool="cancel", rules=("rude", "unasked"))


def graded(task: str, *, is_stopped: bool, is_failed: bool | None) -> ReplayedRun:
    record = RecordedConversation(line=1, task=task, messages=(), raw={}, is_failed=is_failed)
    stop = StoppedCall(message=0, tool="refund", rules=("big",)) if is_stopped else None
    return ReplayedRun(record=record, stop=stop)


def test_the_figures_set_stops_against_outcomes() -> None:
    runs = (
        graded("a", is_stopped=True, is_failed=True),
        graded("a", is_stopped=False, is_failed=True),
        graded("b", is_stopped=True, is_failed=False),
        graded("c", is_stopped=False, is_failed=False),
    )
    figures = as_data(ReplayReport(runs=runs))
    assert figures["runs"] == 4
    assert figures["stopped_forbidden"] == 2
    assert figures["stopped_forbidden_failed"] == 1
    assert figures["failed_stopped_share"] == 0.5
    assert figures["stopped_by_rule"] == [{"rule": "big", "runs": 2, "failed": 1}]
    assert figures["stopped_ci_low"] == 0.0


def test_without_outcomes_the_figures_say_so() -> None:
    figures = as_data(ReplayReport(runs=(graded("a", is_stopped=True, is_failed=None),)))
    nothing = (
        "stopped_forbidden_failed",
        "stopped_ci_low",
        "failed",
        "gold_transfer",
        "stopped_gold_obeys",
        "p50_us",
    )
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing)
    assert as_data(ReplayReport(runs=()))["runs"] == 0


def test_the_interval_is_over_tasks_and_repeatable() -> None:
    many = [graded(str(task), is_stopped=True, is_failed=task % 4 > 0) for task in range(40)]
    same = [graded("1", is_stopped=True, is_failed=index % 4 > 0) for index in range(40)]
    low = bootstrap_low(many)
    assert low is not None
    assert 0.55 < low < 0.75
    assert bootstrap_low(many) == low
    assert bootstrap_low(same) == 0.75
    assert bootstrap_low([graded("1", is_stopped=False, is_failed=True)]) is None
    assert bootstrap_low([]) is None


def test_a_gold_list_breaks_the_policy_only_if_it_does_in_every_run() -> None:
    broken = [graded("a", is_stopped=True, is_failed=False), graded("a", is_stopped=True, is_failed=True)]
    for run in broken:
        run.gold_rules = frozenset({("big", "refund")})
    assert as_data(ReplayReport(runs=tuple(broken)))["gold_breaks"] == [
        {"task": "a", "rule": "big", "tool": "refund"}
    ]
    broken[1].gold_rules = frozenset()
    assert as_data(ReplayReport(runs=tuple(broken)))["gold_breaks"] == []


@pytest.mark.parametrize(
    "name", ["handrail", "handrail:", ":x", "no_such_module_here:x", "handrail:no_such_name"]
)
def test_a_fact_source_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError):
        fact_source_factory(name)
