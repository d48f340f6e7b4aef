"""How a page tells of tickets: times, names, texts with masks and evidence, in one language."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from markupsafe import Markup, escape

from handrail.inbox.words import Words
from handrail.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule, Rule
from handrail.records import Trigger
from handrail.service import ListRow, TicketScreen
from handrail.service.screen import CitedRule, PastTicket, TranscriptLine
from handrail.text.references import ALPHABET, PREFIX
from handrail.tickets.lifecycle import UNDECIDED, State
from handrail.tickets.resolution import TicketEvent

OPEN_STATES: Final = frozenset(state.value for state in UNDECIDED)
_GOOD = frozenset({State.APPLIED, State.ANSWERED, State.DECIDED, State.APPLYING})
_BAD = frozenset({State.REJECTED, State.FAILED, State.EXPIRED, State.OUTCOME_UNKNOWN})
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LABEL = re.compile(r"\[([a-z][a-z0-9_]{1,40})\]")
"""How a masked value is written."""
_REFERENCE = re.compile(rf"\b{PREFIX}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{2}}\b")
_SOON = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_NEAR = timedelta(hours=12)
"""A time within half a day needs no date: no other time is called the same."""
_VIEWS = frozenset({"view", "unmask"})
_UNITS = ((90, "seconds", 1), (5400, "minutes", 60), (172_800, "hours", 3600), (None, "days", 86_400))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One line of a ticket's history as it is told; `is_view` for those that only looked."""

    at: datetime
    text: str
    is_view: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Tells in the words of one language, in the time zone of the policy.

    Args:
        t: the catalogue.
        zone: in which times are told.
        now: the time.
        names: what people are called, by id.
        policy: the policy in force.
    """

    t: Words
    zone: tzinfo
    now: datetime
    names: Mapping[str, str]
    policy: Policy

    def name_of(self, person: str) -> str:
        """Return what a person is called."""
        return self.names.get(person) or person

    def initials(self, person: str) -> str:
        """Return one or two letters for a person."""
        parts = [part for part in self.name_of(person).replace(".", " ").split() if part[:1].isalnum()]
        return "".join(part[0] for part in parts[:2]).upper() if len(parts) > 1 else person[:2].upper()

    def clock(self, moment: datetime, *, zone: bool = True) -> str:
        """Return a moment: the time of today or of one that is near, date and time of any other."""
        local = moment.astimezone(self.zone)
        time = f"{local:%H:%M}{f' {local:%Z}' if zone else ''}"
        if local.date() == self.now.astimezone(self.zone).date() or abs(moment - self.now) < _NEAR:
            return time
        return f"{self.t('date.short', day=local.day, month=self.t(f'date.month.{local.month}'))} {time}"

    def span(self, seconds: float) -> str:
        """Return a length of time in one unit: `24 min`."""
        length = abs(seconds)
        name, unit = next((name, unit) for most, name, unit in _UNITS if most is None or length < most)
        return self.t(f"due.{name}", count=round(length / unit))

    def duration(self, minutes: float) -> str:
        """Return minutes in the unit that suits them."""
        return self.span(minutes * 60)

    def left(self, moment: datetime, now: datetime) -> str:
        """Return how long it is until a moment, or by how much it has passed."""
        seconds = (moment - now).total_seconds()
        return self.t("due.late" if seconds < 0 else "due.in", time=self.span(seconds))

    def urgency(self, moment: datetime, now: datetime) -> str:
        """Return the class by which a time is drawn: late, soon or neither."""
        return {"late": "is-late", "soon": "is-soon"}.get(due_group(moment, now), "")

    def percent(self, share: float) -> str:
        """Return a share as a whole percentage; 1 and 0 only where they are meant."""
        rounded = round(share * 100)
        if rounded in (0, 100) and 0 < share < 1:
            return "< 1 %" if rounded == 0 else "> 99 %"
        return f"{rounded} %"

    def title(self, headline: str, tool: str) -> str:
        """Return a ticket's headline with its tool in words: `Issue refund: amount 640`."""
        if not tool:
            return self.t("ticket.quoted", text=headline) if headline else self.t("ticket.erased")
        rest = _arguments_in_short(headline.removeprefix(tool).strip())
        return f"{_capital(spoken(tool))}: {rest}" if rest else _capital(spoken(tool))

    def sentence(self, screen: TicketScreen) -> str:
        """Return in one breath why a ticket was stopped, who decides, by when, and what happens otherwise."""
        view, why = screen.view, self.why(screen).rstrip(".")
        if screen.ticket is None or view.state.value not in OPEN_STATES:
            return f"{why}." if why else ""
        said = {"why": f"{why}." if why else "", "role": _capital(spoken(view.role))}
        if view.decide_by is None:
            return self.t("ticket.sentence_no_due", **said)
        otherwise = self.t(f"expiry.{screen.ticket.on_expiry.value}")
        return self.t("ticket.sentence", **said, time=self.clock(view.decide_by), otherwise=otherwise)

    def why(self, screen: TicketScreen) -> str:
        """Return in one sentence why a ticket was stopped."""
        if sum(rule.is_conflict for rule in screen.rules) > 1:
            return self.t("conflict.sentence")
        return screen.why or (self.t.of("trigger", screen.ticket.trigger) if screen.ticket else "")

    def row_title(self, row: ListRow) -> Markup:
        """Return what a list says of a ticket, the labels of masked values drawn as such."""
        text = self.title(row.headline, row.tool)
        return _with_masks(text, [found[0] for found in _LABEL.finditer(text)])

    def row_why(self, row: ListRow) -> str:
        """Return why a list says that a ticket was stopped."""
        if row.trigger == Trigger.POLICY_CONFLICT:
            return self.t("conflict.sentence")
        return self.because(row.rule) or self.t.of("trigger", row.trigger)

    def because(self, rule: str) -> str:
        """Return why a rule of the policy in force stops; empty for a rule that it does not have."""
        found = next((one for one in rules_of(self.policy) if one.id == rule), None)
        return (found.because or found.source) if found is not None else ""

    def place(self, rule: CitedRule) -> str:
        """Return where a rule stands."""
        if not rule.line:
            return self.t("why.place_unknown", policy=rule.policy)
        return self.t("why.place", policy=rule.policy, line=rule.line)

    def shown(self, text: str, masks: Iterable[str]) -> Markup:
        """Return a text as it is shown, the labels of masked values drawn as such."""
        return _with_masks(text, tuple(masks))

    def told(self, text: str) -> Markup:
        """Return what a customer was told, its reference never broken across lines."""
        shown = _REFERENCE.sub(lambda found: f'<span class="nowrap">{found[0]}</span>', str(escape(text)))
        # What was put around the reference is ours; the rest is escaped.
        return Markup(shown)  # noqa: S704

    def marked(self, line: TranscriptLine, masks: Sequence[str]) -> Markup:
        """Return a message with its evidence marked and named."""
        parts, at = [], 0
        for mark in line.marks:
            parts.append(_with_masks(line.text[at : mark.start], masks))
            inside = _with_masks(line.text[mark.start : mark.end], masks)
            parts.append(Markup("<mark>{}<sup>{}</sup></mark>").format(inside, spoken(mark.kind)))
            at = mark.end
        parts.append(_with_masks(line.text[at:], masks))
        text = Markup("").join(parts)
        is_code = line.speaker == "tool" or line.text.startswith("→ ")
        return Markup("<code>{}</code>").format(text) if is_code else text

    def ended(self, one: PastTicket) -> str:
        """Return how a past ticket ended."""
        key = f"verdict.{one.verdict or one.state.value}"
        return self.t(key if self.t.has(key) else "verdict.none")

    def in_short(self, past: Sequence[PastTicket]) -> str:
        """Return how often similar tickets ended in which way."""
        ends = [self.ended(one) for one in past]
        parts = ", ".join(f"{ends.count(end)} {end}" for end in dict.fromkeys(ends))
        return self.t("similar.short", count=len(past), parts=parts)

    def history(self, screen: TicketScreen) -> list[Logged]:
        """Return a ticket's history in words; of repeated looks by one person only the last is told."""
        told: list[Logged] = []
        for event in screen.history:
            one = self._logged(event)
            if one.is_view and told and told[-1].is_view and told[-1].text == one.text:
                told.pop()
            told.append(one)
        return told

    def _logged(self, event: TicketEvent) -> Logged:
        kind = event.kind.removeprefix("ticket.").removeprefix("ledger.")
        if kind == "approve" and event.data.get("edited"):
            kind = "edit"
        fields = event.data.get("fields")
        values = {
            "actor": self.name_of(event.actor) if event.actor else self.t("history.itself"),
            "role": spoken(event.role),
            "fields": ", ".join(map(str, fields)) if isinstance(fields, list | tuple) else "",
            "kind": kind,
            "verdict": self.t.of("verdict", str(event.data.get("verdict", "none")))
            if kind == "resolve"
            else "",
        }
        return Logged(at=event.at, text=self.t.of("event", kind, **values), is_view=kind in _VIEWS)

    def names_for_pages(self) -> dict[str, object]:
        """Return what templates call these by."""
        return {
            "t": self.t,
            "lang": self.t.language,
            "name_of": self.name_of,
            "initials": self.initials,
            "clock": self.clock,
            "left": self.left,
            "duration": self.duration,
            "urgency": self.urgency,
            "percent": self.percent,
            "told": self.told,
            "row_title": self.row_title,
            "row_why": self.row_why,
            "place": self.place,
            "shown": self.shown,
            "marked": self.marked,
            "ended": self.ended,
            "said": self.t.of,
            "tone": tone,
            "answer": lambda name: (
                self.t(f"answers.{name}") if self.t.has(f"answers.{name}") else spoken(name)
            ),
            "reason": lambda code: (
                self.t(f"reasons.{code}") if self.t.has(f"reasons.{code}") else spoken(code)
            ),
            "note": lambda name: self.t(f"note.{name}") if self.t.has(f"note.{name}") else name,
            "unmask_name": lambda name: self.t(f"unmask.field.{name}"),
            "speaker": lambda name: self.t.of("talk.speaker", name),
            "method": lambda name: self.t.of("method", name, method=name),
            "open_states": OPEN_STATES,
        }


def rules_of(policy: Policy) -> Iterator[Rule | BusinessRule]:
    """Yield the rules of a policy, those of its business decisions among them; pure."""
    for unit in policy.units:
        if isinstance(unit, BusinessDecision):
            yield from unit.rules
        elif isinstance(unit, Rule):
            yield unit


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def spoken(name: str) -> str:
    """Return a name of the policy or of a tool as people say it: `finance_lead` is `finance lead`; pure."""
    return name.replace("_", " ").replace("-", " ").strip()


def _arguments_in_short(text: str) -> str:
    """Return `amount 640, currency USD, order_id 1160` as `640 USD, order 1160`; else as it is; pure."""
    parts = [part.split(" ") for part in text.split(", ")]
    if not all(len(part) == 2 and part[0].isidentifier() for part in parts):
        return text
    numbers = [part for part in parts if _NUMBER.fullmatch(part[1]) and not part[0].endswith("id")]
    currency = next((part for part in parts if part[0] == "currency"), None)
    if currency is not None and len(numbers) == 1:
        rest = [part for part in parts if part not in (numbers[0], currency)]
        return ", ".join([f"{numbers[0][1]} {currency[1]}", *(_named(name, value) for name, value in rest)])
    return ", ".join(_named(name, value) for name, value in parts)


def _named(name: str, value: str) -> str:
    return f"{spoken(name.removesuffix('_id') or name)} {value}"


def tone(state: State) -> str:
    """Return how a state is drawn; pure."""
    return "good" if state in _GOOD else "bad" if state in _BAD else ""


def looking(history: Sequence[TicketEvent], me: str, now: datetime) -> dict[str, datetime]:
    """Return who else looked at a ticket a moment ago, and when they did last; pure."""
    events = [one for one in history if one.kind.removeprefix("ticket.") in _VIEWS and one.actor]
    return {one.actor: one.at for one in events if one.actor != me and now - one.at < _SOON}


def due_group(moment: datetime | None, now: datetime) -> str:
    """Return in which part of a list a ticket stands by its due time; pure."""
    if moment is None:
        return "no_due"
    left = moment - now
    if left < timedelta(0):
        return "late"
    return "soon" if left < _SOON else "hour" if left < _HOUR else "later"


def _with_masks(text: str, masks: Sequence[str]) -> Markup:
    shown = str(escape(text))
    for label in masks:
        drawn = str(Markup('<span class="masked">{}</span>').format(spoken(label.strip("[]"))))
        shown = shown.replace(str(escape(label)), drawn)
    # The text is escaped as a whole, and what replaces a label is escaped by itself.
    return Markup(shown)  # noqa: S704
