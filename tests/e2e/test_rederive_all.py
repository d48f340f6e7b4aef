"""Every decision of the demo and of a thousand generated exchanges is taken again exactly from an export."""

import io
import json
import random
from pathlib import Path

import pytest
from rich.console import Console

from handrail import Guard
from handrail.bulk.chunks import chunks_of, records_in
from handrail.bulk.export import export_jsonl
from handrail.policy import Policy, load
from handrail.policy.runtime.log_row import LogRow, read_row
from handrail.policy.runtime.record import rederive
from handrail.policy.tools.backtest import backtest
from handrail.records import Draft, FaultKind, Message, Speaker, ToolCall
from handrail.store import SqlStore, open_store
from handrail_adapters.demo.scenario import SHOP
from handrail_adapters.demo.terminal import Demonstration, Terminal

EXCHANGES = 1_000
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


def exported(store: SqlStore, folder: Path) -> list[object]:
    path = folder / "log.jsonl"
    export_jsonl(store.log_rows(), path)
    return [record for chunk in chunks_of(path) for _, record in records_in(chunk)]


def assert_taken_again(records: list[object], policy: Policy) -> list[LogRow]:
    rows = [row for record in records if (row := read_row(record)) is not None and row.is_decision]
    assert [(row.outcome, rederive(row.record(), policy).differences) for row in rows] == [
        (row.outcome, ()) for row in rows
    ]
    tried = backtest(list(enumerate(records, 1)), policy)
    assert (tried.unreadable, tried.newly, tried.no_longer, tried.without_facts) == ([], 0, 0, 0)
    assert tried.records == len(rows)
    return rows


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
    for number in range(EXCHANGES // 2):
        with guard.context(customer=f"u{number // 3}", conversation=f"c{number // 2}"):
            bring_about(guard, drawn, f"e{number}")
    assert isinstance(guard.store, SqlStore)
    records = exported(guard.store, tmp_path)
    rows = assert_taken_again(records, guard.policy)
    guard.close()
    assert {"passed", "handed_off"} <= {row.outcome for row in rows}
    text, words = json.dumps(records), ("parcel", "diabetes", "4111 1111", "ann.smith", "sk-proj", "Friday")
    assert not [word for word in words if word in text]


def bring_about(guard: Guard, drawn: random.Random, exchange: str) -> None:
    """Have one exchange: words, answers, faults and calls of any kind."""
    tools = ("issue_refund", "delete_account", "check_return", "nobody_knows_it")
    arguments = drawn.choice((json.dumps({"amount": drawn.choice(AMOUNTS)}), "{not json", "{}"))
    calls = tuple(ToolCall(id=f"t{at}", name=drawn.choice(tools), arguments=arguments) for at in range(3))
    if drawn.random() < 0.25:
        guard.gate(calls[0], exchange=exchange)
        return
    unreadable = ("image",) if drawn.random() < 0.1 else ()
    said = Message(speaker=Speaker.USER, text=drawn.choice(SAID), unreadable=unreadable)
    call = guard.begin((said,), exchange=exchange)
    if call.outcome is None:
        fault = drawn.choice((None, None, None, *FaultKind))
        drafts = [
            Draft(text=drawn.choice(ANSWERED), tool_calls=calls[: drawn.randrange(3)], fault=fault)
            for _ in range(drawn.randrange(1, 3))
        ]
        call.finish(drafts)
