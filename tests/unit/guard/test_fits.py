"""A ticket or an approval is about a call only if it is exactly that call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.guard.context import entered
from handrail.guard.fits import ais_about, is_about, is_approved
from handrail.records import ToolCall
from handrail.tickets.action import action_digest
from handrail.tickets.ports import ResolutionView
from handrail.tickets.ticket import ProposedAction

ARGUMENTS = '{"amount": 640}'


@dataclass
class Policy:
    sha256: str = "p"


@dataclass
class Held:
    action: ProposedAction | None
    tenant: str = "default"
    policy: Any = None

    def __post_init__(self) -> None:
        self.policy = Policy()


@dataclass
class View:
    ticket: Held | None


class Shows:
    """A store that shows one ticket, to whom asks for it by its tenant and id."""

    def __init__(self, view: View) -> None:
        self.view, self.asked = view, list[tuple[str, str]]()

    def get(self, tenant: str, ticket: str) -> View:
        self.asked.append((tenant, ticket))
        return self.view


def shown(
    *, tool: str = "pay", arguments: str = ARGUMENTS, digest: str | None = None, call: str = "k1"
) -> Shows:
    made = action_digest(tool, arguments, policy_sha256="p", tenant="default")
    action = ProposedAction(
        tool=tool, arguments="masked", digest=made if digest is None else digest, call=call
    )
    return Shows(View(Held(action)))


def call(name: str = "pay", arguments: str = ARGUMENTS, **more: Any) -> ToolCall:
    return ToolCall(id="k1", name=name, arguments=arguments, **more)


ASKS: list[Callable[[object, str, ToolCall], bool]] = [
    is_about,
    lambda store, ticket, about: asyncio.run(ais_about(store, ticket, about)),
]


@pytest.mark.parametrize("ask", ASKS, ids=["now", "awaited"])
def test_a_ticket_is_about_the_very_action_however_it_is_written(
    ask: Callable[[object, str, ToolCall], bool],
) -> None:
    store = shown()
    assert ask(store, "t1", call())
    assert ask(store, "t1", call(arguments='{"amount":640.0}'))
    assert not ask(store, "t1", call(arguments='{"amount": 641}'))
    assert not ask(store, "t1", call(name="refund"))
    with entered(tenant="acme"):
        ask(store, "t2", call())
    assert store.asked == [("default", "t1")] * 4 + [("acme", "t2")]


def test_another_tools_ticket_of_the_same_digest_is_not_about_the_call() -> None:
    other = action_digest("pay", ARGUMENTS, policy_sha256="p", tenant="default")
    assert not is_about(shown(tool="refund", digest=other), "t1", call())


def test_what_cannot_be_read_is_told_apart_by_the_calls_id() -> None:
    unreadable = call(unreadable=("amount",))
    assert is_about(shown(digest=""), "t1", unreadable)
    assert not is_about(shown(digest="", call="k2"), "t1", unreadable)
    assert not is_about(shown(), "t1", unreadable)
    assert not is_about(shown(digest=""), "t1", call())


def test_nothing_is_about_a_call_where_no_ticket_or_action_is_shown() -> None:
    assert not is_about(object(), "t1", call())
    assert not is_about(Shows(View(None)), "t1", call())
    assert not is_about(Shows(View(Held(None))), "t1", call())


def resolution(
    verdict: Any = "approve", tool: str = "pay", arguments: str = '{"amount":640}'
) -> ResolutionView:
    return ResolutionView(
        ticket="t1",
        verdict=verdict,
        role="finance_lead",
        decided_at=datetime(2026, 1, 5, tzinfo=UTC),
        tool=tool,
        arguments=arguments,
    )


def test_only_what_was_approved_or_edited_to_exactly_this_is_approved() -> None:
    assert is_approved(resolution(), call())
    assert is_approved(resolution("edit", arguments='{"amount": 6.4e2}'), call())
    for verdict in ("reject", "answer", "expired", "cancelled", "withdrawn"):
        assert not is_approved(resolution(verdict), call())
    assert not is_approved(None, call())
    assert not is_approved(resolution(tool="refund"), call())
    assert not is_approved(resolution(arguments='{"amount": 590}'), call())
    assert not is_approved(resolution(arguments="{"), call())
    assert not is_approved(resolution(), call(unreadable=("amount",)))
