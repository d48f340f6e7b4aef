from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.desk.channels import DeliveryError
from handrail.desk.delivery import PAUSES, Delivery, DeliveryRound, failed_before, next_try, note_of
from handrail.desk.notice import Notice
from handrail.records import Severity
from handrail.store.outbox import OutboxMessage
from handrail.testing import FrozenClock


@dataclass
class Shelf:
    """An outbox in memory."""

    messages: dict[str, OutboxMessage] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    dead: dict[str, str] = field(default_factory=dict)

    def put(self, message: OutboxMessage) -> None:
        self.messages[message.id], self.due[message.id] = message, message.at

    def take_messages(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxMessage]:
        found = [key for key, at in self.due.items() if at <= now][:limit]
        for key in found:
            self.due[key] = now + lease
            self.messages[key] = replace(self.messages[key], attempts=self.messages[key].attempts + 1)
        return [self.messages[key] for key in found]

    def delivered(self, ids: Sequence[str]) -> None:
        self.closed.update(ids)
        for key in ids:
            del self.due[key]

    def undelivered(self, notice: str, *, again_at: datetime | None, error: str) -> None:
        self.messages[notice] = replace(self.messages[notice], error=error)
        if again_at is None:
            self.dead[notice] = error
            del self.due[notice]
        else:
            self.due[notice] = again_at


@dataclass
class Pipe:
    """A channel that fails as often as it is told to."""

    name: str
    failures: int = 0
    is_final: bool = False
    is_down: bool = False
    takes: timedelta = timedelta()
    clock: FrozenClock | None = None
    got: list[str] = field(default_factory=list)
    tried: int = 0
    only: str = ""

    def wants(self, notice: Notice) -> bool:
        return not self.only or notice.role == self.only

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        self.tried += 1
        if self.clock:
            self.clock.at += self.takes
        if self.failures:
            self.failures -= 1
            raise DeliveryError(self.name, "HTTP 500", is_final=self.is_final, is_down=self.is_down)
        self.got.append(notice.id)


CLOCK_START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def message(name: str = "a", role: str = "finance_lead") -> OutboxMessage:
    return OutboxMessage(
        id=name,
        tenant="default",
        ticket="t",
        version=1,
        kind="open",
        role=role,
        severity=2,
        trigger="high_stakes",
        at=CLOCK_START,
        decide_by=None,
        attempts=0,
    )


def delivery(shelf: Shelf, *pipes: Pipe) -> tuple[Delivery, FrozenClock]:
    clock = FrozenClock(CLOCK_START)
    made = Delivery(outbox=shelf, channels=pipes, now=clock, sleep=lambda _: None, chance=lambda: 0.5)
    return made, clock


def test_every_channel_that_wants_a_letter_gets_it() -> None:
    shelf, first, second = Shelf(), Pipe("first"), Pipe("second", only="supervisor")
    shelf.put(message())
    made, _ = delivery(shelf, first, second)
    assert made.round() == DeliveryRound(delivered=1)
    assert (first.got, second.got, shelf.closed) == (["a"], [], {"a"})


def test_a_short_hiccup_is_ridden_out_at_once() -> None:
    shelf, pipe = Shelf(), Pipe("first", failures=2)
    shelf.put(message())
    made, _ = delivery(shelf, pipe)
    assert made.round() == DeliveryRound(delivered=1)
    assert pipe.tried == 3


def test_a_channel_that_has_a_letter_does_not_get_it_again_when_another_fails() -> None:
    shelf, good, bad = Shelf(), Pipe("good"), Pipe("bad", failures=5)
    shelf.put(message())
    made, clock = delivery(shelf, good, bad)
    assert made.round() == DeliveryRound(postponed=1)
    assert made.round() == DeliveryRound()
    clock.advance(seconds=6)
    assert made.round() == DeliveryRound(delivered=1)
    assert (good.got, bad.got) == (["a"], ["a"])


def test_what_never_gets_through_becomes_a_dead_letter_with_its_reason() -> None:
    shelf, pipe = Shelf(), Pipe("first", failures=10_000)
    shelf.put(message())
    made, clock = delivery(shelf, pipe)
    rounds = 0
    while not shelf.dead:
        assert made.round() in (DeliveryRound(postponed=1), DeliveryRound(died=1))
        clock.at = max(clock.at, *shelf.due.values()) if shelf.due else clock.at
        rounds += 1
    assert timedelta(days=3) < clock.at - CLOCK_START < timedelta(days=6)
    assert 10 < rounds < 25
    assert shelf.dead == {"a": "first HTTP 500"}


def test_attempts_that_a_dying_desk_used_up_do_not_kill_a_letter() -> None:
    shelf, pipe = Shelf(), Pipe("first", failures=3)
    shelf.put(replace(message(), attempts=50))
    made, clock = delivery(shelf, pipe)
    assert made.round() == DeliveryRound(postponed=1)
    clock.advance(seconds=6)
    assert made.round() == DeliveryRound(delivered=1)


def test_a_replayed_letter_is_tried_again_soon() -> None:
    later = CLOCK_START + timedelta(days=30)
    assert next_try(replace(message(), attempts=1), later, 0.0) == later + PAUSES[0]


def test_a_receiver_that_is_gone_for_good_is_not_tried_again() -> None:
    shelf, pipe = Shelf(), Pipe("first", failures=10, is_final=True)
    shelf.put(message())
    made, _ = delivery(shelf, pipe)
    assert made.round() == DeliveryRound(died=1)
    assert pipe.tried == 1


def test_a_desk_that_stops_leaves_the_rest_for_later() -> None:
    shelf, pipe = Shelf(), Pipe("first")
    for name in "abc":
        shelf.put(message(name))
    made, clock = delivery(shelf, pipe)
    assert made.round(should_stop=lambda: bool(pipe.got)) == DeliveryRound(delivered=1)
    clock.advance(minutes=6)
    assert made.round() == DeliveryRound(delivered=2)
    assert pipe.got == ["a", "b", "c"]


def test_a_receiver_that_is_down_is_waited_for_once_a_round_and_holds_nobody_up() -> None:
    shelf, bad, good = Shelf(), Pipe("bad", failures=10_000, is_down=True), Pipe("good")
    for name in "abcdef":
        shelf.put(message(name))
    made, _ = delivery(shelf, bad, good)
    assert made.round() == DeliveryRound(postponed=6)
    assert (bad.tried, good.got) == (3, list("abcdef"))


def test_letters_that_a_slow_receiver_holds_up_are_left_before_their_lease_is_over() -> None:
    shelf, slow = Shelf(), Pipe("slow", takes=timedelta(minutes=1))
    for name in "abcdef":
        shelf.put(message(name))
    made, slow.clock = delivery(shelf, slow)
    assert made.round() == DeliveryRound(delivered=3)
    slow.clock.advance(minutes=3)
    assert made.round() == DeliveryRound(delivered=3)
    assert slow.got == list("abcdef")


def test_a_stop_ends_the_quick_tries_too() -> None:
    shelf, bad = Shelf(), Pipe("bad", failures=10_000)
    shelf.put(message())
    made, _ = delivery(shelf, bad)
    assert made.round(should_stop=lambda: bad.tried > 0) == DeliveryRound(postponed=1)
    assert bad.tried == 1


def test_a_warning_names_the_role_that_comes_next() -> None:
    shelf, pipe = Shelf(), Pipe("first", only="supervisor")
    made, _ = delivery(shelf, pipe)
    made = replace(made, backup_of={"finance_lead": "supervisor"}.get)
    assert made.notice_of(replace(message(), kind="warn")).next_role == "supervisor"
    assert made.notice_of(message()).next_role is None
    assert made.notice_of(message()).severity is Severity.HIGH


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z0-9_-]{1,24}", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_the_note_of_a_failure_never_forgets_a_channel(names: list[str]) -> None:
    note = note_of([DeliveryError(name, "HTTP 500") for name in names])
    assert len(note) <= 64
    found = failed_before(note)
    assert found is None or found == set(names)


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_every_letter_is_either_delivered_or_dead_and_never_both(failures: list[int]) -> None:
    shelf = Shelf()
    pipes = [Pipe(str(number), failures=count) for number, count in enumerate(failures)]
    shelf.put(message())
    made, clock = delivery(shelf, *pipes)
    for _ in range(len(PAUSES) + 2):
        made.round()
        clock.advance(days=2)
    assert (shelf.closed == {"a"}) != ("a" in shelf.dead)
    assert not shelf.due
    assert all(len(pipe.got) <= 1 for pipe in pipes)
