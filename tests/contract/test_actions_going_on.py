"""What ran is what a person approved, at most once, in every framework and wherever a process dies.

A model proposes one to three calls in a turn, large ones among small. People approve, edit or reject, in
whatever order. The process dies before or after any write of its store, or lives. A new guard over the same
store goes on from what the framework kept. `make prove` draws twenty times as many.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from handrail.guard.opening import scanner_of
from handrail.policy import load, load_people
from handrail.store import Trust, open_store
from handrail.tickets.lifecycle import State
from support.acting import WAYS, Died, Mortality, World, carried_out, now
from support.killed_worker import world_in
from support.shop_guard import PEOPLE, POLICY
from support.stores import KEYS, SIGNER, Sides, postgres_database

COUNTED = POLICY.replace(
    "  input.findings:",
    "  refunds_30d: {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund,\n"
    "    per: customer, within: 30 days}\n  input.findings:",
).replace(
    "\nhand_offs:\n",
    "\nhand_offs:\n  - {id: in-all, when: refund.amount + refunds_30d > 900000 USD, to: finance_lead,\n"
    "     because: Many refunds are looked at.}\n",
)
slow = pytest.mark.slow
SMALL = ("40 USD", "0.50 USD")
LARGE = ("640 USD", "7000 USD")
Shop: TypeAlias = dict[str, Any]
VERDICTS = st.tuples(
    st.sampled_from(["approve", "approve", "edit", "reject"]), st.sampled_from(["590 USD", "90 USD", "1 USD"])
)


@dataclass(frozen=True)
class Course:
    """What is proposed, what people say to it, and when the process dies."""

    amounts: tuple[str, ...]
    others: tuple[dict[str, Any], ...]
    by_position: int
    verdicts: tuple[tuple[str, str], ...]
    backwards: bool
    is_async: bool
    has_conversation: bool
    dies_at: int | None
    dies_after: bool


OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "note": st.sampled_from(["", 'a "word"', "\u8ba2\u5355", "1.0", "null"]),
        "lines": st.lists(st.integers(-9, 99), max_size=3),
        "is_gift": st.booleans(),
    },
)
COURSES = st.builds(
    Course,
    amounts=st.lists(st.sampled_from((*LARGE, *LARGE, *SMALL)), min_size=1, max_size=3).map(tuple),
    others=st.tuples(OTHERS, OTHERS, OTHERS),
    by_position=st.integers(0, 2),
    verdicts=st.tuples(VERDICTS, VERDICTS, VERDICTS),
    backwards=st.booleans(),
    is_async=st.booleans(),
    has_conversation=st.booleans(),
    dies_at=st.none() | st.integers(0, 8),
    dies_after=st.booleans(),
)


def memory() -> Sides:
    store = open_store("sqlite://", allow_volatile=True)
    return Sides(lambda _: store, url="", backend="memory")


def postgres() -> Sides:
    logins = postgres_database()

    def opened(side: str) -> object:
        trust = Trust(signer=SIGNER) if side == "inbox" else Trust(trusted=SIGNER.public)
        return open_store(getattr(logins, side), key_provider=KEYS, trust=trust)

    return Sides(opened, url=logins.app, backend="postgresql", logins=logins)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stores() -> Iterator[Callable[[str], Sides]]:
    made: dict[str, Sides] = {}

    def of(name: str) -> Sides:
        if name not in made:
            made[name] = memory() if name == "sqlite" else postgres()
        return made[name]

    yield of
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return shop_in(tmp_path_factory.mktemp("shop"))


def shop_in(folder: Path) -> Shop:
    """What outlasts a process and is made once, because a scanner costs more than all else here."""
    (folder / "shop.yaml").write_text(COUNTED)
    (folder / "people.yaml").write_text(PEOPLE)
    policy = load(folder / "shop.yaml")
    return {
        "policy": policy,
        "people": load_people(folder / "people.yaml", policy),
        "scanner": scanner_of(policy),
    }


def lived(world: World, course: Course, name: str, when: Mortality | None) -> None:
    """Let one process take turns, while people decide between them, until nothing waits."""
    guard = world.guard(when)
    conversation = world.name if course.has_conversation else None
    with guard.context(tenant=world.name, customer="c1", conversation=conversation):
        for _ in range(4):
            try:
                WAYS[name](guard, world)
            except BaseException as error:
                if when is None or not when.is_dead:
                    raise
                raise Died from error
            waiting = [one for one in world.tickets() if one.state is State.READY]
            if not waiting:
                return
            world.decide(course.verdicts, backwards=course.backwards)


def play(sides: Sides, shop: Shop, name: str, course: Course) -> World:
    calls = tuple(
        {"amount": one, "order": f"o{number}", **course.others[number]}
        for number, one in enumerate(course.amounts)
    )
    world = World(sides=sides, **shop, calls=calls, is_async=course.is_async, by_position=course.by_position)
    when = Mortality(at=course.dies_at, after=course.dies_after) if course.dies_at is not None else None
    has_died = False
    try:
        lived(world, course, name, when)
    except Died:
        has_died = True
        lived(world, course, name, None)
    must_hold(world, has_died=has_died)
    return world


def must_hold(world: World, *, has_died: bool) -> None:
    world.sides.desk.recover(now() + timedelta(days=1))
    large = Counter(one for one in world.ran if world.calls[int(one[0][1:])]["amount"] in LARGE)
    approved = Counter(world.approved)
    assert large <= approved, "what ran is what was approved, at most once"
    assert has_died or large == approved, "what was approved runs"
    tickets = world.tickets()
    orders = [one.ticket.action.arguments for one in tickets if one.ticket and one.ticket.action]
    assert len(orders) == len(set(orders)), "no action opens a second ticket"
    ends = {State.APPLIED, State.REJECTED} | ({State.OUTCOME_UNKNOWN, State.FAILED} if has_died else set())
    assert {one.state for one in tickets} <= ends, "every ticket ends"
    paid = sum((Decimal(amount.split()[0]) for _, amount in world.ran), Decimal(0))
    assert world.booked() >= paid, "what was paid is booked"
    assert has_died or world.booked() == paid, "nothing else is booked"


def drawn(sides: Sides, shop: Shop, examples: int, name: str) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(COURSES)
    def check(course: Course) -> None:
        play(sides, shop, name, course)

    check()


# PostgreSQL costs several times as much; the other ways over it are drawn by `make prove`.
CHEAP = {"gate"}
CELLS = [
    pytest.param(
        store, name, 100, id=f"{store}-{name}", marks=() if store == "sqlite" or name in CHEAP else slow
    )
    for store in ("sqlite", "postgresql")
    for name in sorted(WAYS)
]
MANY = [
    pytest.param(store, name, 2000, id=f"{store}-{name}-many", marks=slow)
    for store in ("sqlite", "postgresql")
    for name in sorted(WAYS)
]


@pytest.mark.parametrize(("store", "name", "examples"), [*CELLS, *MANY])
def test_what_ran_is_what_was_approved_at_most_once(
    stores: Callable[[str], Sides], shop: Shop, store: str, name: str, examples: int
) -> None:
    drawn(stores(store), shop, examples, name)


@slow
@pytest.mark.parametrize("after", ["before", "after"])
@pytest.mark.parametrize("at", range(6))
def test_a_worker_that_is_killed_runs_no_approval_twice(tmp_path: Path, at: int, after: str) -> None:
    shop_in(tmp_path)
    calls = tuple(
        {"amount": one, "order": f"o{number}"} for number, one in enumerate(("640 USD", "7000 USD"))
    )
    world = world_in(tmp_path, "killed", calls)
    guard = world.guard()
    with guard.context(tenant=world.name, customer="c1"):
        WAYS["function"](guard, world)
    world.decide((("approve", ""), ("edit", "590 USD")), backwards=False)
    command = [sys.executable, "-m", "support.killed_worker", str(tmp_path), world.name, str(at), after]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    later = world.guard()
    with later.context(tenant=world.name, customer="c1"):
        carried_out(later, world)
    ran = [tuple(line.split(" ", 1)) for line in world.log.read_text().splitlines()]
    world.ran = [(order, amount) for order, amount in ran]
    must_hold(world, has_died=done.returncode != 0)
