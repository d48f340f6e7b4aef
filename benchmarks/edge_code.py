"""Code, configuration and logs: half with a secret or an identifier, half with what only looks like one.

A line of `edge_code.txt` is a language, the type that is to be found and the text. The value stands between
`‹`
and `›`, runs are written as in `edge_values`, and `⏎` is a line break. `secret` stands for any credential,
`-` for nothing.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge_values import written

from handrail.scan.catalogue import shipped

HARMLESS = frozenset({"uuid", "date", "url", "hostname", "age"})
"""Optional types, and addresses that code is full of."""

NOTHING = "-"
CREDENTIALS = frozenset(spec.type for spec in shipped() if spec.category == "credential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of code; without `types` it holds nothing to be found."""

    language: str
    text: str
    types: frozenset[str] = frozenset()
    start: int = 0
    end: int = 0


def snippets() -> list[Snippet]:
    """Return every snippet, the same each time."""
    chance = random.Random(11)
    lines = Path(__file__).with_name("edge_code.txt").read_text("utf-8").splitlines()
    return [_snippet(*line.split(" ", 2), chance=chance) for line in lines]


def _snippet(language: str, kind: str, template: str, *, chance: random.Random) -> Snippet:
    before, _, rest = template.replace("⏎", "\n").partition("‹")
    value, _, after = rest.partition("›")
    lead, value, tail = (written(part, chance) for part in (before, value, after))
    if kind == NOTHING:
        return Snippet(language=language, text=lead)
    return Snippet(
        language=language,
        text=lead + value + tail,
        types=CREDENTIALS if kind == "secret" else frozenset({kind}),
        start=len(lead),
        end=len(lead) + len(value),
    )
