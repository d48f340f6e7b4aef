"""What happened in the stores of this folder: one shop's tickets in every state, told with the 0.1 code."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from handrail import ActionFailed, Guard
from handrail.errors import StoreUnavailable
from handrail.guard import Outcome
from handrail.guard.decide import decide
from handrail.guard.opening import policy_in_force
from handrail.records import Draft, Message, Money, Speaker, TokenLogprob, ToolCall
from handrail.store import Hand, Spool, SqlStore
from handrail.store.audits import judge, show
from handrail.store.keys import FileKeys
from handrail.testing import FrozenClock
from handrail.tickets.audits import AuditVerdict
from handrail.tickets.ports import Settlement
from handrail.tickets.rulings import Ruling
from handrail.tickets.ticket import Ticket, Verdict
from support.stores import Sides

LONG_AGO = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
LAST_WEEK = datetime(2025, 12, 22, 9, 0, tzinfo=UTC)
MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
END = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CARD, MAIL, IBAN = "4111 1111 1111 1111", "ann.smith@example.org", "DE89370400440532013000"
SYSTEM = Message(speaker=Speaker.SYSTEM, text="Answer questions about orders.")
MINUTE = timedelta(minutes=1)


def said(text: str) -> Message:
    """What a customer says."""
    return Message(speaker=Speaker.USER, text=text)


def scored(text: str, sure: float, *calls: ToolCall) -> Draft:
    """What the model says, and how sure it was."""
    tokens = (TokenLogprob(token=text or "call", logprob=math.log(sure)),)
    reason = "tool_calls" if calls else "stop"
    return Draft(text=text, tool_calls=calls, logprobs=tokens, model="m1", finish_reason=reason)


@dataclass
class Shop:
    """A shop with its store, its clock and a guard in front of its assistant."""

    sides: Sides
    clock: FrozenClock
    keys: FileKeys
    guard: Guard

    def hand(self, person: str) -> Hand:
        """A person's hand, now."""
        assert self.guard.people is not None
        return Hand(person=person, people=self.guard.people, now=self.clock())

    def refund(
        self, exchange: str, customer: str, amount: int, *, tenant: str = "default", **more: str
    ) -> Any:
        """The assistant wants to pay something back, in a conversation if there is one."""
        conversation = more.pop("conversation", None)
        call = ToolCall(id="c1", name="issue_refund", arguments=json.dumps({"amount": amount, **more}))
        self.clock.advance(minutes=1)
        with self.guard.context(tenant=tenant, customer=customer, conversation=conversation):
            if conversation is None:
                return self.guard.gate(call, exchange=exchange)
            begun = self.guard.begin([SYSTEM, said(f"Please refund order {exchange}.")], exchange=exchange)
            return begun.outcome or begun.finish([scored("", 0.95, call)])

    def ask(self, exchange: str, customer: str, text: str, answer: Draft, **where: str) -> Outcome:
        """A customer asks, the model answers."""
        self.clock.advance(minutes=1)
        with self.guard.context(customer=customer, **where):
            begun = self.guard.begin([SYSTEM, said(text)], exchange=exchange)
            return begun.outcome or begun.finish([answer])

    def decide(self, ticket: str, person: str, verdict: str, *, tenant: str = "default", **more: Any) -> None:
        """A person decides, as `handrail tickets decide` does."""
        self.clock.advance(minutes=1)
        if "changes" in more:
            # 0.1 reads the edited amounts itself, but not where a calibration is in force.
            more["amounts"] = {
                "refund.amount": Money(amount=Decimal(more["changes"]["amount"]), currency="USD")
            }
        ruling = Ruling(verdict=Verdict(verdict), opened_at=self.clock() - MINUTE, **more)
        decide(self.sides.inbox, self.guard.policy, tenant, ticket, ruling=ruling, hand=self.hand(person))

    def carry_out(self, ticket: str, *, tenant: str = "default", error: Exception | None = None) -> None:
        """The approved action runs, or fails with an error."""
        self.clock.advance(minutes=1)
        with (
            suppress(ActionFailed, ConnectionError),
            self.guard.context(tenant=tenant),
            self.guard.authorised(ticket) as action,
        ):
            if error is not None:
                raise error
            assert action.tool == "issue_refund"


def live(shop: Shop, checkpoint: Callable[[], None]) -> None:
    """Let everything happen, from long ago to the end; `checkpoint` signs the chains in between."""
    _long_ago(shop)
    _last_week(shop)
    shop.clock.at = MONDAY
    _keys_and_retention(shop)
    _ended(shop)
    _decided(shop)
    checkpoint()
    _answers(shop)
    _open(shop)
    _erased(shop)
    _outbox(shop)
    assert shop.clock() < END
    shop.clock.at = END
    shop.sides.app.flush()


def _long_ago(shop: Shop) -> None:
    shop.clock.at = LONG_AGO
    shop.refund("pruned", "olga", 640)
    shop.decide("pruned", "fay", "approve")
    shop.carry_out("pruned")


def _last_week(shop: Shop) -> None:
    """Two roles let a ticket expire, and nobody used an approval in time."""
    shop.clock.at = LAST_WEEK
    shop.refund("expired-refund", "edda", 640, conversation="v-expired")
    shop.refund("lapsed-refund", "lena", 640)
    shop.decide("lapsed-refund", "finn", "approve", valid_for=timedelta(hours=1))
    for _ in range(12):
        shop.sides.desk.sweep(shop.clock.advance(hours=12), limit=1000)


def _keys_and_retention(shop: Shop) -> None:
    now, admin = shop.clock(), shop.sides.admin
    shop.sides.app.flush()
    admin.prune("default", before=now - timedelta(days=200), by="root", now=now)
    admin.prune_audit(before=now - timedelta(days=200), by="root", now=now)
    shop.keys.rotate()
    admin.rotate(by="root", now=now)
    shop.sides.app.note(policy_in_force(shop.guard.policy, now))


def _ended(shop: Shop) -> None:
    """Tickets at every end; what the shop paid, did not pay, and does not know of."""
    shop.refund("applied-refund", "alma", 640, conversation="v-applied", order="1182")
    note = {
        "reason_code": "goodwill",
        "note": "A good customer.",
        "message_to_agent": "Half price next time.",
    }
    shop.decide("applied-refund", "fay", "edit", changes={"amount": 590}, **note)
    shop.carry_out("applied-refund")
    shop.refund("rejected-refund", "rita", 800, conversation="v-rejected")
    shop.decide("rejected-refund", "finn", "reject", reason_code="no_receipt", message_to_user="Sorry, no.")
    shop.ask(
        "answered-complaint",
        "anton",
        "Your last answer was wrong.",
        scored("No.", 0.95),
        conversation="v-answered",
    )
    shop.decide("answered-complaint", "sue", "answer", answer="You are right, it was sent on Friday.")
    for name, customer, error in (
        ("failed-refund", "fred", ActionFailed("declined")),
        ("unknown-refund", "una", ConnectionError("cut off")),
    ):
        shop.refund(name, customer, 640, conversation=f"v-{name.removesuffix('-refund')}")
        shop.decide(name, "fay", "approve")
        shop.carry_out(name, error=error)
    shop.refund("cancelled-refund", "karl", 640, conversation="v-cancelled")
    shop.sides.inbox.cancel("default", "cancelled-refund", by="app", why="withdrawn", now=shop.clock())
    shop.refund("acme-applied", "acme-1", 640, tenant="acme")
    shop.decide("acme-applied", "fay", "approve", tenant="acme")
    shop.carry_out("acme-applied", tenant="acme")


def _decided(shop: Shop) -> None:
    """Tickets that wait to be carried out, or for another role."""
    shop.refund("approved-refund", "paula", 640, conversation="v-approved", order="2117")
    shop.decide("approved-refund", "fay", "approve", note="Receipt seen.", idempotency_key="click-1")
    shop.refund("edited-refund", "edda", 700, conversation="v-edited")
    shop.decide(
        "edited-refund", "finn", "edit", changes={"amount": 510}, message_to_user="510 USD come back."
    )
    shop.refund("agreed-refund", "tara", 640, to_iban=IBAN)
    shop.decide("agreed-refund", "fay", "approve")
    shop.refund("agreed-by-both", "joan", 640, to_iban=IBAN)
    shop.decide("agreed-by-both", "fay", "approve")
    shop.decide("agreed-by-both", "bill", "approve")
    shop.refund("reopened-refund", "wanda", 640)
    shop.decide("reopened-refund", "fay", "approve")
    shop.sides.app.reopen(
        "default", "reopened-refund", roles=("supervisor",), why="now also needs supervisor", now=shop.clock()
    )


def _answers(shop: Shop) -> None:
    """Answers that passed, by log and by sample; one that a person reads first; small refunds."""
    for number, answer in enumerate(("Yes.", "No.", f"Write to {MAIL}.", "On Friday.", "In May.")):
        shop.ask(f"answer-{number}", f"cora-{number}", f"Was order {number} sent?", scored(answer, 0.95))
    shop.ask("answer-erika", "erika", "Was mine sent?", scored("Yes, to Erika.", 0.95))
    shop.ask("unsure-answer", "uwe", "When is Easter?", scored("In June.", 0.3))
    for number, verdict in enumerate((AuditVerdict.RIGHT, AuditVerdict.WRONG)):
        shop.clock.advance(minutes=1)
        hand = shop.hand("quinn")
        show(shop.sides.inbox, "default", f"answer-{number}", hand)
        judge(shop.sides.inbox, "default", f"answer-{number}", verdict, hand)
    with shop.guard.context(customer="cora"):
        shop.guard.gate(ToolCall(id="c1", name="delete_account", arguments="{}"), exchange="blocked")
    for exchange, settlement in (
        ("small-done", Settlement.DONE),
        ("small-released", Settlement.RELEASED),
        ("small-unknown", Settlement.UNKNOWN),
        ("small-reserved", None),
    ):
        passed = shop.refund(exchange, "cora", 39)
        if settlement is not None:
            passed.settle(settlement)


def _open(shop: Shop) -> None:
    """Tickets that people have still to decide."""
    inbox = shop.sides.inbox
    shop.refund("ready-refund", "rosa", 640, conversation="v-ready", order="3001")
    shop.ask("ready-card", "carl", f"Put it on card {CARD}.", scored("Done.", 0.95))
    shop.refund("acme-ready", "acme-1", 900, tenant="acme")
    shop.refund("claimed-refund", "claude", 640, conversation="v-claimed")
    inbox.claim("default", "claimed-refund", shop.hand("fay"))
    shop.refund("asked-refund", "ines", 640, conversation="v-waiting")
    inbox.claim("default", "asked-refund", shop.hand("finn"))
    inbox.ask("default", "asked-refund", "Which order?", shop.hand("finn"))
    shop.refund("joined-refund", "joe", 640, conversation="v-joined")
    for number, words in enumerate(("Nobody answers!", f"Write to {MAIL}, I want 900 USD back.")):
        shop.ask(f"joining-{number}", "joe", words, scored("Soon.", 0.95), conversation="v-joined")
    shop.ask(
        "taken-complaint", "tom", "Your last answer was wrong.", scored("No.", 0.95), conversation="v-taken"
    )
    inbox.take_over("default", "taken-complaint", shop.hand("sue"))
    shop.refund("reassigned-refund", "rolf", 640)
    inbox.reassign("default", "reassigned-refund", "supervisor", why="knows him", hand=shop.hand("fay"))
    inbox.view("default", "ready-card", shop.hand("bill"))
    inbox.unmask("default", "ready-card", shop.hand("bill"), ["lines"])


def _erased(shop: Shop) -> None:
    shop.refund("erased-applied", "erika", 640)
    shop.decide("erased-applied", "fay", "approve")
    shop.carry_out("erased-applied")
    shop.refund("erased-open", "erika", 900, conversation="v-erika")
    shop.clock.advance(minutes=1)
    shop.sides.app.flush()
    shop.sides.admin.erase("default", "erika", by="root", now=shop.clock())


def _outbox(shop: Shop) -> None:
    """The oldest messages were sent, one was put off, one given up, and the rest waits."""
    desk, now = shop.sides.desk, shop.clock()
    taken = desk.take_notices(now, limit=30)
    desk.delivered([notice.id for notice in taken[2:]])
    desk.undelivered(taken[0].id, again_at=now + timedelta(hours=1), error="http_503")
    desk.undelivered(taken[1].id, again_at=None, error="http_410")


class _Away:
    """A store that cannot be written, so that tickets go to the spool."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def open(self, ticket: Ticket) -> None:
        """Be out of reach."""
        raise StoreUnavailable("store", why="away")


def spooled(shop: Shop, spool: Spool) -> None:
    """One ticket waits for the store."""
    away: Any = _Away(shop.sides.app)
    guard = Guard(shop.guard.policy, store=away, spool=spool, clock=shop.clock)
    with guard.context(customer="sam"):
        guard.gate(
            ToolCall(id="c1", name="issue_refund", arguments='{"amount": 640}'), exchange="spooled-refund"
        )
    assert spool.waiting() == 1
