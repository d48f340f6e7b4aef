r"""JSON inside a text, read as whoever parses it reads it: scanned decoded, masked leaf by leaf.

In the raw text an escape touches what it stands beside: `Write to\nann@example.org` seems to hold
`nann@example.org`, and a mask over that leaves a lone backslash. So the strings, keys and numbers of every
JSON object or list in a text are scanned decoded and side by side, as the leaves of any value are; what is
found is traced back to the raw text, and a mask is written so that the text stays JSON of the same layout.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from handrail.pipeline.pieces import Hide
from handrail.records import Evidence, Finding, Span
from handrail.text.documents import BETWEEN, behind, named
from handrail.text.json_data import JsonSegment, JsonToken, json_segments, with_tokens
from handrail.text.runs import readings, runs
from handrail.text.values import Json, Leaf, LeafKind
from handrail.tickets.masking import Mask

DEEPEST = 16
"""How deep JSON in strings of JSON is followed; what lies deeper is read as it is written."""

_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.", re.DOTALL)


class Scans(Protocol):
    """Whatever finds sensitive data in a text."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return what was found, with spans in the text."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the decoded reading. `raw` is where each of its characters, and its end, is written."""

    start: int
    text: str
    raw: "range | list[int]"
    leaf: Leaf | None = None

    @property
    def is_fixed(self) -> bool:
        return self.leaf is not None and bool(self.text) and not self.leaf.holds_mask


_KINDS = {"string": LeafKind.TEXT, "key": LeafKind.KEY, "number": LeafKind.NUMBER}


def scan_decoded(scanner: Scans, text: str) -> tuple[Finding, ...]:
    """Return what is found in a text in which JSON is read decoded; spans count the raw text."""
    pieces = _pieces(text)
    if pieces is None:
        return scanner.scan(text)
    found: dict[Finding, None] = {}
    for finding in scanner.scan("".join(piece.text for piece in pieces)):
        for piece in pieces:
            first = max(finding.start - piece.start, 0)
            last = min(finding.end - piece.start, len(piece.text))
            if piece.raw and first < last:
                found[replace(finding, start=piece.raw[first], end=piece.raw[last])] = None
    return tuple(sorted(found, key=lambda one: (one.start, one.end, one.type)))


def scan_leaves(scanner: Scans, text: str) -> tuple[Finding, ...]:
    """Return what is found in a text as `scan_decoded` reads it, and in each leaf of its JSON by itself.

    Some values, such as a phone number without its country, are known only where they are all of a text.
    """
    found = dict.fromkeys(scan_decoded(scanner, text))
    for piece in _pieces(text) or ():
        if piece.leaf is None or not piece.raw:
            continue
        for one in scanner.scan(piece.text):
            found[replace(one, start=piece.raw[one.start], end=piece.raw[one.end])] = None
    return tuple(sorted(found, key=lambda one: (one.start, one.end, one.type)))


def with_made_calls(evidence: Evidence, scanner: Scans) -> Evidence:
    """Return evidence with what stands in the arguments of the calls that were made.

    Nothing is decided on them, so they are read only where people are to see them.
    """
    made = [call for message in evidence.messages for call in message.tool_calls]
    texts = dict.fromkeys(call.arguments for call in (*made, *filter(None, (evidence.done,))))
    told = [
        (replace(one, place=None), text[one.start : one.end])
        for text in texts
        for one in scan_decoded(scanner, text)
    ]
    return replace(evidence, told=tuple(told)) if told else evidence


def masked_words(text: str, scanner: Scans) -> str:
    """Return what somebody wrote with everything that is found in it masked, as a ticket keeps it."""
    found = scan_decoded(scanner, text)
    return Mask.of({text[one.start : one.end]: f"[{one.type}]" for one in found})(text)


def fixed_in(text: str) -> tuple[Span, ...]:
    """Return the spans of keys and numbers of JSON in a text, which cannot hold a mask."""
    return tuple((piece.raw[0], piece.raw[-1]) for piece in _pieces(text) or () if piece.is_fixed)


def hide_decoded(text: str, findings: Iterable[Finding], hide: Hide) -> str:
    """Return a text with findings hidden, JSON in it as JSON of the same layout.

    A number that must be hidden becomes a string, and a key another key: nothing is ever left unhidden here.
    """
    findings, segments = list(findings), json_segments(text)
    if not segments:
        return hide(text, findings)
    out, at = [], 0
    for segment in segments:
        out.append(_hidden_within(text, at, segment.start, findings, hide))
        inner, changes = text[segment.start : segment.end], {}
        for token in segment.tokens:
            start, end = segment.start + token.start, segment.start + token.end
            local = _local(findings, start, _offsets(text, start, end, token))
            if local:
                changes[token.start] = hide_decoded(token.text, local, hide)
        out.append(with_tokens(inner, changes) if changes else inner)
        at = segment.end
    out.append(_hidden_within(text, at, len(text), findings, hide))
    return "".join(out)


def _hidden_within(text: str, start: int, end: int, findings: Iterable[Finding], hide: Hide) -> str:
    local = _local(findings, start, range(start, end + 1))
    return hide(text[start:end], local) if local else text[start:end]


def _local(findings: Iterable[Finding], start: int, raw: "range | list[int]") -> list[Finding]:
    """Return the findings that lie over some raw characters, with spans among these."""
    found = []
    for one in findings:
        first = bisect_right(raw, max(one.start, raw[0])) - 1
        last = bisect_left(raw, min(one.end, raw[-1]))
        if first < last and one.end > start:
            found.append(replace(one, start=first, end=last))
    return found


def _pieces(text: str, depth: int = DEEPEST) -> list[_Piece] | None:
    """Return a text as it is read decoded, None if it holds no JSON."""
    segments = json_segments(text) if depth else []
    if not segments:
        return None
    pieces: list[_Piece] = []
    at = 0
    for start, end, tokens in (*segments, JsonSegment(len(text), len(text), ())):
        if start > at:
            _add(pieces, text[at:start], range(at, start + 1))
        for token in tokens:
            raw = _offsets(text, start + token.start, start + token.end, token)
            inner = _pieces(token.text, depth - 1) if token.kind == "string" else None
            if inner is None:
                leaf = Leaf((Json(start + token.start, token.place),), token.text, _KINDS[token.kind])
                _named(pieces, leaf)
                _add(pieces, token.text, raw, leaf)
            for piece in inner or ():
                _add(pieces, piece.text, [raw[offset] for offset in piece.raw], piece.leaf)
            _add(pieces, behind(token.text) if token.kind == "key" else BETWEEN, ())
        at = end
    if depth == DEEPEST:
        _add_runs(pieces)
    return pieces


def _named(pieces: list[_Piece], leaf: Leaf) -> None:
    """Say the name of a list before each of its items but the first, which stands behind it."""
    is_item = leaf.kind is not LeafKind.KEY and getattr(leaf.path[-1], "place", "").endswith("*")
    is_behind = len(pieces) > 1 and pieces[-2].leaf is not None and pieces[-2].leaf.kind is LeafKind.KEY
    if is_item and not is_behind and (name := named(leaf.path)):
        _add(pieces, f"{name}{behind(name)}", ())


def _add_runs(pieces: list[_Piece]) -> None:
    """Read once more, without what lies between them, the leaves that may be one text."""
    own = [piece for piece in pieces if piece.leaf is not None]
    for run in runs([piece.leaf for piece in own if piece.leaf is not None]):
        leaf = own[run[0]].leaf
        name = named(leaf.path) if leaf is not None and leaf.kind is not LeafKind.KEY else ""
        written = [(own[index].text, own[index].raw) for index in run]
        starts = [*itertools.accumulate((len(text) for text, _ in written), initial=0)]
        for spans in readings([(text, start) for (text, _), start in zip(written, starts, strict=False)]):
            _add(pieces, f"{BETWEEN}{name}{behind(name) if name else ''}", ())
            for start, end in spans:
                at = min(bisect_right(starts, start), len(written)) - 1
                text, raw = written[at]
                first, last = start - starts[at], end - starts[at]
                _add(pieces, text[first:last], raw[first : last + 1])


def _add(
    pieces: list[_Piece], text: str, raw: "range | list[int] | tuple[()]", leaf: Leaf | None = None
) -> None:
    start = pieces[-1].start + len(pieces[-1].text) if pieces else 0
    pieces.append(_Piece(start, text, raw or [], leaf))


def _offsets(text: str, start: int, end: int, token: JsonToken) -> "range | list[int]":
    """Return where each character of a token, and its end, is written in a text."""
    if token.kind == "number":
        return range(start, end + 1)
    if "\\" not in text[start:end]:
        return range(start + 1, end)
    return [*(match.start() for match in _CHARACTER.finditer(text, start + 1, end - 1)), end - 1]
