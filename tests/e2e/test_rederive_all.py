"""Every decision of the demo and of a thousand generated exchanges is taken again exactly from an export."""

import io
import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from handrail import Guard
from handrail.errors import DecisionExpired, HandoffRequired
from handrail.policy import load, load_people
from handrail.policy.runtime.log_row import FAULT, OUTCOMES
from handrail.records import Draft, FaultKind, Message, Speaker, ToolCall
from handrail.store import Actor, SqlStore, open_store
from handrail.store.samples import judge, keep
from handrail.tickets.ports import DecisionEntry
from handrail.tickets.resolution import Resolution
from handrail.tickets.samples import SampledAnswer, SampleText, SampleVerdict
from handrail.tickets.ticket import Verdict
from handrail_adapters.demo.scenario import SHOP
from handrail_adapters.demo.terminal import Demonstration, Terminal
from support.rederived import assert_taken_again, exported
from support.shop_guard import MAIL, shop_guard

EXCHANGES = 1_000
NOW = datetime.now(UTC)
SAID = (
    *(
        "Where is my parcel?",
        "I want to talk to a human.",
        "My card is 4111 1111 1111 1111.",
        "That is wrong!",
    ),
    *("My address is ann.smith@example.org", "I complain about this.", "Thanks.", "", "I have diabetes."),
)
ANSWERED = (
    "It comes on Friday.",
    "Write to help@example.com.",
    "",
    "Key sk-proj-Ab3dEf6hIj9kLmN0pQrStUvWxYz8Q",
)
AMOUNTS = ("5 USD", "90 USD", "640 USD", "?", "12 EUR", 7, None)


def test_every_decision_of_the_demo_is_taken_again(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/handrail.db"
    screen = Terminal(Console(file=io.StringIO(), width=160))
    Demonstration(scenario=SHOP, screen=screen).run(policy="support", store=store)
    opened = open_store(store, allow_volatile=True)
    rows = assert_taken_again(exported(opened, tmp_path), load("support"))
    opened.close()
    assert {"passed", "handed_off", "gated", "authorised"} <= {row.outcome for row in rows}


@pytest.mark.parametrize("name", ["support", "banking"])
def test_every_decision_of_a_thousand_exchanges_is_taken_again(tmp_path: Path, name: str) -> None:
    guard = Guard.from_policy(name, store=f"sqlite:///{tmp_path}/handrail.db")
    drawn = random.Random(7)
    for number in range(EXCHANGES // 4):
        with guard.context(customer=f"u{number // 3}", conversation=f"c{number // 2}"):
            bring_about(guard, drawn, f"e{number}")
    assert isinstance(guard.store, SqlStore)
    records = exported(guard.store, tmp_path)
    rows = assert_taken_again(records, guard.policy)
    guard.close()
    assert {"passed", "handed_off"} <= {row.outcome for row in rows}
    text, words = json.dumps(records), ("parcel", "diabetes", "4111 1111", "ann.smith", "sk-proj", "Friday")
    assert not [word for word in words if word in text]


def bring_about(
    guard: Guard,
    drawn: random.Random,
    exchange: str,
    *,
    said: Sequence[str] = SAID,
    amounts: Sequence[object] = AMOUNTS,
) -> None:
    """Have one exchange: words, answers, faults and calls of any kind."""
    tools = ("issue_refund", "delete_account", "check_return", "nobody_knows_it")
    arguments = drawn.choice((json.dumps({"amount": drawn.choice(amounts)}), "{not json", "{}"))
    calls = tuple(ToolCall(id=f"t{at}", name=drawn.choice(tools), arguments=arguments) for at in range(3))
    if drawn.random() < 0.25:
        guard.gate(calls[0], exchange=exchange)
        return
    unreadable = ("image",) if drawn.random() < 0.1 else ()
    asked = Message(speaker=Speaker.USER, text=drawn.choice(said), unreadable=unreadable)
    call = guard.begin((asked,), exchange=exchange)
    if call.outcome is None:
        fault = drawn.choice((None, None, None, *FaultKind))
        drafts = [
            Draft(text=drawn.choice(ANSWERED), tool_calls=calls[: drawn.randrange(3)], fault=fault)
            for _ in range(drawn.randrange(1, 3))
        ]
        call.finish(drafts)


def test_every_outcome_is_on_record_and_every_decision_among_them_is_taken_again(tmp_path: Path) -> None:
    drawn = random.Random(9)
    with shop_guard(tmp_path) as guard:

        @guard.tool
        def issue_refund(amount: int) -> str:
            return f"refunded {amount}"

        store = guard.store
        assert isinstance(store, SqlStore)
        fay = Actor(person="fay", people=load_people(tmp_path / "people.yaml", guard.policy), now=NOW)
        for number in range(EXCHANGES // 2):
            with guard.context(customer=f"u{number}", conversation=f"c{number}"):
                bring_about(guard, drawn, f"e{number}", said=(*SAID, MAIL), amounts=(5, 90, "640 USD"))
        tickets = [ticket_of(issue_refund, amount) for amount in (640, 700, 800)]
        for ticket, verdict in zip(tickets, (Verdict.APPROVE, Verdict.APPROVE, Verdict.REJECT), strict=True):
            view = store.claim("default", ticket, fay)
            said = Resolution(verdict=verdict, message_to_user="So be it.", digest=view.digest)
            store.resolve("default", ticket, said, fay)
        with guard.authorised(tickets[0]) as action:
            assert action.run() == "refunded 640"
        with pytest.raises(DecisionExpired):
            store.begin("default", tickets[1], now=NOW + timedelta(days=99))
        words = SampleText(answer="It comes on Friday.")
        sample = SampledAnswer(
            exchange="e1", tenant="default", roles=("finance_lead",), masked=words, plain=words
        )
        keep(store, sample, at=NOW)
        judge(store, "default", "e1", SampleVerdict.RIGHT, fay)
        asked = Message(speaker=Speaker.USER, text="Where is my parcel?")
        passed = guard.begin((asked,)).finish([Draft(text="It comes on Friday.")]).decision
        lifted = DecisionEntry(decision=passed, exchange="g1", tenant="default", at=NOW, grant="grant-1")
        store.log(lifted)
        store.flush()
        store.sweep(NOW + timedelta(hours=1))
        records = exported(store, tmp_path)
        assert_taken_again(records, guard.policy)
    assert {str(record["outcome"]) for record in records if isinstance(record, dict)} == {*OUTCOMES} - {FAULT}
    assert "grant-1" not in json.dumps(records)


def ticket_of(tool: Callable[[int], str], amount: int) -> str:
    with pytest.raises(HandoffRequired) as handed_off:
        tool(amount)
    return handed_off.value.handoff.ticket
