"""Examples written short: a letter and a number in angle quotes stand for that many characters."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail.scan.scanner import Scanner
    from handrail.scan.spec import EntitySpec

_RUN = re.compile("«([AaUhdbQ])(\\d+)»")
_ALPHABETS = {
    "A": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "a": "0123456789abcdefghijklmnopqrstuvwxyz",
    "U": "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "h": "0123456789abcdef",
    "d": "0123456789",
    "b": "234567abcdefghijklmnopqrstuvwxyz",
    "Q": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}


def expand(example: str) -> str:
    """Return an example with every run written out; the same text always gives the same characters."""
    state = 7

    def written(run: "re.Match[str]") -> str:
        nonlocal state
        alphabet = _ALPHABETS[run.group(1)]
        characters = []
        for _ in range(int(run.group(2))):
            # A linear congruential generator (Numerical Recipes): examples need variety, not secrecy.
            state = (state * 1664525 + 1013904223) % (1 << 32)
            characters.append(alphabet[(state >> 16) % len(alphabet)])
        return "".join(characters)

    return _RUN.sub(written, example)


def failures(scanner: "Scanner", entities: "Iterable[EntitySpec]") -> "Iterator[tuple[EntitySpec, str]]":
    """Yield every example that the scanner reads otherwise than its entity says, with the entity."""
    for entity in entities:
        for examples, expected in ((entity.match, True), (entity.not_match, False)):
            for example in examples:
                found = any(finding.type == entity.type for finding in scanner.scan(expand(example)))
                if found is not expected:
                    yield entity, example
