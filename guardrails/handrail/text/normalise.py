"""Text as a reader sees it: look-alikes folded, invisible characters gone, every offset mapped back."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_HALVES = re.compile(r"[\ud800-\udfff]")
_FOREIGN = re.compile(r"[\u0370-\u058f]+")
"""Runs of the scripts some of whose letters look Latin: Greek, Cyrillic, Armenian."""

_SHORT, _LONG = 2, 4
"""Up to two capital look-alikes before a digit may be the letters of an identifier; four are a word
anywhere."""

_FEW = 16
"""Up to so many different characters are replaced one after the other."""

# Default-ignorable code points that are not of category Cf: fillers and variation selectors.
_FILLERS = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFFA0)
# Strokes and rings drawn over a character; no language spells a word with them.
_STROKES = (
    0x0305,
    0x0332,
    0x0333,
    0x033F,
    *range(0x0334, 0x0339),
    *range(0x035C, 0x0363),
    *range(0x20D0, 0x20F1),
)
_IGNORABLE = frozenset(
    [
        *(*_FILLERS, *_STROKES, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)),
        *range(0xE0000, 0xE1000),
    ]
)
_LINE_ENDS = frozenset("\x85\u2028\u2029")


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A text and the way back from its offsets to those of the text it was made from.

    `starts` and `origins` hold one entry per stretch: from `starts[i]` on, an offset lies `starts[i] -
    origins[i]` characters off. `folds[i]` is the number of original characters that a stretch stands for when
    it was not copied one to one, else 0. All three are empty when nothing moved.
    """

    text: str
    length: int
    starts: tuple[int, ...] = ()
    origins: tuple[int, ...] = ()
    folds: tuple[int, ...] = ()

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of `text` (end exclusive) to the original; an edge inside a fold moves outward."""
        if not self.starts:
            return start, end
        first = self._raw(start, is_end=False)
        return first, max(first, self._raw(end - 1, is_end=True)) if end > start else first

    def raw_start(self, offset: int) -> int:
        """Return where in the original the character at `offset` begins; its length for the end."""
        if offset >= len(self.text):
            return self.length
        return self._raw(offset, is_end=False) if self.starts else offset

    def offset(self, raw: int) -> int:
        """Return the offset of the first character that does not begin before `raw` in the original."""
        if not self.starts:
            return raw
        stretch = max(0, bisect_right(self.origins, raw) - 1)
        start, origin = self.starts[stretch], self.origins[stretch]
        end = self.starts[stretch + 1] if stretch + 1 < len(self.starts) else len(self.text)
        if self.folds[stretch]:
            return start if raw <= origin else end
        return min(end, start + max(0, raw - origin))

    def _raw(self, offset: int, *, is_end: bool) -> int:
        stretch = bisect_right(self.starts, offset) - 1
        origin = self.origins[stretch]
        if self.folds[stretch]:
            return origin + self.folds[stretch] if is_end else origin
        return origin + offset - self.starts[stretch] + is_end


class Stretches:
    """Builds a `Normalised` from copied and replaced pieces, left to right."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._origins: list[int] = []
        self._folds: list[int] = []
        self._length = 0
        self._expected = -1

    def copy(self, piece: str, origin: int) -> None:
        """Append characters that stand for themselves."""
        if piece:
            if origin != self._expected:
                self._mark(origin, 0)
            self._pieces.append(piece)
            self._length += len(piece)
            self._expected = origin + len(piece)

    def fold(self, piece: str, origin: int, width: int) -> None:
        """Append what stands for `width` original characters as a whole; an empty piece drops them."""
        if piece:
            self._mark(origin, width)
            self._pieces.append(piece)
            self._length += len(piece)
        self._expected = -1

    def build(self, length: int) -> Normalised:
        """Return the finished text with its map; `length` is that of the original."""
        return Normalised(
            length=length,
            text="".join(self._pieces),
            starts=tuple(self._starts),
            origins=tuple(self._origins),
            folds=tuple(self._folds),
        )

    def _mark(self, origin: int, width: int) -> None:
        self._starts.append(self._length)
        self._origins.append(origin)
        self._folds.append(width)


class _Folding(dict[str, str]):
    """Each non-ASCII character's folded form, worked out the first time it is met."""

    def __missing__(self, character: str) -> str:
        folded = self[character] = _fold(character)
        return folded


def _fold(character: str) -> str:
    if ord(character) in _IGNORABLE:
        return ""
    if character in _LINE_ENDS:
        return "\n"
    known = LOOKALIKES.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    compatible = unicodedata.normalize("NFKC", character)
    return "".join(LOOKALIKES.get(part, part) for part in compatible)


_FOLDING = _Folding()


def writable(text: str) -> str:
    """Return a text that UTF-8 can hold: halves of a character joined, those alone U+FFFD.

    JSON may escape half a character, and a stream may cut one in two.
    """
    if text.isascii() or not _HALVES.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def normalise(text: str) -> Normalised:
    """Fold a text so that what looks alike is alike; pure, never fails, linear in the length.

    Compatibility forms (full width, ligatures, enclosed letters), digits of any script, dashes, spaces
    and Cyrillic and Greek letters that look Latin are folded; zero-width, soft-hyphen and other invisible
    characters are dropped. Letters with accents stay, and so do the letters of a word that is written in its
    own script. ASCII text comes back as it is.
    """
    if text.isascii():
        return Normalised(text=text, length=len(text))
    own = [run.span() for run in _FOREIGN.finditer(text) if _is_word(text, *run.span())]
    if own:
        return _with_words(text, own)
    # Most letters stay themselves, and most others stand for one character.
    folds = {character: _FOLDING[character] for character in set("".join(_NON_ASCII.findall(text)))}
    changed = {character: folded for character, folded in folds.items() if folded != character}
    if any(len(folded) != 1 for folded in changed.values()):
        return _with_map(text)
    return Normalised(text=_replaced(text, changed), length=len(text))


def _replaced(text: str, changed: Mapping[str, str]) -> str:
    """Return a text with some characters changed, in the quicker of two ways."""
    if len(changed) > _FEW or not changed.keys().isdisjoint(changed.values()):
        return text.translate({ord(character): folded for character, folded in changed.items()})
    for character, folded in changed.items():
        text = text.replace(character, folded)
    return text


def _is_word(text: str, start: int, end: int) -> bool:
    """Tell whether a run of letters is a word of its own script, not Latin in disguise."""
    run = text[start:end]
    if not all(character in LOOKALIKES for character in run):
        return any(character.isalpha() for character in run)
    if len(run) >= _LONG and run.isupper():
        return True
    before, after = text[start - 1 : start], text[end : end + 1]
    if any(beside.isascii() and beside.isalpha() for beside in (before, after)):
        return False
    return (before.isdecimal() or after.isdecimal()) and (len(run) > _SHORT or not run.isupper())


def foreign_start(text: str) -> int:
    """Return where the run begins that a text ends in and whose reading depends on what follows; else its
    length.
    """
    start = len(text)
    while start and "\u0370" <= text[start - 1] <= "\u058f":
        start -= 1
    return start


def _with_words(text: str, words: list[tuple[int, int]]) -> Normalised:
    """Fold what lies between words of other scripts."""
    stretches = Stretches()
    at = 0
    for start, end in words:
        fold_into(stretches, text, at, start)
        stretches.copy(text[start:end], start)
        at = end
    fold_into(stretches, text, at, len(text))
    return stretches.build(len(text))


def _with_map(text: str) -> Normalised:
    stretches = Stretches()
    fold_into(stretches, text, 0, len(text))
    return stretches.build(len(text))


def fold_into(stretches: Stretches, text: str, at: int, last: int) -> None:
    """Append a part of a text, folded."""
    for run in _NON_ASCII.finditer(text, at, last):
        stretches.copy(text[at : run.start()], at)
        at = run.start()
        for character in run.group():
            folded = _FOLDING[character]
            if len(folded) == 1:
                stretches.copy(folded, at)
            else:
                stretches.fold(folded, at, 1)
            at += 1
    stretches.copy(text[at:last], at)


_CYRILLIC = dict(zip("аеорсухіјѕһԁԛԝӏАВЕКМНОРСТУХІЈЅҺԌԜ", "aeopcyxijshdqwlABEKMHOPCTYXIJSHGW", strict=True))
_GREEK = dict(zip("ονραικυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳ", "ovpaikuxABEZHIKMNOPTYXcj", strict=True))
_LATIN = dict(zip("ıɡɑȷʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ", "igajlacdejkmoptuvwz", strict=True))
_ARMENIAN = dict(zip("օսոհզցԼՍՕ", "ounhqgLUO", strict=True))
_SIGNS = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"',
    "−": "-", "⁃": "-", "‐": "-", "‑": "-", "ー": "-", "﹣": "-", "－": "-", "˗": "-", "➖": "-",
    "∕": "/", "⁄": "/", "╱": "/", "∶": ":", "꞉": ":", "ː": ":", "։": ":", "․": ".",
    "。": ".", "｡": ".", "·": ".",
    "⠀": " ", "、": ",", "⋅": ".", "﹫": "@", "∙": ".", "٫": ".", "٬": ",",
    "№": "#", "—": "—", "―": "―", "…": "…",
}  # fmt: skip

LOOKALIKES: dict[str, str] = {**_CYRILLIC, **_GREEK, **_LATIN, **_ARMENIAN, **_SIGNS}
"""Character → the ASCII character it looks like; what parts sentences stays itself, so that it parts values
too."""
