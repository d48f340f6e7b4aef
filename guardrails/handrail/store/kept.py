"""Statements that PostgreSQL keeps planned for a connection: one alone, or several that write, as one."""

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLACE = re.compile(r"%(?:\((\w+)\))?s")
_NUMBER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement with numbered parameters that a connection keeps, and the order of its parameters.

    Its name is a hash of its text, so that one name never stands for two statements, whoever made it.
    `writes` is the table that it writes and no other statement of it reads; empty for one that reads.
    """

    name: str
    text: str
    order: tuple[str, ...]
    writes: str = ""

    @property
    def made(self) -> str:
        """The statement that lets a connection keep this one."""
        return f"PREPARE {self.name} AS {self.text}"


def kept(sql: str, order: Sequence[str] = (), *, writes: str = "") -> Kept:
    """Return a statement with numbered parameters; `order` names those that the text does not name; pure."""
    numbers: dict[str, int] = {}
    unnamed = iter(order)

    def number(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1] or next(unnamed), len(numbers) + 1)}"

    text = _PLACE.sub(number, sql).replace("%%", "%")
    return Kept(_name(text), text, tuple(numbers), writes)


@functools.lru_cache(maxsize=512)
def as_one(parts: tuple[Kept, ...]) -> Kept:
    """Return a statement that does what several do that each write a table of their own; pure.

    Its parameters are those of the parts, in turn. Most of what a short statement costs is to start and to
    end it, here and on the server; the parts see the tables as they were before all of them.
    """
    texts, before = [], 0
    for part in parts:
        texts.append(_numbered_from(before, part.text))
        before += len(part.order)
    named = ", ".join(f"part{index} AS ({text})" for index, text in enumerate(texts[:-1]))
    text = f"WITH {named} {texts[-1]}"
    return Kept(_name(text), text, tuple(name for part in parts for name in part.order))


def _numbered_from(before: int, text: str) -> str:
    return _NUMBER.sub(lambda found: f"${int(found[1]) + before}", text)


def runs(parts: Sequence[Kept]) -> list[int]:
    """Return how many statements go together, run after run, for each to write a table of its own; pure."""
    lengths: list[int] = []
    tables: set[str] = set()
    for part in parts:
        if lengths and part.writes and tables and part.writes not in tables:
            lengths[-1] += 1
        else:
            lengths.append(1)
            tables = set()
        if part.writes:
            tables.add(part.writes)
    return lengths


def _name(text: str) -> str:
    return f"handrail_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
