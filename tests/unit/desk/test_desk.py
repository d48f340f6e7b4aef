import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from handrail.desk.channels import DeliveryError
from handrail.desk.desk import Desk, Step
from handrail.desk.notice import Notice
from handrail.desk.settings import Settings
from handrail.errors import DecisionExpired, StoreUnavailable
from handrail.store import Spool, SqlStore, open_store
from handrail.store.tables import outbox
from handrail.testing import FrozenClock
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from support.desk_scene import ROLES, START, actor, approve, ticket


class Ear:
    """A channel that remembers what it was told."""

    name = "ear"

    def __init__(self, *, failures: int = 0) -> None:
        self.heard: list[Notice] = []
        self.failures = failures

    def wants(self, notice: Notice) -> bool:
        return True

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError(self.name, "HTTP 503")
        self.heard.append(notice)

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.heard]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'handrail.db'}"


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url, allow_volatile=True)
    yield opened
    opened.close()


def desk(store: SqlStore, clock: FrozenClock, ear: Ear | None = None, spool: Spool | None = None) -> Desk:
    settings = Settings(channels=(ear,) if ear else (), link="https://inbox.example/t/{ticket}")
    return Desk(store, ROLES, settings=settings, spool=spool, now=clock)


def state(store: SqlStore, name: str = "a") -> State:
    return store.get("default", name).state


def test_a_ticket_is_announced_warned_escalated_and_ends_in_the_safe_default(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    one = desk(store, clock, ear)
    store.open(ticket("a"))
    one.step()
    clock.advance(hours=2)
    one.step()
    clock.advance(hours=2)
    one.step()
    assert store.get("default", "a").role == "supervisor"
    assert store.get("default", "a").decide_by == clock.at + timedelta(hours=1)
    for _ in range(20):
        clock.advance(minutes=30)
        one.step()
    assert [kind for kind in ear.kinds if kind != "warn"] == ["open", "escalate", "escalate", "expire"]
    assert Counter(ear.kinds)["warn"] == 3
    assert state(store) is State.EXPIRED
    ended = store.resolution("default", "a")
    assert ended is not None
    assert ended.verdict == "expired"
    with pytest.raises(DecisionExpired):
        store.begin("default", "a", now=clock.at)


def test_a_warning_tells_the_role_that_comes_next(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    store.open(ticket("a"))
    clock.advance(hours=2)
    desk(store, clock, ear).step()
    assert [(n.kind, n.role, n.next_role) for n in ear.heard] == [
        ("open", "finance_lead", None),
        ("warn", "finance_lead", "supervisor"),
    ]
    assert ear.heard[0].link == "https://inbox.example/t/a"


def test_a_desk_to_which_no_channels_were_named_leaves_notices_to_one_that_has_some(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    without = Desk(store, ROLES, now=clock)
    store.open(ticket("a"))
    assert without.step().delivered == 0
    clock.advance(hours=2)
    assert without.step() == Step(timers={"warn": 1})
    assert without.tells_nobody
    assert desk(store, clock, ear).step().delivered == 2
    assert ear.kinds == ["open", "warn"]


def test_a_desk_that_is_to_tell_nobody_settles_notices_at_once(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    store.open(ticket("a"))
    assert desk(store, clock).step().delivered == 1
    desk(store, clock, ear).step()
    assert ear.heard == []


def test_notices_that_no_desk_ever_takes_do_not_pile_up(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    clock, ear = FrozenClock(START), Ear(failures=3)
    store.open(ticket("a"))
    desk(store, clock, ear).step()
    store.open(ticket("b"))
    without = Desk(store, ROLES, now=clock)
    clock.advance(days=29)
    without.step()
    assert "given up" not in caplog.text
    clock.advance(days=2)
    without.step()
    assert "2 notices of long ago were given up" in caplog.text
    assert [letter.ticket for letter in store.dead_letters(limit=9)] == ["a"]


def test_what_somebody_works_on_is_not_escalated_before_its_deadline(store: SqlStore) -> None:
    clock = FrozenClock(START)
    one = desk(store, clock)
    store.open(ticket("a"))
    store.claim("default", "a", actor("fay", clock.at))
    for _ in range(23):
        clock.advance(minutes=10)
        store.claim("default", "a", actor("fay", clock.at))
        one.step()
    assert (state(store), store.get("default", "a").role) == (State.CLAIMED, "finance_lead")
    clock.advance(minutes=11)
    one.step()
    assert (state(store), store.get("default", "a").role) == (State.READY, "supervisor")


def test_a_claim_that_is_not_renewed_goes_back(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    store.open(ticket("a"))
    store.claim("default", "a", actor("fay", clock.at))
    clock.advance(minutes=31)
    desk(store, clock, ear).step()
    assert state(store) is State.READY
    store.claim("default", "a", actor("finn", clock.at))


def test_waiting_for_an_answer_stops_the_clock_and_ends_by_itself(store: SqlStore) -> None:
    clock = FrozenClock(START)
    one = desk(store, clock)
    store.open(ticket("a"))
    store.claim("default", "a", actor("fay", clock.at))
    store.ask("default", "a", "Which order?", actor("fay", clock.at))
    before = store.get("default", "a").decide_by
    assert before is not None
    clock.advance(hours=20)
    one.step()
    assert state(store) is State.WAITING_INFO
    clock.advance(hours=5)
    one.step()
    assert state(store) is State.READY
    assert store.get("default", "a").decide_by == before + timedelta(hours=25)


def test_an_approval_that_nobody_uses_becomes_void(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    store.open(ticket("a"))
    approve(store, "a", at=clock.at)
    clock.advance(hours=25)
    desk(store, clock, ear).step()
    assert state(store) is State.EXPIRED
    assert ear.kinds[-1] == "lapse"
    with pytest.raises(DecisionExpired):
        store.begin("default", "a", now=clock.at)


def test_an_action_whose_process_vanished_is_unknown_and_can_be_settled(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    store.open(ticket("a"))
    approve(store, "a", at=clock.at)
    store.begin("default", "a", now=clock.at)
    clock.advance(minutes=6)
    desk(store, clock, ear).step()
    assert state(store) is State.OUTCOME_UNKNOWN
    assert ear.kinds[-1] == "lost"
    store.finish("default", "a", Settlement.DONE, now=clock.at)
    assert state(store) is State.APPLIED


def test_timers_fire_when_the_desk_comes_back_after_days(url: str) -> None:
    first = open_store(url, allow_volatile=True)
    for name in "abc":
        first.open(ticket(name))
    first.close()
    clock = FrozenClock(START + timedelta(days=9))
    again = open_store(url, allow_volatile=True)
    done = desk(again, clock).step()
    assert done.timers == {"escalate": 3}
    again.close()


def test_a_clock_that_jumps_approves_nothing_and_loses_nothing(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    one = desk(store, clock, ear)
    store.open(ticket("a"))
    for jump in (timedelta(days=-30), timedelta(days=400), timedelta(days=-400), timedelta(days=31)):
        clock.at += jump
        one.step()
        clock.advance(minutes=1)
        one.step()
        assert state(store) in (State.READY, State.EXPIRED)
    for _ in range(12):
        clock.advance(days=60)
        one.step()
    assert state(store) is State.EXPIRED
    assert ear.kinds.count("open") == 1
    assert not {"approve", "agree", "begin", "applied"} & set(ear.kinds)


def test_two_desks_take_every_timer_once(url: str) -> None:
    clock = FrozenClock(START + timedelta(hours=2))
    stores = [open_store(url, allow_volatile=True) for _ in range(2)]
    for number in range(40):
        stores[0].open(ticket(f"t{number}"))
    ears = [Ear(), Ear()]
    desks = [desk(opened, clock, ear) for opened, ear in zip(stores, ears, strict=True)]
    threads = [threading.Thread(target=one.step) for one in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Counter((notice.ticket, notice.kind) for ear in ears for notice in ear.heard)
    for one in desks:
        one.step()
    told = Counter((notice.ticket, notice.kind) for ear in ears for notice in ear.heard)
    assert told == Counter({(f"t{n}", kind): 1 for n in range(40) for kind in ("open", "warn")})
    for opened in stores:
        opened.close()


def test_dead_letters_are_seen_and_can_be_replayed(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear(failures=10_000)
    one = desk(store, clock, ear)
    store.open(ticket("a", role="process_owner"))
    store.cancel("default", "a", by="app", why="withdrawn", now=clock.at)
    for _ in range(12):
        one._sleep = lambda _: None  # type: ignore[method-assign]
        one.step()
        clock.advance(days=2)
    dead = store.dead_letters()
    assert [(letter.kind, letter.error) for letter in dead] == [
        ("open", "ear HTTP 503"),
        ("cancel", "ear HTTP 503"),
    ]
    ear.failures = 0
    assert store.replay([letter.id for letter in dead], now=clock.at) == 2
    assert one.step().delivered == 2
    assert not store.dead_letters()


def test_delivered_notices_are_kept_for_a_month_and_dead_letters_for_good(store: SqlStore) -> None:
    clock, ear = FrozenClock(START), Ear()
    one = desk(store, clock, ear)
    store.open(ticket("a", role="process_owner"))
    one.step()

    def kept() -> list[str]:
        with store.read("default") as tx:
            return list(tx.conn.execute(select(outbox.c.state)).scalars())

    assert kept() == ["delivered"]
    ear.failures = 10_000
    one._sleep = lambda _: None  # type: ignore[method-assign]
    store.cancel("default", "a", by="app", why="withdrawn", now=clock.at)
    for _ in range(14):
        one.step()
        clock.advance(days=2)
    assert sorted(kept()) == ["dead", "delivered"]
    clock.advance(days=3)
    one.step()
    assert kept() == ["dead"]


def test_the_spool_is_drained_into_the_store(store: SqlStore, url: str) -> None:
    clock, spool = FrozenClock(START), Spool.beside(url)
    spool.put(ticket("a"))
    assert desk(store, clock, spool=spool).step().drained == 1
    assert state(store) is State.READY
    assert desk(store, clock, spool=spool).step() == Step()


def test_the_thread_stops_when_it_is_told_to(store: SqlStore) -> None:
    store.open(ticket("a"))
    ear = Ear()
    one = desk(store, FrozenClock(START), ear)
    one.start(every_s=0.005)
    one.start(every_s=0.005)
    deadline = threading.Event()
    while not ear.heard and not deadline.wait(0.005):
        pass
    assert one.stop()
    assert not one.is_late(by=timedelta(seconds=1))
    one.start(every_s=0.005)
    assert one.stop()


class Broken:
    """A store whose rounds fail as they are told to."""

    def __init__(self, store: SqlStore, *errors: Exception) -> None:
        self.prune_messages, self.errors = store.prune_messages, list(errors)
        self.rounds = 0

    def sweep(self, now: datetime, **_: object) -> dict[str, int]:
        self.rounds += 1
        if self.errors:
            raise self.errors.pop(0)
        return {}

    def take_messages(self, now: datetime, **_: object) -> list[Notice]:
        return []


def test_a_bad_round_does_not_end_the_desk_and_tells_no_content(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    errors = (StoreUnavailable("store", why="OperationalError"), ValueError("secret text"))
    broken = Broken(store, *errors)
    one = Desk(broken, ROLES, now=FrozenClock(START))  # type: ignore[arg-type]
    one.start(every_s=0.005)
    while broken.rounds < 3:
        threading.Event().wait(0.005)
    assert one.stop()
    assert "OperationalError" in caplog.text
    assert "ValueError" in caplog.text
    assert "secret text" not in caplog.text
