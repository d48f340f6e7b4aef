"""Batches, holds, queues, attention, tokens and views, over every store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from handrail.errors import CheckFailed, NotPermitted, OnHold, RoleError
from handrail.records import Trigger
from handrail.service import Level, ListQuery, Proposal, Reviewer, Scope, TicketService, Whose
from handrail.service.batch import BatchPreview, Seen
from handrail.service.managing import TIRED_FROM
from handrail.store.tables import micros, pauses
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer, service_over
from support.stores import Sides, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
APPROVE = Proposal(verdict=Verdict.APPROVE)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def service(sides: Sides, clock: Hands) -> TicketService:
    return service_over(sides.inbox, clock)


def opened(sides: Sides, *, tenant: str, trigger: Trigger = Trigger.COMPLAINT, **about: object) -> str:
    ticket = new_ticket(tenant=tenant, trigger=trigger, **about)  # type: ignore[arg-type]
    sides.app.open(ticket)
    return ticket.id


def seen(shown: BatchPreview) -> list[Seen]:
    return [
        Seen(
            ticket=line.ticket,
            digest=line.preview.digest,
            version=line.preview.version,
            previewed=line.preview.token,
        )
        for line in shown.lines
        if line.preview is not None
    ]


def manager(tenant: str = "default") -> Reviewer:
    return reviewer("pat", tenant=tenant, is_manager=True)


def test_twenty_tickets_are_decided_together_and_recorded_each_on_its_own(
    service: TicketService, sides: Sides
) -> None:
    fay = reviewer(tenant="batch")
    names = [opened(sides, tenant="batch") for _ in range(20)]
    shown = service.batch_preview(fay, names, APPROVE)
    assert len({line.preview.token for line in shown.lines if line.preview}) == 20
    done = service.batch_decide(fay, seen(shown), APPROVE)
    assert [one.receipt.state if one.receipt else one.refused for one in done] == [State.DECIDED] * 20
    for name in names:
        kinds = [event.kind for event in sides.inbox.history("batch", name)]
        assert kinds.count("ticket.approve") == 1


def test_what_is_over_a_limit_or_not_alike_is_in_no_batch(service: TicketService, sides: Sides) -> None:
    fay = reviewer(tenant="alike")
    alike = opened(sides, tenant="alike")
    over = opened(sides, tenant="alike", trigger=Trigger.HIGH_STAKES)
    answer = opened(sides, tenant="alike", with_action=False)
    shown = service.batch_preview(fay, [alike, over, answer, "nothing"], APPROVE)
    assert [line.refused for line in shown.lines] == ["", "over_limit", "other_tool", "TicketNotFound"]
    forced = [*seen(shown), Seen(ticket=over, digest="", version=1, previewed="")]
    done = service.batch_decide(fay, forced, APPROVE)
    assert [one.refused for one in done] == ["", "over_limit"]


def test_a_batch_holds_what_was_shown_only(service: TicketService, sides: Sides) -> None:
    fay = reviewer(tenant="shown")
    first, second = opened(sides, tenant="shown"), opened(sides, tenant="shown")
    shown = seen(service.batch_preview(fay, [first, second], APPROVE))
    altered = [shown[0], replace(shown[1], previewed=shown[0].previewed)]
    done = service.batch_decide(fay, altered, APPROVE)
    assert [one.refused for one in done] == ["", "CheckFailed"]
    assert sides.inbox.get("shown", second).state is State.READY


def test_an_edit_is_no_decision_for_several(service: TicketService, sides: Sides) -> None:
    name = opened(sides, tenant="edit")
    edit = Proposal(verdict=Verdict.EDIT, changes={"amount": 1})
    with pytest.raises(CheckFailed):
        service.batch_preview(reviewer(tenant="edit"), [name], edit)


def test_only_a_manager_holds_and_everybody_sees_it(service: TicketService, sides: Sides) -> None:
    fay = reviewer(tenant="hold")
    name = opened(sides, tenant="hold")
    with pytest.raises(NotPermitted, match="manager"):
        service.pause(fay, why="incident")
    with pytest.raises(RoleError):
        service.pause(manager("hold"), "nobody", why="incident")
    service.pause(manager("hold"), why="incident")
    assert [(hold.role, hold.person, hold.why) for hold in service.pauses(fay)] == [("", "pat", "incident")]
    with pytest.raises(OnHold, match="everything"):
        service.decide(fay, name, APPROVE)
    service.resume(manager("hold"), why="over")
    assert service.pauses(fay) == ()
    assert service.decide(fay, name, APPROVE).state is State.DECIDED


def test_a_manager_sees_how_the_queues_stand(service: TicketService, sides: Sides, clock: Hands) -> None:
    fay, boss = reviewer(tenant="queue"), manager("queue")
    names = [opened(sides, tenant="queue") for _ in range(3)]
    service.claim(fay, names[0])
    clock.go_on(minutes=9)
    service.decide(fay, names[1], APPROVE)
    clock.go_on(minutes=25)
    queue = next(one for one in service.queues(boss) if one.role == "finance_lead")
    assert (queue.open, queue.free, queue.breached, queue.decided) == (2, 1, 2, 1)
    assert queue.median_minutes == 10.0
    assert {one.role for one in service.queues(boss)} >= {"legal_lead", "queue_manager"}
    loads = [(load.person, load.claimed, load.decided) for load in service.loads(boss)]
    assert loads == [("fay", 1, 1)]
    with pytest.raises(NotPermitted):
        service.queues(fay)


def test_rules_that_disagree_are_counted_together(service: TicketService, sides: Sides) -> None:
    for _ in range(2):
        opened(sides, tenant="conflict", trigger=Trigger.POLICY_CONFLICT)
    found = service.conflicts(manager("conflict"))
    assert [(one.rules, one.tickets) for one in found] == [(("big-refund",), 2)]


def test_who_approves_everything_at_once_seems_tired(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    fay, finn, boss = reviewer(tenant="tired"), reviewer("finn", tenant="tired"), manager("tired")
    for person, seconds in ((fay, 2.0), (finn, 60.0)):
        for _ in range(TIRED_FROM):
            name = opened(sides, tenant="tired")
            service.screen(person, name)
            clock.go_on(seconds=seconds)
            service.decide(person, name, APPROVE, delay=timedelta(seconds=5))
            clock.go_on(seconds=6)
            service.screen(person, name)
    found = {one.person: one for one in service.attention(boss)}
    assert (found["fay"].decided, found["fay"].median_seconds) == (TIRED_FROM, 2.0)
    assert (found["fay"].seems_tired, found["finn"].seems_tired) == (True, False)
    assert found["finn"].approve_rate == 1.0


def test_a_token_acts_as_its_person_with_no_more_than_its_scopes(
    service: TicketService, clock: Hands
) -> None:
    fay = reviewer(tenant="tokens")
    made = service.make_token(fay, "ci", [Scope.READ], valid_for=timedelta(days=1))
    found = service.reviewer_of_token(made.text, lambda person: fay.roles)
    assert found is not None
    assert (found.person, found.tenant, found.scopes) == ("fay", "tokens", frozenset({Scope.READ}))
    assert (found.level, found.is_manager) == (Level.TOKEN, False)
    assert made.text.rsplit(".", 1)[1] not in str(service.tokens(fay))
    clock.go_on(days=2)
    assert service.reviewer_of_token(made.text, lambda person: fay.roles) is None


def test_no_other_text_is_a_token(service: TicketService) -> None:
    fay = reviewer(tenant="texts")
    made = service.make_token(fay, "ci", [Scope.READ], valid_for=timedelta(days=1)).text
    head, tenant, name, secret = made.split(".", 3)
    elsewhere = service.make_token(reviewer(tenant="other"), "x", [Scope.READ], valid_for=timedelta(days=1))
    wrong = (
        "", "x", "....", f"{head}.{tenant}.{name}", f"{head}.%%%.{name}.{secret}", made[:-1],
        f"{head}.{elsewhere.text.split('.')[1]}.{name}.{secret}", f"hrt2.{tenant}.{name}.{secret}",
    )  # fmt: skip
    for text in wrong:
        assert service.reviewer_of_token(text, lambda person: fay.roles) is None
    assert service.revoke_token(reviewer("finn", tenant="texts"), name) is False
    assert service.revoke_token(fay, name) is True
    assert service.reviewer_of_token(made, lambda person: fay.roles) is None


def test_a_token_is_made_by_who_has_just_signed_in_and_for_no_more_than_theirs(
    service: TicketService,
) -> None:
    with pytest.raises(NotPermitted, match="level"):
        service.make_token(reviewer(level=Level.LOGIN), "ci", [Scope.READ], valid_for=timedelta(days=1))
    reads = reviewer(scopes=frozenset({Scope.READ}))
    with pytest.raises(NotPermitted, match="scope"):
        service.make_token(reads, "ci", [Scope.DECIDE], valid_for=timedelta(days=1))
    for scopes, days in (([], 1), ([Scope.READ], 0), ([Scope.READ], 4000)):
        with pytest.raises(CheckFailed):
            service.make_token(reviewer(), "ci", scopes, valid_for=timedelta(days=days))


def test_a_view_is_kept_for_its_person_alone(service: TicketService) -> None:
    fay, query = reviewer(tenant="views"), ListQuery(rule="big-refund", whose=Whose.MINE, cursor="x")
    service.save_view(fay, "mine", query)
    service.save_view(fay, "mine", replace(query, rule="other"))
    assert service.views(fay) == {"mine": replace(query, rule="other", cursor=None)}
    assert service.views(reviewer("finn", tenant="views")) == {}
    service.drop_view(fay, "mine")
    assert service.views(fay) == {}
    with pytest.raises(CheckFailed):
        service.save_view(fay, "", query)


def test_what_is_new_since_the_last_visit_is_known(service: TicketService, clock: Hands) -> None:
    fay = reviewer(tenant="seen")
    assert service.seen(fay) is None
    before = clock.now
    clock.go_on(hours=1)
    assert service.seen(fay) == before
    assert service.signed_out_at("seen", "fay") is None
    service.sign_out_everywhere(fay)
    assert service.signed_out_at("seen", "fay") == clock.now


@pytest.mark.parametrize("role", ["", "finance_lead"])
def test_a_hold_that_somebody_deletes_in_the_database_is_found(
    service: TicketService, sides: Sides, clock: Hands, role: str
) -> None:
    tenant = f"deleted-{role}"
    service.pause(manager(tenant), role, why="incident")
    assert sides.admin.verify().is_intact
    with sides.inbox.database.write(tenant) as conn:
        conn.execute(delete(pauses).where(pauses.c.tenant == tenant))
    assert [one.what for one in sides.admin.verify().problems if one.where.startswith("hold ")] == [
        f"it is on record for {tenant} and gone from the store"
    ]
    clock.go_on(seconds=1)
    service.pause(manager(tenant), role, why="incident")
    clock.go_on(seconds=1)
    service.resume(manager(tenant), role)
    assert sides.admin.verify().is_intact


def test_a_hold_that_nobody_placed_is_found(service: TicketService, sides: Sides, clock: Hands) -> None:
    values = {"tenant": "forged", "role": "", "person": "pat", "at": micros(clock.now), "why": "x"}
    with sides.inbox.database.write("forged") as conn:
        conn.execute(pauses.insert().values(**values))
    assert "it is not on record" in [one.what for one in sides.admin.verify().problems]
    with sides.inbox.database.write("forged") as conn:
        conn.execute(delete(pauses).where(pauses.c.tenant == "forged"))
    assert sides.admin.verify().is_intact
