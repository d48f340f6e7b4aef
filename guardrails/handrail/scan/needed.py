r"""Which characters every match of a pattern holds, so that a text without them need not be searched.

`needs(pattern, characters)` is True only if no text without these characters can match. Whatever the reader
does not know of RE2's syntax counts as a part that needs nothing, so a doubt costs time and misses nothing.
"""

import re
from collections.abc import Set
from typing import Final

_REPEAT = re.compile(r"\{(\d+)(?:,\d*)?\}")
_FLAGS = re.compile(r"\?(?:P?<\w+>|[imsU-]*:)")
_CLASS = re.compile(r"\[(\^?)(\]?(?:\\.|\[:\w+:\]|[^\]\\])*)\]", re.DOTALL)
_MEMBER = re.compile(r"(\\?.)(?:-(\\?.))?", re.DOTALL)
_CODED: Final = frozenset("xpPQE0123456789")
"""What a backslash makes more of than one character; a pattern with one of these is not looked into."""

_DIGITS = frozenset("0123456789")


def needs(pattern: str, characters: Set[str]) -> bool:
    """Tell whether every match of an RE2 pattern holds one of some ASCII characters that are no letters."""
    reader = _Reader(pattern, characters)
    return reader.is_needed() and not reader.is_in_doubt


def needs_digit(pattern: str) -> bool:
    """Tell whether every match of an RE2 pattern holds a digit; False in doubt."""
    return needs(pattern, _DIGITS)


class _Reader:
    """Reads a pattern from left to right; `is_in_doubt` once something in it is not understood."""

    def __init__(self, pattern: str, characters: Set[str]) -> None:
        self._pattern, self._characters, self._at = pattern, characters, 0
        self.is_in_doubt = False

    def is_needed(self) -> bool:
        """Read alternatives up to the end or the closing bracket; True if each of them needs one."""
        needed, here = True, False
        while self._at < len(self._pattern):
            one = self._pattern[self._at]
            if one == ")":
                break
            if one == "|":
                needed, here, self._at = needed and here, False, self._at + 1
                continue
            here = self._is_part_needed() or here
        return needed and here

    def _is_part_needed(self) -> bool:
        """Read one part and how often it may stand there."""
        one = self._pattern[self._at]
        if one == "(":
            needed = self._is_group_needed()
        elif one == "[":
            needed = self._is_class_needed()
        elif one == "\\":
            needed = self._is_written(self._pattern[self._at : self._at + 2])
            self._at += 2
        else:
            needed = one in self._characters and one not in ".^$"
            self._at += 1
        return self._is_there() and needed

    def _is_group_needed(self) -> bool:
        self._at += 1
        if self._pattern.startswith("?", self._at):
            flags = _FLAGS.match(self._pattern, self._at)
            # Flags alone stand for no text, and the reader goes on behind their bracket.
            self._at = flags.end() if flags else self._pattern.find(")", self._at) % (len(self._pattern) + 1)
        needed = self.is_needed()
        self._at += 1
        return needed

    def _is_class_needed(self) -> bool:
        found = _CLASS.match(self._pattern, self._at)
        if found is None:
            self._at, self.is_in_doubt = len(self._pattern), True
            return False
        self._at = found.end()
        members = list(_MEMBER.finditer(found[2]))
        return (
            not found[1]
            and "[:" not in found[2]
            and all(self._is_range(first, last) for first, last in (one.groups() for one in members))
        )

    def _is_range(self, first: str, last: str | None) -> bool:
        if last is None:
            return self._is_written(first)
        if len(first) > 1 or len(last) > 1:
            return False
        return all(chr(code) in self._characters for code in range(ord(first), ord(last) + 1))

    def _is_written(self, written: str) -> bool:
        """Tell whether one character as it is written, be it escaped, is among those asked about."""
        if not written.startswith("\\"):
            return written in self._characters
        if written == "\\d":
            return self._characters >= _DIGITS
        self.is_in_doubt = self.is_in_doubt or written[1:] in _CODED
        return written[1:] in self._characters

    def _is_there(self) -> bool:
        """Read a repetition; False if the part before it may be left out."""
        pattern, at = self._pattern, self._at
        repeat = _REPEAT.match(pattern, at)
        least = 1
        if repeat is not None:
            least, self._at = int(repeat[1]), repeat.end()
        elif pattern[at : at + 1] in ("*", "?", "+") and at < len(pattern):
            least, self._at = int(pattern[at] == "+"), at + 1
        if self._at > at and pattern.startswith("?", self._at):
            self._at += 1
        return least > 0
