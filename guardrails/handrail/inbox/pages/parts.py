"""Several calls of one turn on one page: each is decided by itself, in one decision with one preview."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import CheckFailed
from handrail.inbox.telling import Telling, spoken
from handrail.service import PartProposal, Preview, Proposal, TicketScreen
from handrail.service.form import changes_of
from handrail.service.screen import Field, PartScreen
from handrail.tickets.ticket import Verdict

CHOSEN = "parts"
"""What the button says that sends what was chosen for each part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument as its row shows it: as it stands, and `now` as the person has written it."""

    field: Field
    now: str

    @property
    def is_changed(self) -> bool:
        """True when it was written anew."""
        return self.now != self.field.text


@dataclass(frozen=True, slots=True, kw_only=True)
class PartForm:
    """One part as its form shows it; `given` is what the person has filled in, by field name."""

    part: PartScreen
    number: int
    arguments: Sequence[Argument]
    given: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What its fields' names begin with."""
        return f"part.{self.part.part}."

    def said(self, name: str, otherwise: str = "") -> str:
        """Return what stands in one of its fields."""
        return self.given.get(f"{self.prefix}{name}", otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """One call in a preview: what runs, argument by argument, or why it does not."""

    tool: str
    arguments: Sequence[tuple[str, str, str | None]]
    why: str = ""


def forms(screen: TicketScreen, given: Mapping[str, str]) -> list[PartForm]:
    """Return a form for each part that can be decided; none where the ticket is decided as a whole; pure."""
    if not screen.divides:
        return []
    return [
        PartForm(
            part=part,
            number=number,
            arguments=arguments(part.fields, given, f"part.{part.part}.arg."),
            given=given,
        )
        for number, part in enumerate(screen.parts, start=1)
    ]


def arguments(fields: Sequence[Field], given: Mapping[str, str], prefix: str = "arg.") -> list[Argument]:
    """Return the arguments of a call with what a person has written for them; pure."""
    return [Argument(field=field, now=given.get(f"{prefix}{field.name}", field.text)) for field in fields]


def proposed_parts(screen: TicketScreen, form: Mapping[str, str], common: Proposal) -> Proposal:
    """Return what a form proposes for each part; approving what was edited is an edit.

    Args:
        screen: the ticket as it was shown.
        form: what was filled in.
        common: what is said of all of them.

    Raises:
        CheckFailed: a part is not decided, or an argument cannot be read.
    """
    return Proposal.of_parts(
        [_proposed(one) for one in forms(screen, form)],
        message_to_user=common.message_to_user,
        note=common.note,
        version=common.version,
        previewed=common.previewed,
        idempotency_key=common.idempotency_key,
        readback=common.readback,
        opened_at=common.opened_at,
    )


def _proposed(one: PartForm) -> PartProposal:
    part, given = one.part, one.said("verdict")
    if given not in (Verdict.APPROVE, Verdict.REJECT):
        raise CheckFailed("decide", why=f"say what becomes of action {one.number}")
    said = PartProposal(part=part.part, verdict=Verdict(given), digest=one.said("digest", part.digest))
    if said.verdict is Verdict.REJECT:
        return PartProposal(
            part=said.part,
            verdict=said.verdict,
            digest=said.digest,
            reason_code=one.said("reason_code"),
            message_to_agent=_plain(one.said("message_to_agent")),
        )
    words = _plain(one.said("answer", part.text))
    if not part.tool:
        if words == part.text.strip():
            return said
        return PartProposal(part=said.part, verdict=Verdict.EDIT, digest=said.digest, answer=words)
    changes = changes_of(part.fields, {field.field.name: field.now for field in one.arguments})
    if not changes:
        return said
    return PartProposal(part=said.part, verdict=Verdict.EDIT, digest=said.digest, changes=changes)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def calls(
    screen: TicketScreen, proposal: Proposal, found: Preview, telling: Telling
) -> tuple[list[ShownCall], list[ShownCall]]:
    """Return the calls that will run and those that will not, in the order in which they were proposed."""
    by_part = {part.part: part for part in screen.parts}
    fields = {name: part.fields for name, part in by_part.items()}
    reasons = {one.part: one.reason_code for one in proposal.parts}
    first = "" if not screen.parts else screen.parts[0].part
    runs = [(first, screen.action, found.runs, proposal.reason_code)] if screen.action else []
    runs += [(one.part, one.tool, one.runs, reasons.get(one.part, "")) for one in found.parts]
    will, will_not = [], []
    for name, tool, text, reason in runs:
        if text:
            given = named(fields.get(name, screen.fields), text.partition(" ")[2])
            will.append(ShownCall(tool=tool, arguments=given))
        elif screen.parts:
            will_not.append(ShownCall(tool=tool, arguments=(), why=reason_words(reason, telling)))
    return will, will_not


def reason_words(code: str, telling: Telling) -> str:
    """Return a reason as people read it; empty where none was given."""
    key = f"reasons.{code}"
    return telling.t(key) if telling.t.has(key) else spoken(code)


def named(fields: Sequence[Field], arguments: str) -> list[tuple[str, str, str | None]]:
    """Return the arguments that will run: name, text, and what stood there before if it is another; pure."""
    try:
        now = json.loads(arguments)
    except ValueError:
        return [("", arguments, None)]
    if not isinstance(now, dict):
        return [("", arguments, None)]
    before = {field.name: field.text for field in fields if field.is_given}
    rows: list[tuple[str, str, str | None]] = []
    for name, value in now.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        was = before.get(name)
        rows.append((name, text, None if was == text else (was or "")))
    return rows
