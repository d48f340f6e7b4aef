"""Entities that people take out by hand and no scanner finds: pieces of one shape that edits remove."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handrail.guard.opening import scanner_of
from handrail.policy import Policy
from handrail.review.changes.patched_lists import entity_added
from handrail.review.changes.patches import NotPatchable
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.figures.measure import share
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.review_log import ReviewLog
from handrail.review.proposals.masking import Masking, category_of, masking_of
from handrail.review.proposals.text_search import JudgedText, Suspect, proved, weeks_of, without_text
from handrail.review.proposals.words import said
from handrail.scan import Scanner, redact
from handrail.scan.catalogue import shipped
from handrail.text.normalise import normalise

KIND = "entity"
SCORE, HALF = 0.9, 0.5
FEWEST_DIGITS, FEWEST_LETTERS = 4, 2
_PIECE = re.compile(
    r"(?<!\w)(?:[^\W\d_]{2,8}[-/._:#]?|[A-Z]{2,8} )\d+"
    r"(?:[-/._ ]\d+|(?:[-/._ ]|(?<=\d))[A-Z]{1,4}(?![^\W\d_])\d*)*(?!\w)"
)
"""Each repetition begins with a mark, or with a letter behind a digit: a text can be read in one way only."""
_PARTS = re.compile(r"[^\W\d_]+|\d+|[\W_]")
_ORDINARY = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    *("Januar", "Februar", "März", "Mai", "Juni", "Juli", "Oktober", "Dezember", "Mrz", "Okt", "Dez"),
    *(
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "JPY",
        "CAD",
        "AUD",
        "INR",
        "ISO",
        "DIN",
        "RFC",
        "HTTP",
        "UTC",
        "GMT",
        "CEST",
    ),
    *(
        "No",
        "Nr",
        "no",
        "nr",
        "NO",
        "NR",
        "Page",
        "page",
        "Seite",
        "Year",
        "year",
        "Jahr",
        "PO",
        "Room",
        "and",
    ),
)
"""What stands before a number in ordinary text: an entity that would find it is too wide."""


@dataclass(frozen=True, slots=True, order=True)
class EntityShape:
    """The shape of a value: its parts in their order.

    A part is a text that stands as it is, a number that counts digits, or a negative one that counts capital
    letters.
    """

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        return "".join(_filled(part, "9", "A") for part in self.parts)

    @property
    def pattern(self) -> str:
        """An expression for exactly this shape, standing alone."""
        inner = "".join(
            re.escape(part).replace("\\ ", " ")
            if isinstance(part, str)
            else f"\\d{{{part}}}"
            if part > 0
            else f"[A-Z]{{{-part}}}"
            for part in self.parts
        )
        # That boundary knows ASCII letters only; the scanner asks for the others' edges itself.
        return rf"\b{inner}\b" if self.name[0].isascii() else rf"{inner}\b"

    @property
    def name(self) -> str:
        """The letters that stand first."""
        return next(part for part in self.parts if isinstance(part, str) and part.isalpha())

    def written(self, seed: int, *, fewer: int = 0) -> str:
        """Return a text of this shape that nobody wrote, its last digits short of it by `fewer`."""
        digits = "".join(str((seed + 3 * at) % 10) for at in range(30))
        last = max(at for at, part in enumerate(self.parts) if isinstance(part, int) and part > 0)
        return "".join(
            _filled(part - fewer if at == last and isinstance(part, int) else part, digits, "QWXZ")
            for at, part in enumerate(self.parts)
        )


def _filled(part: str | int, digits: str, letters: str) -> str:
    if isinstance(part, str):
        return part
    source, size = (digits, part) if part > 0 else (letters, -part)
    return (source * size)[:size]


def proposed_entities(log: ReviewLog, cases: Sequence[ReviewCase], now: PolicyInForce) -> Iterator[Proposal]:
    """Yield an entity for each shape that people remove from most texts that hold it.

    Args:
        log: the decisions.
        cases: tickets of the same weeks, their texts masked.
        now: the policy in force.
    """
    scanner = scanner_of(now.policy)
    texts = list(_judged(log, cases, scanner))
    told: set[str] = set()
    for suspect, count in sorted(proved(texts, least=HALF), key=lambda one: str(one[0].feature)):
        shape = suspect.feature
        if set(suspect.tickets) <= told:
            continue
        told |= set(suspect.tickets)
        values = {
            piece for case in cases for text in (case.proposed, case.resolved) for piece in pieces(text)
        }
        entity = _entity(shape, now.policy, values)
        name, category = str(entity["type"]), str(entity["category"])
        masking = masking_of(now.policy, name, category)
        grounds = _grounds(suspect, masking, count, weeks_of(texts))
        try:
            if _is_wide(shape) or _is_stated(shape, now.rows):
                raise NotPatchable("its shape is not narrow enough: it is found in ordinary text or in facts")
            patch = now.tried(masking.written(entity_added(now.text, entity)))
        except NotPatchable as error:
            yield now.by_hand(grounds, str(error))
            continue
        yield replace(now.change(grounds, patch), replay=_replay(shape, texts, log, cases))


def _judged(
    log: ReviewLog, cases: Sequence[ReviewCase], scanner: Scanner
) -> Iterator[JudgedText[EntityShape]]:
    places = {ticket: place for place, ticket in enumerate(log.ticket) if ticket}
    for case in cases:
        place, before = places.get(case.id), redact(case.proposed, scanner.scan(case.proposed))
        held = {shape for piece in pieces(before) for shape in shapes(piece)}
        if place is None or not held:
            continue
        after = before if case.ending is TicketEnding.APPROVED else case.resolved
        is_edited = case.ending in (TicketEnding.EDITED, TicketEnding.ANSWERED)
        if case.ending is not TicketEnding.APPROVED and not (is_edited and _is_same_text(before, after)):
            continue
        left = {shape for piece in pieces(after) for shape in shapes(piece)}
        yield JudgedText(
            ticket=case.id,
            week=int(log.week[place]),
            subject=log.customer[place],
            hits={shape: shape not in left for shape in held},
        )


def _is_same_text(before: str, after: str) -> bool:
    """Tell whether a text was changed and not written anew: half of its words are still there."""
    was, now = (set(re.findall(r"[^\W\d_]{3,}", text)) for text in (before, after))
    return bool(was) and 2 * len(was & now) >= len(was)


def pieces(text: str) -> Iterator[str]:
    """Yield the values of a text that consist of letters and at least four digits; pure."""
    for match in _PIECE.finditer(normalise(text).text):
        if sum(map(str.isdigit, match[0])) >= FEWEST_DIGITS:
            yield match[0]


def shapes(piece: str) -> Iterator[EntityShape]:
    """Yield the shapes of a value: with its letters, and with any capital letters behind the first; pure."""
    parts = _PARTS.findall(piece)
    exact = tuple(len(part) if part.isdigit() else part for part in parts)
    yield EntityShape(exact)
    open_ = tuple(
        -len(part)
        if isinstance(part, str) and part.isalpha() and part.isascii() and part.isupper() and at
        else part
        for at, part in enumerate(exact)
    )
    if open_ != exact:
        yield EntityShape(open_)


def _is_wide(shape: EntityShape) -> bool:
    """Tell whether a shape is found in ordinary text."""
    expression = re.compile(shape.pattern)
    size = next(part for part in shape.parts if isinstance(part, int) and part > 0)
    numbers = (shape.written(1)[len(shape.name) :], f" {'2026' if size == 4 else '1' * size}", "1" * size)
    is_ordinary = any(expression.search(f"{word}{number}") for word in _ORDINARY for number in numbers)
    return is_ordinary or len(shape.name) < FEWEST_LETTERS


def _is_stated(shape: EntityShape, rows: Sequence[object]) -> bool:
    """Tell whether past decisions rest on a fact of this shape, as on an order's number."""
    expression = re.compile(shape.pattern)
    for row in rows:
        facts = row.get("facts") if isinstance(row, Mapping) else None
        for fact in (facts or {}).values():
            value = fact.get("value") if isinstance(fact, Mapping) else fact
            if isinstance(value, str) and expression.search(value):
                return True
    return False


def _entity(
    shape: EntityShape, policy: Policy, values: set[str]
) -> Mapping[str, str | float | Sequence[str]]:
    """Return the entity of a shape; its texts are made from the shape and are nobody's."""
    free = [text for seed in range(10) if (text := shape.written(seed)) not in values]
    return {
        "type": _type_of(shape, policy),
        "category": category_of(_type_of(shape, policy), policy),
        "patterns": [shape.pattern],
        "score": SCORE,
        "match": free[:2],
        "not_match": [shape.written(1, fewer=1), f"Q{shape.written(2)}"],
    }


def _type_of(shape: EntityShape, policy: Policy) -> str:
    letters = re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", shape.name).lower()) or "own"
    known = {spec.type for spec in shipped()} | {str(one.get("type")) for one in policy.scan["entities"]}
    names = (f"{letters}_number{number or ''}" for number in range(len(known) + 1))
    return next(name for name in names if name not in known)


def _grounds(suspect: Suspect[EntityShape], masking: Masking, count: int, weeks: int) -> Grounds:
    found = share(len(suspect.tickets), count)
    low, high = (bound * count / weeks for bound in (found.low, found.high))
    effect = f"{masking}."
    if masking.is_masked:
        effect += (
            f" {low:.1f} to {high:.1f} edits a week would not have to be made. How many answers that go out "
            "now hold one is not known: their texts are not kept."
        )
    return Grounds(
        kind=KIND,
        title=f"Find {suspect.feature} (9: any digit, A: any capital letter) as {masking.category}",
        why=(
            f"People took it out of {found} texts that held one, and no scanner had found it. "
            f"{suspect.bet.hits} of {suspect.bet.cases} came in weeks after it was first suspected."
        ),
        effect=effect,
        tickets=tuple(suspect.tickets),
    )


def _replay(
    shape: EntityShape, texts: Sequence[JudgedText[EntityShape]], log: ReviewLog, cases: Sequence[ReviewCase]
) -> str:
    held = sum(shape in text.hits for text in texts)
    looked = [case for case in cases if case.proposed]
    written = [text for case in cases if (text := said(case))]
    by_customers = sum(_holds(shape, text) for text in written)
    return (
        f"It is found in {held} of {len(looked)} past texts{without_text(log, looked)}. Customers wrote one "
        f"in {by_customers} of {len(written)} past messages, and none of them is handed off for it."
    )


def _holds(shape: EntityShape, text: str) -> bool:
    return any(shape in shapes(piece) for piece in pieces(text))
