"""One suite over every store: SQLite in a file, SQLite in memory, PostgreSQL with separated roles."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from handrail.errors import (
    AlreadyDecided,
    AlreadyUsed,
    CheckFailed,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
    NotDecided,
    TicketNotFound,
)
from handrail.ids import new_id
from handrail.records import (
    Decision,
    Effect,
    Money,
    PolicyRef,
    Reason,
    Stage,
    Trigger,
    Unknown,
)
from handrail.store import Filter
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.ports import (
    Attempt,
    ConversationState,
    DecisionEntry,
    LedgerEntry,
    LedgerQuery,
    Settlement,
)
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import (
    NOW,
    SECRET,
    Sides,
    actor,
    memory_sides,
    new_ticket,
    postgres_sides,
    sqlite_sides,
)

pytestmark = pytest.mark.xdist_group("postgres")
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db") if request.param == "sqlite" else memory_sides()
    yield made
    made.close()


def approved(sides: Sides, person: str = "fay", **resolution: object) -> str:
    """Open a ticket, have it approved and return its id."""
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor(person))
    sides.inbox.resolve(
        "default", ticket.id, Resolution(**{"verdict": Verdict.APPROVE, **resolution}), actor(person)
    )
    return ticket.id


def test_whoever_resolves_is_shown_their_resolution(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    shown = sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.REJECT, note="no"), actor())
    assert shown.resolution is not None
    assert (shown.resolution.verdict, shown.resolution.note) == (Verdict.REJECT, "no")
    assert shown.resolution == sides.inbox.get("default", ticket.id).resolution


def test_opening_the_same_ticket_again_changes_nothing(sides: Sides) -> None:
    ticket = new_ticket()
    first, second = sides.app.open(ticket), sides.app.open(ticket)
    assert first == second
    assert not first.joined
    assert first.role == "finance_lead"
    assert first.due == NOW + timedelta(minutes=30)
    assert len(sides.inbox.history("default", ticket.id)) == 1


def test_a_second_hand_off_in_a_conversation_joins_its_open_ticket(sides: Sides) -> None:
    first, second = (
        new_ticket(conversation="c-join"),
        new_ticket(conversation="c-join", trigger=Trigger.COMPLAINT),
    )
    sides.app.open(first)
    opened = sides.app.open(second)
    sides.app.open(second)
    assert opened.joined
    assert opened.ticket == first.id
    (attempt,) = sides.inbox.attempts("default", first.id)
    assert attempt.triggers == (Trigger.COMPLAINT,)


def test_a_retry_without_a_conversation_joins_the_open_ticket_of_that_customer(sides: Sides) -> None:
    first = new_ticket(customer="retry")
    assert not sides.app.open(first).joined
    assert sides.app.open(new_ticket(customer="retry")).ticket == first.id
    assert not sides.app.open(new_ticket(customer="another")).joined


def test_two_people_without_a_name_never_share_a_ticket(sides: Sides) -> None:
    first, second = new_ticket(customer=None), new_ticket(customer=None)
    assert sides.app.open(first).ticket == first.id
    assert sides.app.open(second).ticket == second.id


def whose(name: str, *, in_conversation: bool) -> dict[str, str]:
    return {"customer": name, "conversation": name} if in_conversation else {"customer": name}


@pytest.mark.parametrize("in_conversation", [True, False])
def test_an_approved_action_that_comes_up_again_as_proposed_or_as_edited_joins_its_ticket(
    sides: Sides, in_conversation: bool
) -> None:
    name = f"again-{new_id()}"
    of_them = whose(name, in_conversation=in_conversation)
    first = new_ticket(**of_them)
    sides.app.open(first)
    sides.inbox.claim("default", first.id, actor())
    edit = Resolution(verdict=Verdict.EDIT, changes={"amount": 590})
    sides.inbox.resolve("default", first.id, edit, actor())
    proposed, edited = '{"order":"1182", "amount":640.0}', '{"amount": 590, "order": "1182"}'

    def comes_up() -> list[bool]:
        return [
            sides.app.open(new_ticket(**of_them, arguments=one)).ticket == first.id
            for one in (proposed, edited)
        ]

    assert comes_up() == [True, True]
    sides.app.begin("default", first.id, now=NOW)
    assert comes_up() == [True, True]
    assert not sides.app.open(new_ticket(customer=f"other-{name}")).joined
    assert not sides.app.open(new_ticket(customer=name, conversation=f"other-{name}")).joined
    sides.app.finish("default", first.id, Settlement.DONE, now=NOW)
    assert comes_up() == [False, False], "once it is done, the same wish is a case of its own"


@pytest.mark.parametrize("in_conversation", [True, False])
def test_another_action_than_the_approved_one_opens_a_ticket_of_its_own(
    sides: Sides, in_conversation: bool
) -> None:
    of_them = whose(f"other-{new_id()}", in_conversation=in_conversation)
    first = new_ticket(**of_them)
    sides.app.open(first)
    sides.inbox.claim("default", first.id, actor())
    sides.inbox.resolve("default", first.id, Resolution(verdict=Verdict.APPROVE), actor())
    assert not sides.app.open(new_ticket(**of_them, arguments='{"amount": 641, "order": "1182"}')).joined


def test_a_new_ticket_opens_once_the_old_one_of_the_conversation_is_decided(sides: Sides) -> None:
    first, second = new_ticket(conversation="c-new"), new_ticket(conversation="c-new")
    sides.app.open(first)
    sides.inbox.claim("default", first.id, actor())
    sides.inbox.resolve("default", first.id, Resolution(verdict=Verdict.REJECT), actor())
    assert not sides.app.open(second).joined


def test_a_conversation_is_pending_then_human_then_returned_with_the_decision(sides: Sides) -> None:
    ticket = new_ticket(conversation="c-states")
    assert sides.app.conversation("default", "c-states").state is ConversationState.AI
    sides.app.open(ticket)
    pending = sides.app.conversation("default", "c-states")
    assert (pending.state, pending.ticket, pending.role) == (
        ConversationState.PENDING,
        ticket.id,
        "finance_lead",
    )
    sides.inbox.take_over("default", ticket.id, actor())
    assert sides.app.conversation("default", "c-states").state is ConversationState.HUMAN
    resolution = Resolution(
        verdict=Verdict.EDIT, changes={"amount": 590}, message_to_agent="Half price for next time."
    )
    sides.inbox.resolve("default", ticket.id, resolution, actor())
    back = sides.app.conversation("default", "c-states")
    assert back.state is ConversationState.RETURNED
    assert "590" in back.note
    assert "changed: amount" in back.note
    assert "Half price for next time." in back.note
    sides.app.begin("default", ticket.id, now=NOW + 2 * MINUTE)
    sides.app.finish("default", ticket.id, Settlement.DONE, now=NOW + 2 * MINUTE)
    assert "has been carried out" in sides.app.conversation("default", "c-states").note


def test_joining_a_decided_ticket_is_refused_so_that_nothing_is_lost(sides: Sides) -> None:
    name = approved(sides)
    with pytest.raises(AlreadyDecided):
        sides.app.join("default", name, Attempt(exchange="x", at=NOW, text="again"))


def test_an_approved_action_is_given_back_once(sides: Sides) -> None:
    name = approved(sides)
    preview = sides.app.approved("default", name)
    approval = sides.app.begin("default", name, now=NOW + 2 * MINUTE)
    assert preview == approval
    assert approval.arguments == '{"amount": 640, "order": "1182"}'
    assert approval.roles == ("finance_lead",)
    assert approval.facts["refund.amount"] == Money(amount=Decimal(640), currency="USD")
    assert approval.customer == f"customer-{name}"
    with pytest.raises(AlreadyUsed):
        sides.app.begin("default", name, now=NOW + 2 * MINUTE)
    sides.app.finish("default", name, Settlement.DONE, now=NOW + 3 * MINUTE)
    sides.app.finish("default", name, Settlement.DONE, now=NOW + 3 * MINUTE)
    with pytest.raises(AlreadyUsed):
        sides.app.approved("default", name)
    with pytest.raises(AlreadyDecided):
        sides.app.finish("default", name, Settlement.NO_EFFECT, now=NOW + 3 * MINUTE)


def test_nothing_is_given_back_before_a_decision(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    assert sides.app.resolution("default", ticket.id) is None
    with pytest.raises(NotDecided):
        sides.app.begin("default", ticket.id, now=NOW)
    with pytest.raises(TicketNotFound):
        sides.app.begin("default", "no-such-ticket", now=NOW)


def test_a_rejected_call_can_never_run(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    resolution = Resolution(verdict=Verdict.REJECT, message_to_user="Sorry, no.")
    assert sides.inbox.resolve("default", ticket.id, resolution, actor()).state is State.REJECTED
    with pytest.raises(NotAllowed, match="rejected"):
        sides.app.begin("default", ticket.id, now=NOW)
    resolution = sides.app.resolution("default", ticket.id)
    assert resolution is not None
    assert (resolution.verdict, resolution.message_to_user) == ("reject", "Sorry, no.")


def test_an_expired_decision_is_never_carried_out(sides: Sides) -> None:
    name = approved(sides, valid_for=MINUTE)
    with pytest.raises(DecisionExpired):
        sides.app.begin("default", name, now=NOW + timedelta(hours=1))
    assert sides.inbox.get("default", name).state is State.EXPIRED
    resolution = sides.app.resolution("default", name)
    assert resolution is not None
    assert resolution.verdict == "expired"


def test_deciding_after_the_deadline_is_refused(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    with pytest.raises(DecisionExpired):
        sides.inbox.resolve(
            "default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor(after=timedelta(minutes=31))
        )


def test_only_a_member_of_the_role_may_claim_and_only_the_claimant_decide(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    with pytest.raises(NotAllowed):
        sides.inbox.claim("default", ticket.id, actor("quin"))
    with pytest.raises(NotAllowed, match="claim it first"):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor())
    sides.inbox.claim("default", ticket.id, actor("fay"))
    with pytest.raises(AlreadyDecided):
        sides.inbox.claim("default", ticket.id, actor("finn"))
    with pytest.raises(NotAllowed, match="somebody else"):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("finn"))
    sides.inbox.release("default", ticket.id, actor("fay"))
    assert sides.inbox.claim("default", ticket.id, actor("finn")).claimed_by == "finn"


def test_nobody_decides_their_own_case(sides: Sides) -> None:
    ticket = new_ticket(customer="4711")
    sides.app.open(ticket)
    with pytest.raises(NotAllowed, match="own case"):
        sides.inbox.claim("default", ticket.id, actor("4711"))


def test_an_approval_for_another_action_than_was_shown_is_refused(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    with pytest.raises(DigestMismatch):
        sides.inbox.resolve(
            "default", ticket.id, Resolution(verdict=Verdict.APPROVE, digest="00" * 32), actor()
        )


def test_the_same_decision_sent_twice_counts_once(sides: Sides) -> None:
    name = approved(sides, idempotency_key="click-1")
    view = sides.inbox.resolve(
        "default", name, Resolution(verdict=Verdict.REJECT, idempotency_key="click-1"), actor()
    )
    assert view.state is State.DECIDED
    with pytest.raises(AlreadyDecided):
        sides.inbox.resolve("default", name, Resolution(verdict=Verdict.REJECT), actor())


def test_every_role_must_agree_and_each_through_another_person(sides: Sides) -> None:
    ticket = new_ticket(co_approvers=("legal_lead",))
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor("fay"))
    view = sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("fay"))
    assert (view.state, view.role, view.waiting_for) == (State.READY, "legal_lead", ("legal_lead",))
    with pytest.raises(NotDecided):
        sides.app.begin("default", ticket.id, now=NOW)
    with pytest.raises(NotAllowed, match="agreed already"):
        sides.inbox.claim("default", ticket.id, actor("fay"))
    sides.inbox.take_over("default", ticket.id, actor("fay"))
    with pytest.raises(NotAllowed, match="agreed already"):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("fay"))
    sides.inbox.release("default", ticket.id, actor("fay"))
    sides.inbox.claim("default", ticket.id, actor("lea"))
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("lea"))
    assert set(sides.app.begin("default", ticket.id, now=NOW).roles) == {"finance_lead", "legal_lead"}


def test_an_edit_by_the_second_role_needs_the_first_one_again(sides: Sides) -> None:
    ticket = new_ticket(co_approvers=("legal_lead",))
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor("fay"))
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("fay"))
    sides.inbox.claim("default", ticket.id, actor("lea"))
    view = sides.inbox.resolve(
        "default", ticket.id, Resolution(verdict=Verdict.EDIT, changes={"amount": 1}), actor("lea")
    )
    assert (view.state, view.role) == (State.READY, "finance_lead")
    sides.inbox.claim("default", ticket.id, actor("fay"))
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor("fay"))
    approval = sides.app.begin("default", ticket.id, now=NOW)
    assert approval.arguments == '{"amount":1,"order":"1182"}'
    assert approval.edited


def test_an_answer_edited_by_the_first_role_is_what_the_second_one_agrees_to(sides: Sides) -> None:
    ticket = new_ticket(with_action=False, co_approvers=("legal_lead",))
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor("fay"))
    edit = Resolution(verdict=Verdict.EDIT, answer="Until Friday.")
    seen = sides.inbox.resolve("default", ticket.id, edit, actor("fay"))
    sides.inbox.claim("default", ticket.id, actor("lea"))
    agree = Resolution(verdict=Verdict.APPROVE, digest=seen.digest)
    sides.inbox.resolve("default", ticket.id, agree, actor("lea"))
    resolution = sides.app.resolution("default", ticket.id)
    assert resolution is not None
    assert resolution.answer == "Until Friday."


def test_a_role_that_a_stricter_policy_added_is_asked_again_after_an_edit(sides: Sides) -> None:
    name = approved(sides)
    sides.app.reopen("default", name, roles=("legal_lead",), why="stricter", now=NOW)
    sides.inbox.claim("default", name, actor("lea"))
    sides.inbox.resolve("default", name, Resolution(verdict=Verdict.APPROVE), actor("lea"))
    sides.inbox.claim("default", name, actor("fay"))
    view = sides.inbox.resolve(
        "default", name, Resolution(verdict=Verdict.EDIT, changes={"amount": 1}), actor("fay")
    )
    assert (view.state, view.role) == (State.READY, "legal_lead")
    sides.inbox.claim("default", name, actor("lea"))
    sides.inbox.resolve("default", name, Resolution(verdict=Verdict.APPROVE), actor("lea"))
    approval = sides.app.begin("default", name, now=NOW)
    assert approval.arguments == '{"amount":1,"order":"1182"}'
    assert set(approval.roles) == {"finance_lead", "legal_lead"}


def test_an_edit_must_be_readable_and_hold_no_mask(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    for arguments in ('{"amount": NaN}', '{"amount": 1, "amount": 2}', "[1]", '{"card": "[credit_card]"}'):
        with pytest.raises(CheckFailed):
            sides.inbox.resolve(
                "default", ticket.id, Resolution(verdict=Verdict.EDIT, arguments=arguments), actor()
            )


def test_an_action_whose_arguments_cannot_be_read_cannot_be_approved_as_it_is(sides: Sides) -> None:
    ticket = new_ticket(arguments='{"amount": NaN}')
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    with pytest.raises(NotAllowed):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor())


def test_an_approved_answer_reaches_the_caller_and_no_action_runs(sides: Sides) -> None:
    ticket = new_ticket(with_action=False)
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.EDIT, answer="It will be."), actor())
    resolution = sides.app.resolution("default", ticket.id)
    assert resolution is not None
    assert resolution.answer == "It will be."
    with pytest.raises(NotAllowed):
        sides.app.begin("default", ticket.id, now=NOW)


def test_a_reopened_ticket_voids_its_old_decision(sides: Sides) -> None:
    name = approved(sides)
    sides.app.reopen("default", name, roles=("legal_lead",), why="now also needs legal_lead", now=NOW)
    view = sides.inbox.get("default", name)
    assert (view.state, view.role) == (State.READY, "legal_lead")
    assert set(view.waiting_for) == {"legal_lead", "finance_lead"}
    assert sides.app.resolution("default", name) is None
    with pytest.raises(NotDecided):
        sides.app.begin("default", name, now=NOW)


def test_a_process_that_vanishes_leaves_an_unknown_outcome_that_is_never_run_again(sides: Sides) -> None:
    name = approved(sides)
    sides.app.begin("default", name, now=NOW)
    assert sides.desk.recover(NOW + MINUTE) == 0
    assert sides.desk.recover(NOW + timedelta(minutes=6)) >= 1
    assert sides.inbox.get("default", name).state is State.OUTCOME_UNKNOWN
    with pytest.raises(AlreadyUsed):
        sides.app.begin("default", name, now=NOW)
    sides.inbox.reconcile("default", name, Settlement.DONE, actor())
    assert sides.inbox.get("default", name).state is State.APPLIED


def test_the_clock_pauses_while_a_question_is_open(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.ask("default", ticket.id, "Which colour?", actor(after=timedelta(minutes=2)))
    view = sides.inbox.inform("default", ticket.id, "Blue.", actor(after=timedelta(minutes=12)))
    assert view.state is State.CLAIMED
    assert view.decide_by == NOW + timedelta(minutes=40)


def test_reassigning_keeps_the_deadline_and_asks_the_new_role(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    view = sides.inbox.reassign("default", ticket.id, "legal_lead", why="contract", actor=actor())
    assert (view.role, view.decide_by) == ("legal_lead", ticket.decide_by)
    with pytest.raises(NotAllowed):
        sides.inbox.claim("default", ticket.id, actor("finn"))


def test_a_cancelled_ticket_gives_the_conversation_back(sides: Sides) -> None:
    ticket = new_ticket(conversation="c-cancel")
    sides.app.open(ticket)
    sides.inbox.cancel("default", ticket.id, by="app", why="withdrawn", now=NOW)
    assert sides.app.conversation("default", "c-cancel").state is ConversationState.AI
    resolution = sides.app.resolution("default", ticket.id)
    assert resolution is not None
    assert resolution.verdict == "cancelled"


def test_timers_warn_then_escalate_then_expire_and_never_approve(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    seen = []
    for minutes in (15, 16, 32, 33, 32 + 24 * 60 - 1, 32 + 24 * 60 + 100, 32 + 48 * 60):
        sides.desk.sweep(NOW + timedelta(minutes=minutes), limit=1000)
        seen.append((sides.inbox.get("default", ticket.id).state, sides.inbox.get("default", ticket.id).role))
    assert seen[0][0] is State.READY
    assert (State.READY, "process_owner") in seen
    assert seen[-1][0] is State.EXPIRED
    kinds = [event.kind for event in sides.inbox.history("default", ticket.id)]
    assert "ticket.warn" in kinds
    assert "ticket.escalate" in kinds
    assert "ticket.approve" not in kinds


def test_a_lapsed_lease_gives_the_ticket_back_to_its_role(sides: Sides) -> None:
    ticket = new_ticket(trigger=Trigger.ASKS_FOR_HUMAN)
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    done = sides.desk.sweep(
        NOW + timedelta(minutes=32), limit=1000, step=lambda due, now: _lapse(due.lease_until, now)
    )
    assert done.get(Verb.LEASE_LAPSED, 0) >= 1
    assert sides.inbox.get("default", ticket.id).claimed_by is None


def _lapse(lease_until, now):  # type: ignore[no-untyped-def]
    from handrail.tickets.timers import TimerStep

    return TimerStep(verb=Verb.LEASE_LAPSED) if lease_until and lease_until <= now else None


def test_every_step_leaves_one_message_without_content(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    found = []
    while batch := sides.desk.take_messages(NOW + timedelta(days=9), limit=500):
        found += [notice for notice in batch if notice.ticket == ticket.id]
        sides.desk.delivered([notice.id for notice in batch])
    assert [(notice.kind, notice.version) for notice in found] == [("open", 1), ("claim", 2)]
    assert SECRET not in repr(found)


def test_a_message_that_is_not_settled_comes_again_and_ends_as_a_dead_letter(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    later = NOW + timedelta(days=10)
    first = [n for n in sides.desk.take_messages(later, limit=500) if n.ticket == ticket.id]
    assert not [n for n in sides.desk.take_messages(later, limit=500) if n.ticket == ticket.id]
    again = [n for n in sides.desk.take_messages(later + 2 * MINUTE, limit=500) if n.ticket == ticket.id]
    assert [n.id for n in first] == [n.id for n in again]
    sides.desk.undelivered(again[0].id, again_at=None, error="http_500")
    assert again[0].id in [n.id for n in sides.desk.dead_letters()]
    assert sides.desk.replay([again[0].id], now=later) == 1


def test_lists_come_soonest_due_first_and_page_by_page(sides: Sides) -> None:
    tenant = "pages"
    made = [
        new_ticket(f"p{n}-{sides.backend}", customer=str(n), tenant=tenant, now=NOW + n * MINUTE)
        for n in range(7)
    ]
    for ticket in reversed(made):
        sides.app.open(ticket)
    seen, cursor = [], None
    while True:
        page = sides.inbox.list(tenant, Filter(role="finance_lead", limit=3, cursor=cursor))
        seen += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [ticket.id for ticket in made]
    assert sides.inbox.list(tenant, Filter(role="legal_lead")).rows == ()
    due = sides.inbox.list(tenant, Filter(due_before=NOW + timedelta(minutes=32)))
    assert len(due.rows) == 3
    assert sides.inbox.counts(tenant) == {State.READY: 7}


def test_one_tenant_never_sees_anothers_tickets(sides: Sides) -> None:
    ticket = new_ticket(tenant="one", conversation="shared")
    sides.app.open(ticket)
    with pytest.raises(TicketNotFound):
        sides.inbox.get("two", ticket.id)
    assert ticket.id not in [row.id for row in sides.inbox.list("two").rows]
    assert sides.app.conversation("two", "shared").state is ConversationState.AI
    assert not sides.app.open(new_ticket(tenant="two", conversation="shared")).joined


def test_a_view_is_masked_and_unmasking_is_on_record_first(sides: Sides) -> None:
    ticket = new_ticket(conversation="c-mask")
    sides.app.open(ticket)
    shown = sides.inbox.view("default", ticket.id, actor())
    assert SECRET not in shown.model_dump_json()
    assert shown.ticket is not None
    assert shown.ticket.evidence[0].keyed_hash
    raw = sides.inbox.unmask("default", ticket.id, actor(), ["lines"])
    assert SECRET in raw.model_dump_json()
    assert raw.customer is None
    with pytest.raises(NotAllowed):
        sides.inbox.unmask("default", ticket.id, actor("quin"))
    assert SECRET in sides.inbox.view("default", ticket.id, actor(), sees={"financial"}).model_dump_json()
    kept = sides.inbox.unmask("default", ticket.id, actor(), sees={"health"})
    assert SECRET not in kept.model_dump_json()
    kinds = [event.kind for event in sides.inbox.history("default", ticket.id)]
    assert kinds.count("ticket.unmask") == 2
    assert kinds.count("ticket.view") == 2


def query(kind: str = "sum", key: str = "cust", **more: object) -> LedgerQuery:
    values = {
        "fact": f"f-{kind}",
        "kind": kind,
        "tenant": "default",
        "tool": "issue_refund",
        "amount": "refund.amount",
        "per": "customer",
        "key": key,
        "since": NOW - timedelta(days=30),
    }
    return LedgerQuery(**{**values, **more})  # type: ignore[arg-type]


def entry(
    name: str, amount: str, currency: str = "USD", customer: str = "cust", **more: object
) -> LedgerEntry:
    values = {"tenant": "default", "tool": "issue_refund", "at": NOW, "customer": customer}
    money = Money(amount=Decimal(amount), currency=currency)
    return LedgerEntry(id=name, amounts={"refund.amount": money}, **{**values, **more})  # type: ignore[arg-type]


def test_what_is_reserved_done_or_unknown_counts_and_what_is_released_does_not(sides: Sides) -> None:
    who = f"count-{sides.backend}"
    asked = query(key=who)
    for name, ending in (
        ("a", Settlement.DONE),
        ("b", Settlement.UNKNOWN),
        ("c", Settlement.NO_EFFECT),
        ("d", None),
    ):
        assert sides.app.reserve(entry(f"{who}-{name}", "92", customer=who), {})
        if ending is not None:
            sides.app.settle("default", f"{who}-{name}", ending)
    totals = sides.app.totals([asked, query("count", key=who)])
    assert totals == {"f-sum": Money(amount=Decimal(276), currency="USD"), "f-count": Decimal(3)}
    sides.app.settle("default", f"{who}-a", Settlement.NO_EFFECT)
    assert sides.app.totals([asked])["f-sum"] == Money(amount=Decimal(276), currency="USD")


def test_a_reservation_fails_when_the_totals_have_moved(sides: Sides) -> None:
    who = f"moved-{sides.backend}"
    asked = query(key=who)
    seen = {asked: sides.app.totals([asked])["f-sum"]}
    assert sides.app.reserve(entry(f"{who}-1", "92", customer=who), seen)
    assert not sides.app.reserve(entry(f"{who}-2", "92", customer=who), seen)
    assert sides.app.totals([asked])["f-sum"] == Money(amount=Decimal(92), currency="USD")


def test_two_currencies_make_a_sum_unknown(sides: Sides) -> None:
    who = f"mixed-{sides.backend}"
    sides.app.reserve(entry(f"{who}-1", "1", customer=who), {})
    sides.app.reserve(entry(f"{who}-2", "1", "EUR", customer=who), {})
    assert isinstance(sides.app.totals([query(key=who)])["f-sum"], Unknown)


def test_deciding_reserves_the_action_and_giving_up_releases_it(sides: Sides) -> None:
    ticket = new_ticket(customer=f"res-{sides.backend}", conversation=f"res-{sides.backend}")
    sides.app.open(ticket)
    asked = query(key=f"res-{sides.backend}")
    assert sides.app.totals([asked])["f-sum"] == Decimal(0)
    sides.inbox.claim("default", ticket.id, actor())
    edited = Resolution(
        verdict=Verdict.EDIT,
        changes={"amount": 590},
        amounts={"refund.amount": Money(amount=Decimal(590), currency="USD")},
    )
    sides.inbox.resolve("default", ticket.id, edited, actor())
    assert sides.app.totals([asked])["f-sum"] == Money(amount=Decimal(590), currency="USD")
    sides.app.begin("default", ticket.id, now=NOW)
    sides.app.finish("default", ticket.id, Settlement.NO_EFFECT, now=NOW)
    assert sides.app.totals([asked])["f-sum"] == Decimal(0)


def test_passed_decisions_are_logged_in_batches_and_blocks_at_once(sides: Sides) -> None:
    decision = Decision(
        stage=Stage.ANSWER,
        effect=Effect.PASS,
        policy=PolicyRef(name="shop", version="1", sha256="ab" * 32),
        reasons=(Reason(rule="r", effect=Effect.PASS, trigger=Trigger.UNSURE),),
    )
    for number in range(20):
        sides.app.log(DecisionEntry(decision=decision, exchange=f"e{number}", tenant="default", at=NOW))
    sides.app.flush()
    sides.app.log_now(DecisionEntry(decision=decision, exchange="now", tenant="default", at=NOW))
    report = sides.admin.verify()
    assert report.is_intact, report.problems


def test_one_batch_of_the_log_holds_decisions_of_several_tenants(sides: Sides) -> None:
    decision = Decision(
        stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="shop", version="1", sha256="ab" * 32)
    )
    tenants = [f"t{number % 3}" for number in range(700)]
    for number, tenant in enumerate(tenants):
        sides.app.log(DecisionEntry(decision=decision, exchange=f"e{number}", tenant=tenant, at=NOW))
    sides.app.flush()
    exported = sides.admin.export()
    rows = [row for row in exported if row["kind"] == "decision.pass" and row["tenant"] in tenants]
    assert {(row["data"]["exchange"], row["tenant"]) for row in rows} == {
        (f"e{number}", tenant) for number, tenant in enumerate(tenants)
    }
    report = sides.admin.verify()
    assert report.is_intact, report.problems


@pytest.mark.parametrize("is_now", [False, True], ids=["batched", "now"])
@pytest.mark.parametrize(
    ("exchange", "tenant"),
    [("half \ud83d", "default"), ("whole", "half \udc00"), ("whole", "t" * 65), ("whole", "nul \0")],
    ids=["exchange", "tenant", "long tenant", "nul"],
)
def test_a_decision_that_no_database_can_hold_is_a_fault_entry_and_the_others_are_kept(
    sides: Sides, exchange: str, tenant: str, is_now: bool
) -> None:
    decision = Decision(
        stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="shop", version="1", sha256="ab" * 32)
    )
    before = sum(row["kind"] == "decision.fault" for row in sides.admin.export())
    name = new_id()
    sides.app.log(DecisionEntry(decision=decision, exchange=f"{name}-1", tenant="default", at=NOW))
    write = sides.app.log_now if is_now else sides.app.log
    write(DecisionEntry(decision=decision, exchange=exchange, tenant=tenant, at=NOW))
    sides.app.log(DecisionEntry(decision=decision, exchange=f"{name}-2", tenant="default", at=NOW))
    sides.app.flush()
    rows = list(sides.admin.export())
    kept = [row["data"]["exchange"] for row in rows if str(row["data"].get("exchange")).startswith(name)]
    assert sorted(kept) == [f"{name}-1", f"{name}-2"]
    faults = [row for row in rows if row["kind"] == "decision.fault"]
    # SQLite holds what a column's length forbids elsewhere, and a null character.
    is_held = sides.backend != "postgresql" and tenant in ("t" * 65, "nul \0")
    assert len(faults) == before + (not is_held)
    if not is_held:
        assert faults[-1]["data"].keys() == {"v", "exchange", "stage", "effect", "policy", "fault"}
    assert sides.admin.verify().is_intact


def test_the_audit_chain_of_everything_above_is_intact(sides: Sides) -> None:
    approved(sides)
    report = sides.admin.verify()
    assert report.is_intact, report.problems
    assert report.entries > 0
