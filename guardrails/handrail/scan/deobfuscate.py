"""Deobfuscated readings of a text: encoded, spaced or spelled-out characters are written as themselves."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import unquote

from handrail.scan.expressions import byte_options, encode
from handrail.text.normalise import Normalised, Stretches, normalise

if TYPE_CHECKING:
    import re2

DEPTH = 3
"""How many layers of encoding are taken off."""

_AT = r"(?:@|[ ]?[\[({<][ ]?(?i:at|@)[ ]?[\])}>][ ]?|[ ](?i:at)[ ])"
_DOT = r"(?:\.|[ ]?[\[({<][ ]?(?i:dot|punkt|point|\.)[ ]?[\])}>][ ]?|[ ](?i:dot)[ ])"

_BESIDE = r"[A-Za-z0-9@.+-]?"
"""What may stand beside markup that cuts a value."""

_NAMED = (
    "commat|period|lowbar|hyphen|plus|nbsp|ensp|emsp|thinsp|shy|ndash|mdash|middot|zwn?j|lrm|rlm|colon|sol"
)
"""Characters that HTML names and that stand in or between the groups of values."""

RUNS: tuple[tuple[str, str], ...] = (
    ("percent", r"(?:%[0-9A-Fa-f]{2})+"),
    ("entity", rf"&(?:#(?:[xX][0-9A-Fa-f]{{1,6}}|\d{{1,7}})|{_NAMED});"),
    (
        "tag",
        rf"{_BESIDE}(?:<(?:/?[A-Za-z][A-Za-z0-9]{{0,9}}(?:[ /][^<>]{{0,60}})?|!--[^<>]{{0,60}}--)>"
        rf"\s{{0,3}}){{1,4}}{_BESIDE}",
    ),
    ("colour", r"(?:\x1b|\\(?:033|e|x1[bB]|u001[bB]))\[[0-9;]{0,12}[A-Za-z]"),
    ("escape", r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbfv@.])"),
    (
        "mail",
        rf"\b[A-Za-z0-9._%+-]+(?:{_DOT}[A-Za-z0-9_%+-]+){{0,3}}{_AT}[A-Za-z0-9-]+(?:{_DOT}[A-Za-z0-9-]+)+",
    ),
    ("bracketed", r"[\[({<](?i:dot|\.)[\])}>]"),
    ("pointed", r"(?:\b[A-Za-z]{0,4}|[+(])\d(?:\.\d)+(?:[ )-]{1,2}(?:[A-Z]{4}[ ])?\d(?:\.\d)*)+"),
    ("spaced", r"(?:\b[A-Za-z0-9]|[+(])(?:[ .\-_*|,/][A-Za-z0-9@.+()\-]){5,}"),
    ("dotted", r"\b[A-Za-z0-9]{1,8}(?:\.[A-Za-z0-9]{1,8}){8,}\b"),
    ("hex", r"\b[0-9A-Fa-f]{2}(?:[ :]?[0-9A-Fa-f]{2}){7,}\b"),
    ("base64", r"[A-Za-z0-9+/_-]{14,}={0,2}"),
    ("mark", rf"{_BESIDE}(?:\*{{1,3}}|~~|`{{1,2}}){_BESIDE}"),
)
"""What can hide a value, as name and expression."""

CUT_WORD = (
    r"[A-Za-z0-9@.+-]{1,64}(?:(?:<[^<>]{0,62}>\s{0,3}){1,4}[A-Za-z0-9@.+-]{1,64}){1,4}"
    r"|[A-Za-z0-9@.+-]{1,64}(?:[*~`]{1,3}[A-Za-z0-9@.+-]{1,64}){1,4}"
)
"""A word that markup cuts: while it may go on, nothing of it is let go."""

TRIGGERS = (
    rf"%[0-9A-Fa-f]{{2}}|&(?:#[xX]?[0-9A-Fa-f]|(?:{_NAMED});)",
    r"\\(?:[ux][0-9A-Fa-f]{2}|[nrtbfv@])|[\d@]<(?:/?[A-Za-z]|!--)|[A-Za-z\-]>[\d@]",
    r"@[\w.-]{0,40}</?[A-Za-z]|(?:\x1b|\\033|\\e)\[",
    r"[\d@](?:\*{1,3}|~~|`{1,2})[\w@.+-]|[\w.+-](?:\*{1,3}|~~|`{1,2})[\d@]",
    r"[\[({<][ ]?(?i:at|dot|punkt|point|@|\.)[ ]?[\])}>]|[ ](?i:dot)[ ]",
    r"(?:\b[A-Za-z0-9]|[+(])(?:[ .\-_*|,/][A-Za-z0-9@.+()\-]){5}",
    r"\b[A-Za-z0-9]{1,8}(?:\.[A-Za-z0-9]{1,8}){8}|\d\.\d\.\d",
    r"[A-Za-z0-9+/_-]{2}[A-Z0-9][A-Za-z0-9+/_-]{9}|(?:[0-9A-Fa-f]{2}[ :]){8}",
)
"""Cheap signs that a stretch may hide something; part of the engine's one pass."""

_ESCAPES = frozenset({"percent", "entity", "tag", "colour", "escape"})
"""What is taken off first and alone: beside an escape may stand a key that looks encoded itself."""

_MARKUP = frozenset({"tag", "mark"})
_MARKS, _SIGNS = frozenset("<>*~`"), frozenset("@.+-")
_WHOLE_ADDRESS = re.compile(r"@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}$")
_TAG = re.compile(r"<[^<>]*>")
_INLINE = re.compile(
    r"(?i)(?:<(?:!--[^<>]*--|/?(?:a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark"
    r"|nobr|q|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr)(?:[ /][^<>]*)?)>)+"
)
"""Markup that stands within a word."""

_PARTED = frozenset({"spaced", "dotted", "pointed"})
_OBJECT_ID = re.compile(r"[0-2]\.(?:3\.6\.1|2\.840|16\.840|5\.29|5\.4|3\.132|3\.14)\.")
"""How object identifiers of standards begin (ITU-T X.660): dots are their own."""

_CONTROLS = {"@": "@", ".": ".", "n": "\n", "r": "\n", "t": "\t", "b": " ", "f": " ", "v": " "}
_RUN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_%-"
_RUN_CHARACTER = re.compile(r"[A-Za-z0-9+/=_%-]*")
_BLOCK = 4096
_SPELLED_AT = re.compile(r"(?i)[ ]?[\[({<][ ]?(?:at|@)[ ]?[\])}>][ ]?|[ ]at[ ]")
_SPELLED_DOT = re.compile(r"(?i)[ ]?[\[({<][ ]?(?:dot|punkt|point|\.)[ ]?[\])}>][ ]?|[ ]dot[ ]")


@cache
def _runs() -> "re2._Regexp":
    import re2

    union = "|".join(f"({expression})" for _, expression in RUNS)
    return re2.compile(union.encode("latin-1"), options=byte_options())


def deobfuscate(text: str) -> list[Normalised]:
    """Return the readings in which something was written out, outermost layer first.

    Each maps back to `text`. A single hidden character maps to what hid it, a decoded run to the whole run.
    Linear in the length: no reading is longer than the text by more than a constant factor.
    """
    found: list[Normalised] = []
    current = Normalised(text=text, length=len(text))
    for kinds in (_ESCAPES, *[frozenset(_WRITERS)] * DEPTH):
        inner = _written_out(current.text, kinds)
        if inner is None:
            continue
        current = _through(current, inner) if found else inner
        found.append(current)
    return found


def hidden_runs(text: str) -> list[tuple[int, int]]:
    """Return every stretch that has the form of something hidden, in order."""
    return [run.span() for run in _runs().finditer(encode(text))]


def run_edge(text: str, offset: int, *, step: int) -> int:
    """Return where the encoded run that holds `offset` begins (`step` -1) or ends (`step` 1)."""
    if step > 0:
        match = _RUN_CHARACTER.match(text, offset)
        return match.end() if match else offset
    while offset:
        block = text[max(0, offset - _BLOCK) : offset]
        kept = len(block.rstrip(_RUN_CHARACTERS))
        offset -= len(block) - kept
        if kept:
            break
    return offset


def _written_out(text: str, kinds: frozenset[str]) -> Normalised | None:
    stretches = Stretches()
    at = 0
    changed = False
    for run in _runs().finditer(encode(text)):
        start, end = run.span()
        kind = RUNS[run.lastindex - 1][0]
        if kind not in kinds or (kind in _PARTED and _OBJECT_ID.match(text, start)):
            continue
        if kind in _MARKUP and not _cuts(text, start, end):
            continue
        stretches.copy(text[at:start], at)
        if kind == "spaced" and end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            # The last character begins a word of its own: "4 6 7 thanks".
            end -= 2
        if _WRITERS[kind](text[start:end], start, stretches):
            changed = True
        else:
            stretches.copy(text[start:end], start)
        at = end
    if not changed:
        return None
    stretches.copy(text[at:], at)
    return stretches.build(len(text))


def _through(outer: Normalised, inner: Normalised) -> Normalised:
    """Compose two maps: `inner` was made from the text of `outer`."""
    starts, origins, folds = [], [], []
    ends = [*inner.starts[1:], len(inner.text)]
    for start, end, origin, fold in zip(inner.starts, ends, inner.origins, inner.folds, strict=True):
        if fold:
            low, high = outer.raw_span(origin, origin + fold)
            starts.append(start)
            origins.append(low)
            folds.append(high - low)
            continue
        for offset in range(start, end):
            low, high = outer.raw_span(origin + offset - start, origin + offset - start + 1)
            starts.append(offset)
            origins.append(low)
            folds.append(high - low)
    return Normalised(
        text=inner.text, length=outer.length, starts=tuple(starts), origins=tuple(origins), folds=tuple(folds)
    )


def _percent(run: str, at: int, into: Stretches) -> bool:
    return _fold(unquote(run, errors="replace"), run, at, into)


def _numbered(run: str, at: int, into: Stretches) -> bool:
    if run.startswith("&") and run[1] != "#":
        return _fold(unescape(run), run, at, into)
    if run.startswith("&"):
        digits = run[2:-1]
        code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    elif run[1] in _CONTROLS:
        return _fold(_CONTROLS[run[1]], run, at, into)
    else:
        code = int(run[2:], 16)
    return code < 0x110000 and _fold(chr(code), run, at, into)


def _cuts(text: str, start: int, end: int) -> bool:
    """True if markup may stand within a value: beside a digit or sign, or in an address not yet whole."""
    start += text[start] not in _MARKS
    end -= text[end - 1] not in _MARKS and not text[end - 1].isspace()
    before, behind = text[max(0, start - 3) : start].rstrip()[-1:], text[end : end + 3].lstrip()[:1]
    if not before or not behind:
        return False
    if not (before.isalpha() and behind.isalpha()):
        return (before.isalnum() or before in _SIGNS) and (behind.isalnum() or behind in _SIGNS)
    head = (text[max(0, start - 64) : start].split() or [""])[-1]
    return "@" in head and _WHOLE_ADDRESS.search(head) is None


def _tag(run: str, at: int, into: Stretches) -> bool:
    """Leave out markup that shows nothing, and write what parts blocks as a blank."""
    low, high = run.index("<"), run.rindex(">") + 1
    parts = run[low:high]
    is_apart = _TAG.sub("", parts) != "" or not _INLINE.fullmatch(parts)
    into.copy(run[:low], at)
    into.fold(" " if is_apart else "", at + low, high - low)
    into.copy(run[high:], at + high)
    return True


def _mark(run: str, at: int, into: Stretches) -> bool:
    low = run[0] not in _MARKS
    high = len(run) - (run[-1] not in _MARKS)
    into.copy(run[:low], at)
    into.fold("", at + low, high - low)
    into.copy(run[high:], at + high)
    return True


def _colour(run: str, at: int, into: Stretches) -> bool:
    """Write what changes a terminal's colours as a blank."""
    return _fold(" ", run, at, into)


def _fold(written: str, run: str, at: int, into: Stretches) -> bool:
    into.fold(normalise(written).text, at, len(run))
    return True


def _mail(run: str, at: int, into: Stretches) -> bool:
    if "[" not in run and not _SPELLED_DOT.search(run) and not _SPELLED_AT.search(run):
        return False
    if _SPELLED_AT.search(run) and " at " in run.lower() and not _SPELLED_DOT.search(run):
        return False
    done = 0
    signs = [(m, "@") for m in _SPELLED_AT.finditer(run)] + [(m, ".") for m in _SPELLED_DOT.finditer(run)]
    for match, sign in sorted(signs, key=lambda pair: pair[0].start()):
        into.copy(run[done : match.start()], at + done)
        into.fold(sign, at + match.start(), match.end() - match.start())
        done = match.end()
    into.copy(run[done:], at + done)
    return True


def _bracketed(run: str, at: int, into: Stretches) -> bool:
    into.fold(".", at, len(run))
    return True


def _spaced(run: str, at: int, into: Stretches) -> bool:
    separator = Counter(run[1::2]).most_common(1)[0][0]
    for index, character in enumerate(run):
        if index % 2 and character == separator:
            into.fold("", at + index, 1)
        else:
            into.copy(character, at + index)
    return True


def _dotted(run: str, at: int, into: Stretches) -> bool:
    parts = run.split(".")
    if sum(len(part) == 1 for part in parts) < 0.6 * len(parts):
        return False
    for part in parts:
        into.copy(part, at)
        into.fold("", at + len(part), 1)
        at += len(part) + 1
    return True


def _pointed(run: str, at: int, into: Stretches) -> bool:
    for index, character in enumerate(run):
        if character == ".":
            into.fold("", at + index, 1)
        else:
            into.copy(character, at + index)
    return True


def _hex(run: str, at: int, into: Stretches) -> bool:
    digits = run.replace(" ", "").replace(":", "")
    return _decoded(binascii.unhexlify(digits), run, at, into)


def _base64(run: str, at: int, into: Stretches) -> bool:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        body = body[:-1]
    return _decoded(base64.b64decode(body + "=" * (-len(body) % 4)), run, at, into)


def _decoded(data: bytes, run: str, at: int, into: Stretches) -> bool:
    """Take decoded bytes as text when at least nine tenths of them are printable."""
    text = data.decode("utf-8", "replace")
    printable = sum(character.isprintable() and character != "\ufffd" for character in text)
    if printable < 0.9 * len(text) or len(text) < 4:
        return False
    into.fold(normalise(text).text, at, len(run))
    return True


_WRITERS: dict[str, Callable[[str, int, Stretches], bool]] = {
    "percent": _percent,
    "entity": _numbered,
    "tag": _tag,
    "colour": _colour,
    "escape": _numbered,
    "mail": _mail,
    "bracketed": _bracketed,
    "spaced": _spaced,
    "dotted": _dotted,
    "pointed": _pointed,
    "hex": _hex,
    "base64": _base64,
    "mark": _mark,
}
