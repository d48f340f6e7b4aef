"""One customer's talk with the shop: what was said, who decides what is open, and what came of it."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from handrail.errors import HandrailError, NotDecided, OnHold, StoreUnavailable
from handrail.tickets.ports import ResolutionView
from handrail_adapters.demo.play import TENANT, Chat, Heard, Shop
from handrail_adapters.demo.scenario import SYSTEM

LOOK_EVERY_S: Final = 0.5
_log: Final = logging.getLogger(__name__)
_NOT_YET: Final = (StoreUnavailable, NotDecided, OnHold)
"""Why nothing can be carried out now, and perhaps can at the next look."""
_TROUBLE: Final = "Something went wrong here. Please try again, or ask for a person."
_SAID: Final = {
    "approve": "Approved.",
    "edit": "Approved with a change.",
    "reject": "We cannot do that.",
    "revise": "The assistant looks at it once more.",
    "expired": "Nobody could decide in time, so nothing was done. Please ask again.",
    "cancelled": "This request was closed; nothing was done.",
    "withdrawn": "Your request is withdrawn; nothing was done.",
}


@contextmanager
def repeated(step: Callable[[], object], every_s: float) -> Iterator[None]:
    """Take a step again and again in a thread of its own, inside the `with` block."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(every_s):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - one talk's trouble does not end everybody's
                _log.error("a look failed: %s", type(error).__name__)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class Speaker(StrEnum):
    """Who says a line."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    PERSON = "person"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a talk.

    Args:
        speaker: who says it; a notice says that a person decides.
        text: what is said.
        role: of the person who says it or is waited for.
        due: by when they decide.
        ticket: the ticket that a notice or a person's line is about.
        is_open: for a notice, nobody has decided yet.
        number: its place in the talk, from 1 on.
    """

    speaker: Speaker
    text: str
    role: str = ""
    due: datetime | None = None
    ticket: str = ""
    is_open: bool = False
    number: int = 0


@dataclass(slots=True)
class Talk:
    """A talk in an open shop; safe to use from threads.

    Args:
        shop: where it takes place.
        customer: who talks.
        conversation: its id.
    """

    shop: Shop
    customer: str = "you"
    conversation: str = field(default_factory=lambda: uuid.uuid4().hex)
    _lines: list[Line] = field(default_factory=list)
    _waiting: set[str] = field(default_factory=set)
    _chat: Chat = field(default_factory=lambda: [{"role": "system", "content": SYSTEM}])
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _changed: threading.Lock = field(default_factory=threading.Lock)
    _is_typing: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line so far."""
        with self._changed:
            return tuple(self._lines)

    @property
    def is_typing(self) -> bool:
        """True while the shop makes up its answer."""
        return self._is_typing

    @property
    def is_waiting(self) -> bool:
        """True while a person has to decide something."""
        return bool(self._waiting)

    def say(self, words: str) -> Heard:
        """Say something and hear the answer; one at a time."""
        with self._turn:
            self._add(Line(speaker=Speaker.CUSTOMER, text=words))
            self._chat.append({"role": "user", "content": words})
            return self._answer()

    def _answer(self) -> Heard:
        """Let the assistant answer what was said last."""
        self._type(is_typing=True)
        try:
            with self._context():
                heard = self.shop.assistant.reply(self._chat)
        except HandrailError:
            heard = Heard(text=_TROUBLE)
        finally:
            self._type(is_typing=False)
        self._hear(heard)
        return heard

    def _context(self) -> AbstractContextManager[object]:
        return self.shop.guard.context(tenant=TENANT, customer=self.customer, conversation=self.conversation)

    def _hear(self, heard: Heard) -> None:
        handoff = heard.handoff
        if handoff is None:
            self._add(Line(speaker=Speaker.ASSISTANT, text=heard.text))
            return
        with self._changed:
            self._waiting.add(handoff.ticket)
        self._add(
            Line(
                speaker=Speaker.NOTICE,
                text=heard.text,
                role=handoff.role,
                due=handoff.due,
                ticket=handoff.ticket,
                is_open=True,
            )
        )

    @contextmanager
    def watching(self, told: Callable[[], None]) -> Iterator[None]:
        """Look twice a second inside the `with` block, and tell when a person has answered."""

        def step() -> None:
            if self.look():
                told()

        with repeated(step, LOOK_EVERY_S):
            yield

    def look(self) -> int:
        """Fetch what people have decided meanwhile and carry it out, once; returns how many lines came."""
        with self._changed:
            waiting = sorted(self._waiting)
        came = 0
        for ticket in waiting:
            with self._turn:
                came += self._look_at(ticket)
        return came

    def _look_at(self, ticket: str) -> int:
        try:
            with self._context():
                found = self.shop.guard.resolution(ticket)
                if found is None:
                    return 0
                self._carry_out(found)
        except _NOT_YET:
            return 0
        except HandrailError as error:
            self._close(ticket)
            self._add(Line(speaker=Speaker.NOTICE, text=str(error), ticket=ticket))
            return 1
        self._close(ticket)
        self._add(Line(speaker=Speaker.PERSON, text=words_of(found), role=found.role, ticket=ticket))
        if found.instruction:
            # The conversation is the assistant's again, and the instruction stands in it.
            self._answer()
        return 1

    def _carry_out(self, found: ResolutionView) -> None:
        if not found.tool or found.verdict not in ("approve", "edit"):
            return
        with (
            self.shop.guard.authorised(found.ticket) as action,
            self.shop.client.keyed(action.idempotency_key),
        ):
            action.run()

    def _type(self, *, is_typing: bool) -> None:
        with self._changed:
            self._is_typing = is_typing

    def _close(self, ticket: str) -> None:
        with self._changed:
            self._waiting.discard(ticket)
            self._lines = [
                replace(line, is_open=False) if line.ticket == ticket else line for line in self._lines
            ]

    def _add(self, line: Line) -> None:
        with self._changed:
            self._lines.append(replace(line, number=len(self._lines) + 1))


def who_says(line: Line, zone: str) -> str:
    """Return who says a line, or for a notice who decides and until when, in a time zone; pure."""
    role = line.role.replace("_", " ")
    match line.speaker:
        case Speaker.CUSTOMER:
            return "You"
        case Speaker.ASSISTANT:
            return "Assistant"
        case Speaker.PERSON:
            return f"A person answers: {role}"
        case Speaker.NOTICE if line.is_open:
            until = f", until {line.due.astimezone(ZoneInfo(zone)):%H:%M %Z}" if line.due else ""
            return f"With a person: {role}{until}"
        case Speaker.NOTICE:
            return f"Decided: {role}" if role else "Closed"


def words_of(found: ResolutionView) -> str:
    """Return what the customer reads of a person's decision; pure."""
    said = (found.answer or "", found.message_to_user or "")
    told = " ".join(part for part in said if part)
    return told or _SAID.get(found.verdict, "A person has decided.")
