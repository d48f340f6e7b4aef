"""Seeded cases, and one's own answer before the draft, over every store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import AlreadyDecided, CheckFailed, NotAllowed, NotPermitted, TicketError
from handrail.policy import loads
from handrail.review.log.cases import Collector, ReviewPeriod
from handrail.review.log.log_rows import rows_of
from handrail.service import GivenPolicy, ListQuery, Operation, Proposal, Reviewer, TicketService
from handrail.service.settings import ServiceSettings
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, Shop, reviewer
from support.stores import NOW, SECRET, Sides, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
POLICY = loads(
    """\
policy: shop
version: "2"
if_unsure: queue_manager
roles:
  finance_lead:
    answer_within: 30 minutes
    backup: process_owner
    sees: [financial]
    seeded_cases: true
    answer_first: true
  legal_lead: {answer_within: 30 minutes}
  queue_manager: {}
  process_owner: {covers: [finance_lead]}
"""
)
A, E, R = Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    made = postgres_sides()
    yield made
    made.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path, clock: Hands) -> Iterator[Sides]:
    made = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    made = made or sqlite_sides(tmp_path / "store.db")
    for side in (made.app, made.inbox, made.desk, made.admin):
        side._clock = clock
    yield made
    if request.param == "sqlite":
        made.close()


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant of the test's own, so that its figures are."""
    return f"t{abs(hash(request.node.nodeid)) % 10**12}"


@pytest.fixture
def service(sides: Sides, clock: Hands) -> TicketService:
    return TicketService(sides.inbox, GivenPolicy(policy=POLICY), Shop(), clock, ServiceSettings())


def opened(sides: Sides, tenant: str, **about: object) -> str:
    ticket = new_ticket(tenant=tenant, **about)  # type: ignore[arg-type]
    sides.app.open(ticket)
    return ticket.id


def manager(tenant: str) -> Reviewer:
    return reviewer("mara", tenant=tenant, is_manager=True)


def seeded(service: TicketService, sides: Sides, tenant: str, verdict: Verdict = R) -> tuple[str, str]:
    """A ticket that was decided so, and the seeded case made of it."""
    source = opened(sides, tenant, customer="anna")
    service.decide(reviewer(tenant=tenant), source, Proposal(verdict=verdict))
    reference = service.seed(manager(tenant), source)
    return source, service.find(reviewer(tenant=tenant), reference)


def test_a_seeded_case_looks_like_any_ticket(service: TicketService, sides: Sides, tenant: str) -> None:
    source, case = seeded(service, sides, tenant)
    who = reviewer("finn", tenant=tenant)
    screen, row = service.screen(who, case), next(r for r in service.page(who).rows if r.id == case)
    assert (row.state, row.tool, row.role) == (State.READY, "issue_refund", "finance_lead")
    assert screen.seeded is None
    assert "seed" not in repr(screen).replace("seeded=None", "").lower()
    assert source not in repr(screen)
    assert service.screen(who, source).reference not in repr(screen)
    shown = service.preview(who, case, Proposal(verdict=A))
    assert shown.runs.startswith("issue_refund")


def test_the_log_that_a_review_reads_tells_of_no_seeded_case(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    source, case = seeded(service, sides, tenant)
    service.decide(reviewer("finn", tenant=tenant), case, Proposal(verdict=A))
    rows = rows_of(sides.admin.export(), tenant)
    said = [(row.outcome, row.ticket) for row in rows if row.outcome in ("handed_off", "resolved", "expired")]
    assert said == [("resolved", source)]


@pytest.mark.parametrize("verdict", [A, R])
def test_a_seeded_case_has_no_effect_and_its_result_is_shown_afterwards(
    service: TicketService, sides: Sides, tenant: str, clock: Hands, verdict: Verdict
) -> None:
    source, case = seeded(service, sides, tenant)
    who = reviewer("finn", tenant=tenant)
    before = len(sides.desk.take_messages(clock.now, limit=10_000))
    service.claim(who, case)
    receipt = service.decide(who, case, Proposal(verdict=verdict), delay=timedelta(seconds=5))
    assert receipt.seeded is not None
    assert (receipt.seeded.expected, receipt.seeded.is_right) == (R, verdict is R)
    assert service.screen(who, case).seeded == receipt.seeded
    clock.go_on(seconds=6)
    assert sides.inbox.get(tenant, case).state is State.CANCELLED
    with pytest.raises(TicketError):
        sides.app.begin(tenant, case, now=clock.now)
    found = sides.app.resolution(tenant, source)
    assert found is not None
    assert found.ticket == source
    assert before >= 0
    assert [one for one in sides.desk.take_messages(clock.now, limit=10_000) if one.ticket == case] == []


def test_no_figure_but_its_own_counts_a_seeded_case(
    service: TicketService, sides: Sides, tenant: str, clock: Hands
) -> None:
    opened(sides, tenant)
    source, case = seeded(service, sides, tenant)
    _, left = seeded(service, sides, tenant)

    def figures() -> tuple[object, ...]:
        mara = manager(tenant)
        attention = [replace(one, seeded=0, seeded_right=0) for one in service.attention(mara)]
        return (
            service.queues(mara),
            [load for load in service.loads(mara) if load.decided],
            service.conflicts(mara),
            [one for one in attention if one.decided],
            [one.id for one in service.screen(reviewer(tenant=tenant), source).similar],
        )

    before = figures()
    service.decide(reviewer("finn", tenant=tenant), case, Proposal(verdict=A))
    assert figures() == before
    finn = next(one for one in service.attention(manager(tenant)) if one.person == "finn")
    assert (finn.seeded, finn.seeded_right, finn.decided) == (1, 0, 0)
    period = ReviewPeriod(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
    cases = Collector(source=sides.admin, tenant=tenant, scanner=_scanner()).cases(period)
    assert not {case, left} & {one.id for one in cases}


def _scanner() -> object:
    from handrail.guard.opening import scanner_of

    return scanner_of(POLICY)


def test_only_a_manager_seeds_and_only_what_people_decided_for_a_role_that_takes_it(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    ready = opened(sides, tenant)
    source, case = seeded(service, sides, tenant)
    with pytest.raises(NotPermitted):
        service.seed(reviewer(tenant=tenant), source)
    for name in (ready, case):
        with pytest.raises(NotAllowed):
            service.seed(manager(tenant), name)
    plain = TicketService(
        sides.inbox, GivenPolicy(policy=loads(POLICY_WITHOUT)), Shop(), Hands(), ServiceSettings()
    )
    with pytest.raises(NotAllowed):
        plain.seed(manager(tenant), source)


POLICY_WITHOUT = """\
policy: shop
version: "3"
if_unsure: queue_manager
roles: {finance_lead: {}, legal_lead: {}, queue_manager: {}, process_owner: {}}
"""


def test_a_similar_case_does_not_give_the_answer_away(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    source, case = seeded(service, sides, tenant)
    assert source not in {one.id for one in service.screen(reviewer("finn", tenant=tenant), case).similar}


def test_the_draft_is_nowhere_before_ones_own_answer_is_kept(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    ticket = opened(sides, tenant, with_action=False)
    who = reviewer(tenant=tenant)
    service.claim(who, ticket)
    screen = service.screen(who, ticket)
    assert screen.needs_own_answer
    assert Operation.OWN_ANSWER in screen.operations
    assert "It is done" not in repr(screen)
    line = next(row for row in service.page(who, ListQuery(limit=500)).rows if row.id == ticket)
    assert "It is done" not in line.headline
    with pytest.raises(NotAllowed):
        service.unmask(who, ticket, ["draft_answer"], reason="to see it")
    for verdict in (A, R, Verdict.REVISE):
        for attempt in (service.preview, service.decide):
            with pytest.raises(NotAllowed, match="own answer"):
                attempt(who, ticket, Proposal(verdict=verdict, message_to_agent="Look again."))
    service.give_own_answer(who, ticket, "It comes tomorrow.")
    after = service.screen(who, ticket)
    assert (after.needs_own_answer, after.own_answer) == (False, "It comes tomorrow.")
    assert after.draft.startswith("It is done")
    service.decide(who, ticket, Proposal(verdict=A))
    assert sides.inbox.own_answer(tenant, ticket, "fay") == "It comes tomorrow."


def test_ones_own_answer_is_written_once_by_who_has_the_ticket(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    ticket = opened(sides, tenant, with_action=False)
    who = reviewer(tenant=tenant)
    with pytest.raises(TicketError):
        service.give_own_answer(who, ticket, "It comes tomorrow.")
    service.claim(who, ticket)
    with pytest.raises(CheckFailed):
        service.give_own_answer(who, ticket, "  ")
    service.give_own_answer(who, ticket, "It comes tomorrow.")
    with pytest.raises(AlreadyDecided):
        service.give_own_answer(who, ticket, "It came yesterday.")
    service.release(who, ticket)
    service.claim(reviewer("finn", tenant=tenant), ticket)
    assert service.screen(reviewer("finn", tenant=tenant), ticket).needs_own_answer
    kinds = [event.kind for event in sides.inbox.history(tenant, ticket)]
    assert kinds.count("ticket.own_answer") == 1


def test_a_person_may_answer_the_customer_without_seeing_the_draft(
    service: TicketService, sides: Sides, tenant: str
) -> None:
    ticket = opened(sides, tenant, with_action=False)
    receipt = service.decide(
        reviewer(tenant=tenant), ticket, Proposal(verdict=Verdict.ANSWER, answer="It comes tomorrow.")
    )
    assert receipt.state is State.ANSWERED


def test_another_role_sees_the_draft_at_once(service: TicketService, sides: Sides, tenant: str) -> None:
    ticket = opened(sides, tenant, with_action=False)
    screen = service.screen(reviewer("pat", tenant=tenant), ticket)
    assert not screen.needs_own_answer
    assert screen.draft.startswith("It is done")


def test_an_erased_customers_answers_are_gone_and_the_chain_holds(
    service: TicketService, sides: Sides, tenant: str, clock: Hands
) -> None:
    ticket = opened(sides, tenant, with_action=False, customer="erika")
    who = reviewer(tenant=tenant)
    service.claim(who, ticket)
    service.give_own_answer(who, ticket, f"Your card is {SECRET}.")
    seeded(service, sides, tenant)
    sides.admin.erase(tenant, "erika", by="admin", now=clock.now)
    assert not sides.inbox.own_answer(tenant, ticket, "fay")
    assert sides.admin.verify().is_intact
