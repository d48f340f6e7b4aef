"""Parts an address that is written as a block into its lines. Pure.

A letterhead, an envelope or a signature gives an address a line each. There each line is a finding of its
own, so that masks keep the lines: what names street, house, box or unit stays an `address`; a line that names
only a place (city, region, country, postcode) is a `locality`. An address in running text is one finding.
"""

import re

from handrail.scan.rule import Candidate
from handrail.scan.spec import EntitySpec

ADDRESS, LOCALITY = "address", "locality"

_INDENT = 12
_MARKS = " \t>?*|-"
_LINE = re.compile(r"[^\n]+")
_IN_A_HOUSE = re.compile(r"(?i)\b(?:apt|apartment|suite|ste|unit|flat|floor|building|bldg|box)\b")


def lines(text: str, candidate: Candidate, locality: EntitySpec | None) -> tuple[Candidate, ...]:
    """Return the lines of an address that begins a line of the text and goes on in the next, else itself.

    Args:
        text: the text of the candidate.
        candidate: a candidate of any type.
        locality: what a place line becomes, None for an address like the others.
    """
    start, end = candidate.start, candidate.end
    if candidate.spec.type != ADDRESS or "\n" not in text[start:end]:
        return (candidate,)
    if text[max(0, start - _INDENT) : start].rpartition("\n")[2].strip(_MARKS):
        return (candidate,)
    parts: list[Candidate] = []
    for line in _LINE.finditer(text, start, end):
        written = line.group()
        first = line.end() - len(written.lstrip(_MARKS))
        last = line.start() + len(written.rstrip(_MARKS + ","))
        if first < last:
            is_place = locality is not None and bool(parts) and _IN_A_HOUSE.search(written) is None
            spec = locality if is_place and locality is not None else candidate.spec
            parts.append(Candidate(first, last, candidate.score, spec))
    return tuple(parts)
