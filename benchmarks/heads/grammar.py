"""Grammars: files of templates from which training lines are drawn, the same ones for the same seed.

    # a comment
    @person = agent | human | {rank} person        a name and its alternatives; {name} puts one in
    [asks_for_human, complaint?] 3000 en            labels of what follows (`?`: open), lines, language
    {please?}let me (talk|speak) to a {person}      `x?`: every other time; (a|b|): one of these

A section's lines are drawn template by template; a template counts as often as it is written.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GRAMMARS = Path(__file__).with_name("grammars")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_NAME = re.compile(r"\{(\w+)(\?)?\}")
_DEEP = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A text, the labels that hold for it and those that may, where it comes from and what came before it."""

    text: str
    labels: frozenset[str]
    open: frozenset[str] = frozenset()
    source: str = "grammar"
    language: str = "en"
    opening: str = "^"


@dataclass(slots=True, kw_only=True)
class Section:
    """Templates that share their labels."""

    labels: frozenset[str]
    open: frozenset[str]
    lines: int
    language: str
    opening: str
    templates: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """One file of grammar."""

    names: Mapping[str, list[str]]
    sections: list[Section]

    def draw(self, chance: random.Random) -> Iterator[Line]:
        """Draw the lines of every section."""
        for section in self.sections:
            for _ in range(section.lines):
                text = self.expand(chance.choice(section.templates), chance)
                yield Line(
                    text=re.sub(r"\s+([,.?!])", r"\1", " ".join(text.split())),
                    labels=section.labels,
                    open=section.open,
                    language=section.language,
                    opening=section.opening,
                )

    def expand(self, template: str, chance: random.Random) -> str:
        """Fill in one template."""

        def named(match: re.Match[str]) -> str:
            if match[2] and chance.random() < 0.5:
                return " "
            return chance.choice(self.names[match[1]])

        for _ in range(_DEEP):
            before = template
            template = _NAME.sub(named, template)
            template = _CHOICE.sub(lambda match: chance.choice(match[1].split("|")), template)
            if template == before:
                return template
        raise ValueError(f"a grammar that does not end: {template[:80]}")


def read(path: Path, shared: Mapping[str, list[str]]) -> Grammar:
    """Read a grammar; `shared` are names of other files."""
    names, sections = dict(shared), list[Section]()
    for line in _logical(path):
        if line.startswith("@"):
            name, _, body = line[1:].partition("=")
            names[name.strip()] = [part.strip() for part in _split(body)]
        elif line.startswith("["):
            labels, _, rest = line[1:].partition("]")
            count, *more = rest.split()
            given = [label.strip() for label in labels.split(",") if label.strip()]
            sections.append(
                Section(
                    labels=frozenset(label for label in given if not label.endswith("?")),
                    open=frozenset(label[:-1] for label in given if label.endswith("?")),
                    lines=int(count),
                    language=next((word for word in more if not word.startswith("^")), "en"),
                    opening=next((word for word in more if word.startswith("^")), "^"),
                )
            )
        else:
            sections[-1].templates.append(line)
    return Grammar(names=names, sections=sections)


def _logical(path: Path) -> Iterator[str]:
    """Yield the lines of a file without comments; a line that begins with white space continues the last."""
    at = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            at += " " + line.strip()
            continue
        if at:
            yield at
        at = line
    if at:
        yield at


def _split(body: str) -> list[str]:
    """Split alternatives at the bars outside of parentheses."""
    parts, depth = [""], 0
    for char in body:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts
