"""Text that invisible characters carry: tags, variation selectors, and pairs of them that count as bits.

A program reads such text, and a person sees nothing. The characters are left out where a text is normalised;
here they are written out.
"""

import re
from collections.abc import Iterator

from handrail.text.normalise import Normalised, Stretches, fold_into

_TAGS = "\U000e0020-\U000e007e"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_BITS = "\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff"
# The flags of England, Scotland and Wales are written with tags too.
_FLAG = "\U0001f3f4(?:{})\U000e007f".format(
    "|".join(
        "".join(chr(0xE0000 + ord(letter)) for letter in nation) for nation in ("gbeng", "gbsct", "gbwls")
    )
)
_CARRIER = re.compile(f"{_FLAG}|([{_TAGS}]+)|([{_SELECTORS}]{{4,}})|([{_BITS}]{{28,}})")
_FEWEST_PRINTABLE = 0.9


def carrier_start(text: str, start: int = 0) -> int:
    """Return where, from `start` on, the first carrier begins, be it cut off or whole; else the length."""
    if text.isascii():
        return len(text)
    first = next(_carriers(text, start), None)
    tail = _BEGUN.search(text, start)
    return min(first[0] if first else len(text), tail.start() if tail else len(text))


_BEGUN = re.compile(f"(?:\U0001f3f4[{_TAGS}]*|[{_SELECTORS}]+|[{_BITS}]+)\\Z")


def carried(text: str) -> list[Normalised]:
    """Return the readings of a text in which what it carries is written out, none for most texts; pure.

    In the first each piece stands in its place, in the second all of them stand together.
    """
    if text.isascii():
        return []
    found = list(_carriers(text))
    if not found:
        return []
    placed, together = Stretches(), Stretches()
    at = 0
    for start, end, said in found:
        fold_into(placed, text, at, start)
        placed.fold(said, start, end - start)
        together.fold(said, start, end - start)
        at = end
    fold_into(placed, text, at, len(text))
    readings = [placed.build(len(text))]
    return readings if len(found) == 1 else [*readings, together.build(len(text))]


def _carriers(text: str, start: int = 0) -> Iterator[tuple[int, int, str]]:
    for match in _CARRIER.finditer(text, start):
        tags, selectors, bits = match.groups()
        said = ""
        if tags:
            said = "".join(chr(ord(tag) - 0xE0000) for tag in tags)
        elif selectors:
            said = _readable(bytes(map(_byte, selectors)))
        elif bits:
            said = _of_bits(bits)
        if said:
            yield match.start(), match.end(), said


def _byte(selector: str) -> int:
    code = ord(selector)
    return code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16


def _of_bits(run: str) -> str:
    marks = sorted(set(run))
    if len(marks) != 2:
        return ""
    for one in marks:
        digits = "".join("1" if mark == one else "0" for mark in run)
        for width in (8, 7):
            codes = [int(digits[at : at + width], 2) for at in range(0, len(digits) - width + 1, width)]
            if said := _readable(bytes(codes)):
                return said
    return ""


def _readable(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    printable = sum(character.isprintable() and character != "\ufffd" for character in text)
    return text if text and printable >= _FEWEST_PRINTABLE * len(text) else ""
