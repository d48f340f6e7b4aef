"""A process that dies by `kill -9` between a resolution and its effect: the effect comes, and once."""

import multiprocessing
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import TicketError
from handrail.service import PartProposal, Proposal, TicketService
from handrail.store.tickets import effect
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer, service_over
from support.stores import Logins, Sides, new_ticket, postgres_database, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
Where = Path | Logins
DELAY = timedelta(seconds=5)
# A fork has the signer of this process, whom the store of another one trusts.
FORK = multiprocessing.get_context("fork")
DECISION = Proposal.of_parts(
    [
        PartProposal(part="call-1", verdict=Verdict.APPROVE),
        PartProposal(part="call-2", verdict=Verdict.REJECT),
        PartProposal(part="call-3", verdict=Verdict.APPROVE),
    ]
)
BESIDE = (("cancel_order", '{"order": "1182"}'), ("send_voucher", '{"amount": 5}'))


def opened(where: Where, clock: Hands) -> tuple[Sides, TicketService]:
    sides = sqlite_sides(where) if isinstance(where, Path) else postgres_sides(where)
    for side in (sides.app, sides.inbox, sides.desk, sides.admin):
        side._clock = clock
    return sides, service_over(sides.inbox, clock)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(where: Where, moment: str) -> None:
    """Decide, and die: once it is resolved, with its effect written and not committed, or once that is."""
    clock = Hands()
    sides, service = opened(where, clock)
    service.decide(reviewer(), "t1", DECISION, delay=DELAY)
    if moment == "resolved":
        die()
    clock.go_on(seconds=6)
    if moment == "not committed":
        real = effect.move

        def moved(*given: Any, **more: Any) -> None:
            real(*given, **more)
            die()

        effect.move = moved  # type: ignore[assignment]
    sides.desk.sweep(clock.now)
    die()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    return tmp_path / "store.db" if request.param == "sqlite" else postgres_database()


def after_the_death(where: Where, moment: str, clock: Hands) -> tuple[Sides, TicketService]:
    sides, _ = opened(where, clock)
    sides.app.open(new_ticket("t1", conversation="talk", customer="anna", beside=BESIDE))
    sides.close()
    process = FORK.Process(target=killed, args=(where, moment))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    return opened(where, clock)


def every(sides: Sides) -> dict[str, str]:
    resolution = sides.inbox.get("default", "t1").resolution
    assert resolution is not None
    return {"call-1": "t1", **resolution.parts}


@pytest.mark.parametrize("moment", ["resolved", "not committed", "committed"])
@pytest.mark.parametrize("first", ["desk", "conversation", "begin"])
def test_the_effect_comes_once_whoever_looks_first_after_the_restart(
    where: Where, moment: str, first: str
) -> None:
    clock = Hands()
    sides, _ = after_the_death(where, moment, clock)
    clock.go_on(seconds=6)
    tickets, ran = every(sides), []
    looks = {
        "desk": lambda: sides.desk.sweep(clock.now),
        "conversation": lambda: sides.app.conversation("default", "talk"),
        "begin": lambda: None,
    }
    looks[first]()
    for name, ticket in [*tickets.items(), *tickets.items()]:
        try:
            approval = sides.app.begin("default", ticket, now=clock.now)
        except TicketError:
            continue
        ran.append((name, approval.tool))
        sides.app.finish("default", ticket, Settlement.DONE, now=clock.now)
    sides.desk.sweep(clock.now)
    assert ran == [("call-1", "issue_refund"), ("call-3", "send_voucher")]
    for name, ticket in tickets.items():
        kinds = [event.kind for event in sides.inbox.history("default", ticket)]
        taken = {"ticket.approve": 1, "ledger.reserve": 1, "ticket.reject": 0}
        if name == "call-2":
            taken = {"ticket.approve": 0, "ledger.reserve": 0, "ticket.reject": 1}
        assert {kind: kinds.count(kind) for kind in taken} == taken
    assert sides.admin.verify().is_intact
    sides.close()


def test_it_can_still_be_undone_after_the_restart_inside_its_window(where: Where) -> None:
    clock = Hands()
    sides, service = after_the_death(where, "resolved", clock)
    clock.go_on(seconds=3)
    tickets = every(sides)
    assert service.undo(reviewer(), "t1").state is State.CLAIMED
    clock.go_on(seconds=60)
    sides.desk.sweep(clock.now)
    for ticket in tickets.values():
        with pytest.raises(TicketError):
            sides.app.begin("default", ticket, now=clock.now)
    assert sides.admin.verify().is_intact
    sides.close()
