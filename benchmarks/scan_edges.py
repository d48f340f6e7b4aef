"""Where a value ends: every type between many neighbours, near misses, and code: `python -m
benchmarks.scan_edges`."""

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks import edge_code, edge_values
from benchmarks.edge_frames import Frame, fits, frames
from benchmarks.edge_values import Value
from benchmarks.report import close

from handrail.scan import Scanner, ScanSpec, redact
from handrail.scan.catalogue import shipped
from handrail.scan.stream import StreamScanner

BARS = {"min_type_recall": 0.99, "min_neighbour_recall": 0.98, "exact_spans": 0.99, "code_recall": 0.95}
CEILINGS = {"near_miss_false": 0.01, "code_false": 0.03}
OPTIONAL = frozenset(spec.type for spec in shipped() if spec.is_optional)
STREAMED = 200
"""One text in so many is also streamed, split at every character."""


def scanner() -> Scanner:
    """Return a scanner for every shipped type."""
    return Scanner(ScanSpec(enable=OPTIONAL))


class Shares:
    """Hits among trials, by name."""

    def __init__(self) -> None:
        self.trials: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.missed: dict[str, list[str]] = {}

    def add(self, name: str, is_hit: bool, text: str) -> None:
        """Count one trial."""
        self.trials[name] += 1
        self.hits[name] += is_hit
        if not is_hit:
            self.missed.setdefault(name, []).append(text)

    def lowest(self) -> tuple[float, str]:
        """Return the lowest share and its name."""
        return min((self.hits[name] / n, name) for name, n in self.trials.items())

    def print_lowest(self, what: str, count: int = 12) -> None:
        """Print the worst names with an example each."""
        print(f"\n{what}: {len(self.trials)}, {self.trials.total()} trials; the lowest:")
        worst = sorted(self.trials, key=lambda name: self.hits[name] / self.trials[name])
        for name in worst[:count]:
            missed = self.missed.get(name)
            print(
                f"  {self.hits[name] / self.trials[name]:.3f} {name:40} {missed[0]!r}"
                if missed
                else "  1.000 all others"
            )
            if not missed:
                break


def is_found(found: Iterable[tuple[str, int, int]], kind: str, start: int, end: int) -> tuple[bool, bool]:
    """Tell whether a type is found at a place with half of its span in common, and whether the span is the
    same."""
    best = 0.0
    for name, first, last in found:
        if name == kind and first < end and start < last:
            best = max(best, (min(end, last) - max(start, first)) / (max(end, last) - min(start, first)))
    return best >= 0.5, best == 1.0


def neighbours(own: Scanner, values: Sequence[Value]) -> tuple[Shares, Shares, Shares]:
    """Put every value into every frame; return shares by type, by frame and of exact spans."""
    by_type, by_frame, exact = Shares(), Shares(), Shares()
    for value in values:
        for frame in frames():
            if not fits(frame, value):
                continue
            text, start = frame.around(value)
            found, same = is_found(spans(own, text), value.type, start, start + len(value.text))
            by_type.add(value.type, found, text)
            by_frame.add(frame.name, found, text)
            if found:
                exact.add(value.type, same, text)
    return by_type, by_frame, exact


def spans(own: Scanner, text: str) -> list[tuple[str, int, int]]:
    """Return type, start and end of what is found."""
    return [(finding.type, finding.start, finding.end) for finding in own.scan(text)]


def near_misses(own: Scanner, values: Sequence[Value], framed: Sequence[Frame]) -> Shares:
    """Return by type the share of near misses that are left alone."""
    left_alone = Shares()
    for value in values:
        for frame in framed:
            if fits(frame, value):
                text, start = frame.around(value)
                end = start + len(value.text)
                wrong = any(k == value.type and a < end and start < b for k, a, b in spans(own, text))
                left_alone.add(value.type, not wrong, text)
    return left_alone


def streamed(own: Scanner, values: Sequence[Value], chance: random.Random) -> Shares:
    """Split a sample of the texts at every character; return the share of splits that give the redacted
    whole."""
    same = Shares()
    for value in values:
        for frame in frames():
            if chance.randrange(STREAMED) or not fits(frame, value):
                continue
            text, _ = frame.around(value)
            expected = redact(text, own.scan(text))
            for cut in (*range(1, len(text)), None):
                pieces = list(text) if cut is None else [text[:cut], text[cut:]]
                stream = StreamScanner(own)
                out = "".join(piece for chunk in pieces for piece in stream.feed(chunk)) + "".join(
                    stream.finish()
                )
                same.add("streams", out == expected, f"{text} at {cut}")
    return same


def code(own: Scanner) -> tuple[Shares, Shares]:
    """Return shares of the secrets in code that are found exactly, and of the look-alikes left alone."""
    found, left_alone = Shares(), Shares()
    for snippet in edge_code.snippets():
        seen = spans(own, snippet.text)
        if snippet.types:
            hit = any(k in snippet.types and (a, b) == (snippet.start, snippet.end) for k, a, b in seen)
            found.add(snippet.language, hit, f"{snippet.text} {[(k, snippet.text[a:b]) for k, a, b in seen]}")
        else:
            kinds = [(k, snippet.text[a:b]) for k, a, b in seen if k not in edge_code.HARMLESS]
            left_alone.add(snippet.language, not kinds, f"{snippet.text} {kinds}")
    return found, left_alone


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--quick", action="store_true", help="one value of each way of writing; nothing is streamed"
    )
    options.add_argument("--misses", type=int, default=12, help="how many of the worst to print")
    chosen = options.parse_args()
    own, chance = scanner(), random.Random(5)
    values = [*edge_values.values(1 if chosen.quick else 3), *edge_values.grouped(), *edge_values.nested()]
    by_type, by_frame, exact = neighbours(own, values)
    framed = [frame for frame in frames() if frame.form in ("plain", "quote", "data")]
    left_alone = near_misses(own, edge_values.near_misses(), framed)
    found, clean = code(own)
    for shares, what in (
        (by_type, "types"),
        (by_frame, "neighbours"),
        (exact, "exact spans"),
        (left_alone, "near misses left alone"),
        (found, "code with a secret"),
        (clean, "code without"),
    ):
        shares.print_lowest(what, chosen.misses)
    contextual = sorted({value.type for value in values if value.cue or value.lead})
    print(f"\nWords that are part of the frame, for {len(contextual)} types: {', '.join(contextual)}")
    figures: dict[str, float | None] = {
        "min_type_recall": by_type.lowest()[0],
        "min_neighbour_recall": by_frame.lowest()[0],
        "exact_spans": exact.hits.total() / exact.trials.total(),
        "near_miss_false": 1 - left_alone.hits.total() / left_alone.trials.total(),
        "code_recall": found.hits.total() / found.trials.total(),
        "code_false": 1 - clean.hits.total() / clean.trials.total(),
        "streams_equal": None,
    }
    short = [name for name, bar in BARS.items() if float(figures[name] or 0) < bar]
    short += [name for name, bar in CEILINGS.items() if float(figures[name] or 0) > bar]
    if chosen.quick:
        short.append("streams_equal")
    else:
        same = streamed(own, values, chance)
        same.print_lowest("streams", chosen.misses)
        figures["streams_equal"] = same.hits.total() / same.trials.total()
        short += ["streams_equal"] if figures["streams_equal"] < 1 else []
    close("scan_edges", {name: None if f is None else round(f, 4) for name, f in figures.items()}, short)


if __name__ == "__main__":
    main()
