"""Delivers what the outbox holds, at least once and each channel for itself; keeps dead letters."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random

from handrail.desk.channels import Channel, DeliveryError
from handrail.desk.notice import Notice, link_to, link_to_review
from handrail.records import Severity
from handrail.store.outbox import OutboxMessage
from handrail.store.reviews import REVIEW

# The schedule that Standard Webhooks recommends; with the first try this spans about three days.
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
GIVE_UP_AFTER: Final = timedelta(days=3)
QUICK_TRIES: Final = 3
BATCH: Final = 50
LEASE: Final = timedelta(minutes=5)
SEVERITIES: Final = tuple(Severity)
LONGEST_NOTE: Final = 64
_ALL: Final = "*"


class Outbox(Protocol):
    """What delivery needs of the store; every method is one transaction."""

    def take_messages(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxMessage]:
        """Take messages that are due, so that no other desk takes them before the lease is over."""

    def delivered(self, ids: Sequence[str]) -> None:
        """Close messages that every channel has."""

    def undelivered(self, message: str, *, again_at: datetime | None, error: str) -> None:
        """Put a message back for a later try, or among the dead letters if `again_at` is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRound:
    """What one round of delivery did."""

    delivered: int = 0
    postponed: int = 0
    died: int = 0

    @property
    def count(self) -> int:
        """All messages that were taken."""
        return self.delivered + self.postponed + self.died


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Takes messages from the outbox and gives each to the channels that want it.

    Args:
        outbox: where the messages lie.
        channels: ways to tell people.
        link: address of a ticket, with `{ticket}` and `{tenant}`.
        review_link: address of a week's review, with `{week}` and `{tenant}`.
        now: the present moment.
        sleep: waits some seconds between quick tries; ends early when the desk stops.
        backup_of: the role a ticket goes to next; it is warned too.
        chance: a number in 0..1, spreads retries so that they do not all come at once.
    """

    outbox: Outbox
    channels: tuple[Channel, ...]
    link: str = ""
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    backup_of: Callable[[str], str | None] = lambda _: None
    chance: Callable[[], float] = field(default=random.random)
    review_link: str = ""

    def round(self, *, should_stop: Callable[[], bool] = lambda: False, limit: int = BATCH) -> DeliveryRound:
        """Deliver what is due now, at most `limit` messages.

        Letters that a stop, or a slow receiver, leaves untouched come back when their lease is over.

        Raises:
            StoreUnavailable: the outbox is out of reach; nothing is lost.
        """
        counts = {"delivered": 0, "postponed": 0, "died": 0}
        taken_at, down, silent = self.now(), dict[str, DeliveryError](), list[str]()
        for message in self.outbox.take_messages(taken_at, limit=limit, lease=LEASE):
            # Beyond this another desk might take the same messages while they are on their way.
            if should_stop() or self.now() - taken_at > LEASE / 2:
                break
            if self._missing(message, self.notice_of(message)):
                counts[self._deliver(message, down, should_stop)] += 1
            else:
                silent.append(message.id)
        if silent:
            self.outbox.delivered(silent)
        return DeliveryRound(**counts | {"delivered": counts["delivered"] + len(silent)})

    def settle_untaken(self, before: datetime, *, limit: int = BATCH) -> int:
        """Settle what has been due since a moment long ago and no desk took; returns how many notices.

        What a channel missed is put among the dead letters; the rest is closed.

        Raises:
            StoreUnavailable: the outbox is out of reach; nothing is lost.
        """
        count = 0
        while messages := self.outbox.take_messages(before, limit=limit, lease=LEASE):
            for message in messages:
                if message.error:
                    self.outbox.undelivered(message.id, again_at=None, error=message.error)
            if untold := [message.id for message in messages if not message.error]:
                self.outbox.delivered(untold)
            count += len(messages)
        return count

    def _deliver(
        self, message: OutboxMessage, down: dict[str, DeliveryError], should_stop: Callable[[], bool]
    ) -> str:
        notice = self.notice_of(message)
        failures: list[DeliveryError] = []
        for channel in self._missing(message, notice):
            # A receiver that cannot be reached at all is not waited for again in the same round.
            error = down.get(channel.name) or self._try(channel, notice, should_stop)
            if error is not None:
                failures.append(error)
                if error.is_down:
                    down[channel.name] = error
        if not failures:
            self.outbox.delivered([message.id])
            return "delivered"
        is_final = all(failure.is_final for failure in failures)
        again_at = None if is_final else next_try(message, self.now(), self.chance())
        self.outbox.undelivered(message.id, again_at=again_at, error=note_of(failures))
        return "died" if again_at is None else "postponed"

    def _missing(self, message: OutboxMessage, notice: Notice) -> list[Channel]:
        failed = failed_before(message.error)
        return [
            channel
            for channel in self.channels
            if channel.wants(notice) and (failed is None or channel.name in failed)
        ]

    def _try(self, channel: Channel, notice: Notice, should_stop: Callable[[], bool]) -> DeliveryError | None:
        def is_enough(state: RetryCallState) -> bool:
            return state.attempt_number >= QUICK_TRIES or should_stop()

        try:
            for attempt in Retrying(
                retry=retry_if_exception(_is_worth_retrying),
                stop=is_enough,
                wait=wait_exponential(multiplier=0.2, max=2) + wait_random(0, 0.2),
                sleep=self.sleep,
                reraise=True,
            ):
                with attempt:
                    channel.deliver(notice, now=self.now())
        except DeliveryError as error:
            return error
        return None

    def notice_of(self, message: OutboxMessage) -> Notice:
        """Return what may be told about a message; pure."""
        return Notice(
            id=message.id,
            tenant=message.tenant,
            ticket=message.ticket,
            kind=message.kind,
            role=message.role,
            severity=SEVERITIES[message.severity],
            at=message.at,
            decide_by=message.decide_by,
            next_role=self.backup_of(message.role) if message.kind == "warn" else None,
            link=link_to_review(self.review_link, tenant=message.tenant, review=message.ticket)
            if message.kind == REVIEW
            else link_to(self.link, tenant=message.tenant, ticket=message.ticket),
        )


def _is_worth_retrying(error: BaseException) -> bool:
    return isinstance(error, DeliveryError) and not error.is_final


def next_try(message: OutboxMessage, now: datetime, chance: float) -> datetime | None:
    """Return when a message that failed is tried again, None for never; pure.

    A desk that dies after it has taken messages uses up attempts without a try. So a message is given up
    only when it is old, too, and never waits much longer than it has waited already.
    """
    age = now - message.at
    if message.attempts > len(PAUSES) and age > GIVE_UP_AFTER:
        return None
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    return now + min(pause, max(PAUSES[0], age)) * (1 + 0.2 * chance)


def note_of(failures: Sequence[DeliveryError]) -> str:
    """Write down which channels still miss a message, and why: `ops HTTP 500; chat not accepted`; pure.

    The outbox keeps 64 characters; what does not fit becomes `*`, which means all of them.
    """
    note = "; ".join(f"{failure.channel} {failure.code}" for failure in failures)
    return note if len(note) <= LONGEST_NOTE else _ALL


def failed_before(note: str) -> frozenset[str] | None:
    """Return the channels that still miss a message, None for all of them; pure."""
    if note in ("", _ALL):
        return None
    return frozenset(part.partition(" ")[0] for part in note.split("; "))
