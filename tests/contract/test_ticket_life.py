"""What happens around a ticket, over every store: the customer withdraws, the same wish comes in twice."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import AlreadyDecided, AlreadyUsed, NotAllowed
from handrail.ids import new_id
from handrail.records import Context
from handrail.store import SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ConversationState, Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, actor, memory_sides, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
MINUTE = timedelta(minutes=1)
APPROVE = Resolution(verdict=Verdict.APPROVE)


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


def opened(sides: Sides, **more: object) -> str:
    return sides.app.open(new_ticket(new_id(), **more)).ticket  # type: ignore[arg-type]


def approved(sides: Sides, ticket: str) -> str:
    sides.inbox.claim("default", ticket, actor())
    sides.inbox.resolve("default", ticket, APPROVE, actor())
    return ticket


def customer_of(ticket: str, **more: object) -> Context:
    return Context(tenant="default", customer=f"customer-{ticket}", **more)  # type: ignore[arg-type]


def state(sides: Sides, ticket: str) -> State:
    return sides.inbox.get("default", ticket).state


def kinds(store: SqlStore, ticket: str) -> list[str]:
    return [event.kind for event in store.history("default", ticket)]


@pytest.mark.parametrize("before", ["ready", "claimed", "waiting_info", "decided"])
def test_a_customer_may_withdraw_whatever_has_not_begun_and_it_can_never_run(
    sides: Sides, before: str
) -> None:
    ticket = opened(sides)
    if before == "decided":
        approved(sides, ticket)
    elif before != "ready":
        sides.inbox.claim("default", ticket, actor())
        if before == "waiting_info":
            sides.inbox.ask("default", ticket, "Which order?", actor())
    assert state(sides, ticket) == before
    sides.app.withdraw(customer_of(ticket), ticket, words="I keep them after all")
    assert state(sides, ticket) is State.WITHDRAWN
    sides.app.withdraw(customer_of(ticket), ticket)
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert found.verdict == "withdrawn"
    with pytest.raises(NotAllowed, match="the customer withdrew it"):
        sides.app.begin("default", ticket, now=NOW + MINUTE)
    with pytest.raises(AlreadyDecided):
        sides.inbox.resolve("default", ticket, APPROVE, actor())
    assert kinds(sides.inbox, ticket).count("ticket.withdraw") == 1
    (last,) = [one for one in sides.inbox.history("default", ticket) if one.kind == "ticket.withdraw"]
    assert (last.actor, last.data["was"]) == ("customer", before)
    words = [one.text for one in sides.inbox.attempts("default", ticket) if one.note == "withdrawn"]
    assert words == ["I keep them after all"]
    assert "after all" not in str(sides.inbox.history("default", ticket))
    assert sides.admin.verify().problems == ()


def test_an_approval_that_is_withdrawn_no_longer_counts_towards_limits(sides: Sides) -> None:
    ticket = approved(sides, opened(sides))
    sides.app.withdraw(customer_of(ticket), ticket)
    with sides.admin.database.read("default") as conn:
        found = conn.exec_driver_sql(f"SELECT state FROM ledger WHERE id = '{ticket}'").scalar()
    assert found == "released"


@pytest.mark.parametrize("end", [None, Settlement.DONE, Settlement.NO_EFFECT, Settlement.UNKNOWN])
def test_a_withdrawal_that_comes_too_late_is_refused_and_told_to_the_people(
    sides: Sides, end: Settlement | None
) -> None:
    ticket = approved(sides, opened(sides))
    sides.app.begin("default", ticket, now=NOW + MINUTE)
    if end is not None:
        sides.app.finish("default", ticket, end, now=NOW + MINUTE)
    before = state(sides, ticket)
    for _ in range(2):
        with pytest.raises(AlreadyUsed, match="cannot be withdrawn any more"):
            sides.app.withdraw(customer_of(ticket), ticket, words="stop it")
    assert state(sides, ticket) is before
    assert kinds(sides.inbox, ticket).count("ticket.withdraw_late") == 1
    assert [one.text for one in sides.inbox.attempts("default", ticket)] == ["stop it"]
    assert sides.admin.verify().problems == ()


def test_what_a_person_ended_cannot_be_withdrawn(sides: Sides) -> None:
    ticket = opened(sides)
    sides.inbox.claim("default", ticket, actor())
    sides.inbox.resolve("default", ticket, Resolution(verdict=Verdict.REJECT), actor())
    with pytest.raises(AlreadyDecided):
        sides.app.withdraw(customer_of(ticket), ticket)
    assert state(sides, ticket) is State.REJECTED


@pytest.mark.parametrize(
    "context",
    [Context(), Context(customer="somebody else"), Context(conversation="c-1"), Context(customer="")],
)
def test_nobody_but_its_customer_withdraws_a_ticket(sides: Sides, context: Context) -> None:
    ticket = opened(sides, conversation="c-1" if context.conversation is None else None)
    with pytest.raises(NotAllowed, match="its own customer"):
        sides.app.withdraw(context, ticket)
    assert state(sides, ticket) is State.READY
    sides.app.withdraw(customer_of(ticket), ticket)


@pytest.mark.parametrize("name", [" CUSTOMER-{} ", "ｃustomer-{}"])
def test_a_customer_withdraws_under_any_of_their_names(sides: Sides, name: str) -> None:
    ticket = opened(sides)
    sides.app.withdraw(Context(customer="x9", aliases=(name.format(ticket),)), ticket)
    assert state(sides, ticket) is State.WITHDRAWN


def test_without_a_customer_the_conversation_says_whose_ticket_it_is(sides: Sides) -> None:
    name = new_id()
    ticket = opened(sides, customer=None, conversation=name)
    with pytest.raises(NotAllowed):
        sides.app.withdraw(Context(conversation="another"), ticket)
    sides.app.withdraw(Context(conversation=name), ticket)
    status = sides.app.conversation("default", name)
    assert status.state is ConversationState.RETURNED
    assert status.note.startswith("The customer withdrew a request")


def test_a_person_of_its_roles_withdraws_on_the_customers_word(sides: Sides) -> None:
    ticket = opened(sides)
    with pytest.raises(NotAllowed, match="may withdraw it for the customer"):
        sides.inbox.withdraw_for("default", ticket, actor("pat"))
    sides.inbox.withdraw_for("default", ticket, actor("finn"), words="by telephone")
    (event,) = [one for one in sides.inbox.history("default", ticket) if one.kind == "ticket.withdraw"]
    assert (event.actor, event.role) == ("finn", "finance_lead")


def two_of_one(sides: Sides, **more: object) -> tuple[str, str]:
    """The same wish of one customer, by chat and by mail."""
    customer = new_id()
    return tuple(opened(sides, customer=customer, conversation=new_id(), **more) for _ in range(2))  # type: ignore[return-value]


def test_one_decision_settles_a_ticket_and_its_duplicate_and_runs_once(sides: Sides) -> None:
    first, second = two_of_one(sides)
    view = sides.inbox.link("default", second, of=first, actor=actor())
    assert (view.state, view.duplicate_of) == (State.DUPLICATE, first)
    assert sides.app.resolution("default", second) is None
    approved(sides, first)
    for ticket in (first, second):
        found = sides.app.resolution("default", ticket)
        assert found is not None
        assert (found.ticket, found.verdict) == (first, "approve")
    assert sides.app.approved("default", second).ticket == first
    assert sides.app.begin("default", second, now=NOW + MINUTE).ticket == first
    for ticket in (first, second):
        with pytest.raises(AlreadyUsed):
            sides.app.begin("default", ticket, now=NOW + MINUTE)
    sides.app.finish("default", first, Settlement.DONE, now=NOW + MINUTE)
    assert sides.admin.verify().problems == ()


def test_a_duplicate_is_linked_to_what_was_decided_before_it_came(sides: Sides) -> None:
    first, second = two_of_one(sides)
    approved(sides, first)
    sides.app.begin("default", first, now=NOW + MINUTE)
    sides.app.finish("default", first, Settlement.DONE, now=NOW + MINUTE)
    sides.inbox.link("default", second, of=first, actor=actor())
    with pytest.raises(AlreadyUsed):
        sides.app.begin("default", second, now=NOW + MINUTE)


def test_the_people_of_the_first_ticket_see_that_it_came_in_again(sides: Sides) -> None:
    first, second = two_of_one(sides)
    sides.inbox.link("default", second, of=first, actor=actor())
    (attempt,) = sides.inbox.attempts("default", first)
    assert attempt.note == "duplicate"
    assert second in str([one.data for one in sides.inbox.history("default", first)])


def test_a_conversation_of_a_duplicate_waits_for_the_first_ticket(sides: Sides) -> None:
    customer, chat = new_id(), new_id()
    first = opened(sides, customer=customer)
    second = opened(sides, customer=customer, conversation=chat)
    sides.inbox.link("default", second, of=first, actor=actor())
    status = sides.app.conversation("default", chat)
    assert (status.state, status.ticket) == (ConversationState.PENDING, first)
    approved(sides, first)
    assert sides.app.conversation("default", chat).state is ConversationState.RETURNED


def test_withdrawing_a_duplicate_withdraws_the_ticket_that_settles_it(sides: Sides) -> None:
    customer = new_id()
    first, second = (opened(sides, customer=customer, conversation=new_id()) for _ in range(2))
    sides.inbox.link("default", second, of=first, actor=actor())
    sides.app.withdraw(Context(customer=customer), second)
    assert state(sides, first) is State.WITHDRAWN
    for ticket in (first, second):
        found = sides.app.resolution("default", ticket)
        assert found is not None
        assert found.verdict == "withdrawn"


def test_duplicates_of_duplicates_end_at_one_ticket_and_never_in_a_circle(sides: Sides) -> None:
    customer = new_id()
    one, two, three = (opened(sides, customer=customer, conversation=new_id()) for _ in range(3))
    sides.inbox.link("default", one, of=two, actor=actor())
    sides.inbox.link("default", two, of=three, actor=actor())
    with pytest.raises(NotAllowed, match="that ticket itself"):
        sides.inbox.link("default", three, of=one, actor=actor())
    approved(sides, three)
    assert sides.app.approved("default", one).ticket == three


def test_what_cannot_be_a_duplicate_is_refused(sides: Sides) -> None:
    first, second = two_of_one(sides)
    other = opened(sides)
    for ticket, of, person, why in (
        (first, first, "fay", "that ticket itself"),
        (first, other, "fay", "different customers"),
        (first, second, "pat", "only a member"),
    ):
        with pytest.raises(NotAllowed, match=why):
            sides.inbox.link("default", ticket, of=of, actor=actor(person))
    sides.inbox.claim("default", second, actor("finn"))
    with pytest.raises(NotAllowed, match="somebody else has claimed it"):
        sides.inbox.link("default", second, of=first, actor=actor())
    sides.inbox.cancel("default", first, by="c", why="closed", now=NOW)
    with pytest.raises(NotAllowed, match="no decision of it can settle"):
        sides.inbox.link("default", second, of=first, actor=actor("finn"))
    with pytest.raises(AlreadyDecided):
        sides.inbox.link("default", first, of=second, actor=actor())
    assert (state(sides, first), state(sides, second)) == (State.CANCELLED, State.CLAIMED)


def test_nobody_links_their_own_case(sides: Sides) -> None:
    first, second = (opened(sides, customer="FINN", conversation=new_id()) for _ in range(2))
    with pytest.raises(NotAllowed, match="their own case"):
        sides.inbox.link("default", second, of=first, actor=actor("finn"))


def test_the_other_open_tickets_of_a_customer_are_shown_those_of_the_same_action_first(sides: Sides) -> None:
    customer = new_id()
    ticket = opened(sides, customer=customer, conversation="a-" + customer)
    unlike = opened(sides, customer=customer, arguments='{"amount": 20, "order": "9"}')
    alike = opened(sides, customer=customer)
    opened(sides)
    assert [row.id for row in sides.inbox.of_same_customer("default", ticket)] == [alike, unlike]
