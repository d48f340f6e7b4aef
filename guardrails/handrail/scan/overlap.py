"""Decides between candidates that claim the same characters."""

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from handrail.scan.rule import Candidate
from handrail.scan.spec import TOPICS, EntitySpec

STRONG = 0.75
"""From this score on a span is sure enough to be named even inside a carrier such as a URL."""


def resolve(
    candidates: Iterable[Candidate], floor: float, own: frozenset[EntitySpec] = frozenset()
) -> list[Candidate]:
    """Return the candidates that stand, in order of their start.

    Among overlapping ones the higher score wins, then the longer span, then the earlier, then the type's
    name: checked beats shape, container beats contained. Carriers (URLs, connection strings) are settled
    first; sure candidates and secrets inside them stay beside them, and so does what only begins or ends in
    one. Topics do not compete with identifiers, only among themselves. What `own`, the user's own types,
    claim takes nothing away: what stands without one of them stands beside it.
    """
    topics: dict[str, list[Candidate]] = {}
    carriers: list[Candidate] = []
    others: list[Candidate] = []
    for candidate in candidates:
        if candidate.score < floor:
            continue
        if candidate.spec.type in TOPICS:
            topics.setdefault(candidate.spec.type, []).append(candidate)
        elif candidate.spec.is_carrier:
            carriers.append(candidate)
        else:
            others.append(candidate)
    if not carriers and not topics and len(others) < 2:
        return others
    kept = _apart(carriers)
    spans = [(carrier.start, carrier.end) for carrier in kept]
    free = [other for other in others if _stands_beside(other, spans, kept)]
    kept += _beside_own(free, own) if own else _apart(free)
    for claims in topics.values():
        kept += _apart(claims)
    return sorted(kept, key=lambda candidate: (candidate.start, candidate.end, candidate.spec.type))


def _rank(candidate: Candidate) -> tuple[float, int, int, str]:
    return (
        -round(candidate.score, 2),
        candidate.start - candidate.end,
        candidate.start,
        candidate.spec.type,
    )


def _beside_own(candidates: list[Candidate], own: frozenset[EntitySpec]) -> list[Candidate]:
    """Keep what stands without the user's own types, and of each of these what stands against that."""
    rest: list[Candidate] = []
    claims: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.spec in own:
            claims.setdefault(candidate.spec.type, []).append(candidate)
        else:
            rest.append(candidate)
    kept = list(_apart(rest))
    known = {(one.start, one.end, one.spec.type) for one in kept}
    for claimed in claims.values():
        kept += [
            one
            for one in _apart(rest + claimed)
            if one.spec in own and (one.start, one.end, one.spec.type) not in known
        ]
    return kept


_start, _end = attrgetter("start"), attrgetter("end")


def _apart(candidates: list[Candidate]) -> list[Candidate]:
    """Keep the best of every group of overlapping candidates."""
    if len(candidates) < 2:
        return candidates
    first, last = min(map(_start, candidates)), max(map(_end, candidates))
    taken = bytearray(last - first)
    kept = []
    for candidate in sorted(candidates, key=_rank):
        start, end = candidate.start - first, candidate.end - first
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(candidate)
    kept.sort(key=_start)
    return kept


def _stands_beside(candidate: Candidate, spans: list[tuple[int, int]], carriers: list[Candidate]) -> bool:
    at = bisect_left(spans, (candidate.start + 1,)) - 1
    nearest = [index for index in (at, at + 1) if 0 <= index < len(spans)]
    for index in nearest:
        start, end = spans[index]
        if candidate.start < end and start < candidate.end:
            if start <= candidate.start and candidate.end <= end:
                return _is_nested(candidate, carriers[index])
            covers = candidate.start <= start and end <= candidate.end
            return not covers or candidate.score > carriers[index].score
    return True


def _is_nested(candidate: Candidate, carrier: Candidate) -> bool:
    """Tell whether what lies inside a carrier is a value of its own: a sure one, or a secret assigned
    there.
    """
    if candidate.spec.type == carrier.spec.type:
        return False
    is_number = candidate.spec.edge in ("digits", "number")
    return candidate.score >= STRONG or candidate.spec.category == "credential" or is_number
