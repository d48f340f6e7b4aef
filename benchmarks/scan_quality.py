"""How well the scanner finds what is there, and nothing else: `python -m benchmarks.scan_quality`."""

import argparse
import base64
import random
import sys
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from benchmarks import peers, pii_generator
from benchmarks.report import close, data, rows, wilson

from handrail.scan import Scanner, ScanSpec

Span = tuple[str, int, int]

SEVEN = ("EMAIL", "PHONE", "CARD", "IBAN", "SSN", "IP", "URL")
BESIDE = ("DATE", "PERSON", "ADDRESS")
GOLD = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "SSN",
    "IP_ADDRESS": "IP",
    "DOMAIN_NAME": "URL",
    "URL": "URL",
    "DATE_TIME": "DATE",
    "PERSON": "PERSON",
    "STREET_ADDRESS": "ADDRESS",
}
OURS = {
    "email": "EMAIL",
    "phone": "PHONE",
    "card": "CARD",
    "iban": "IBAN",
    "us_ssn": "SSN",
    "ipv4": "IP",
    "ipv6": "IP",
    "url": "URL",
    "date": "DATE",
    "date_of_birth": "DATE",
    "person": "PERSON",
    "address": "ADDRESS",
}
CELL_TYPES = ("EMAIL", "PHONE", "CARD", "SSN", "IBAN")
HOMOGLYPHS = str.maketrans("aeopcxyABEKMHOPCTX", "аеорсхуАВЕКМНОРСТХ")
IOU = 0.5
PER_CELL = 40


class Tally:
    """Hits, false alarms and misses of each type."""

    def __init__(self) -> None:
        self.hit: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def add(self, gold: Iterable[Span], found: Iterable[Span]) -> None:
        """Match one text's spans one to one, best overlap first."""
        of: dict[str, tuple[list[Span], list[Span]]] = defaultdict(lambda: ([], []))
        for span in gold:
            of[span[0]][0].append(span)
        for span in found:
            of[span[0]][1].append(span)
        for kind, (wanted, seen) in of.items():
            pairs = sorted(
                ((overlap(a, b), i, j) for i, a in enumerate(wanted) for j, b in enumerate(seen)),
                reverse=True,
            )
            used: tuple[set[int], set[int]] = (set(), set())
            for share, i, j in pairs:
                if share >= IOU and i not in used[0] and j not in used[1]:
                    used[0].add(i)
                    used[1].add(j)
            self.hit[kind] += len(used[0])
            self.missed[kind] += len(wanted) - len(used[0])
            self.false[kind] += len(seen) - len(used[1])

    def scores(self, kinds: Sequence[str]) -> tuple[float, float, float]:
        """Return precision, recall and F1 over some types together."""
        hit, false, missed = (sum(c[k] for k in kinds) for c in (self.hit, self.false, self.missed))
        precision, recall = hit / max(1, hit + false), hit / max(1, hit + missed)
        return precision, recall, 2 * hit / max(1, 2 * hit + false + missed)


def overlap(a: Span, b: Span) -> float:
    """Return intersection over union in characters."""
    inner = min(a[2], b[2]) - max(a[1], b[1])
    return max(0, inner) / (max(a[2], b[2]) - min(a[1], b[1]))


def ours(scanner: Scanner, text: str) -> list[Span]:
    """Return the scanner's spans by the names used here."""
    return [(OURS[f.type], f.start, f.end) for f in scanner.scan(text) if f.type in OURS]


def forgiven(spans: Iterable[Span]) -> list[Span]:
    """Drop web addresses that lie inside the same scanner's mail addresses."""
    spans = list(spans)
    mails = [s for s in spans if s[0] == "EMAIL"]
    return [s for s in spans if s[0] != "URL" or not any(m[1] <= s[1] and s[2] <= m[2] for m in mails)]


def peer_tally(texts: Sequence[str], gold: Sequence[Sequence[Span]]) -> Tally | None:
    """Score Presidio on the same texts, its web addresses inside its own mail addresses forgiven."""
    peer = peers.start("presidio")
    if peer is None:
        return None
    tally = Tally()
    with peer:
        answer = peer.spans(texts)
    if answer is None:
        return None
    for wanted, spans in zip(gold, answer, strict=True):
        tally.add(wanted, forgiven((GOLD[s[0]], s[1], s[2]) for s in spans if s[0] in GOLD))
    return tally


def covered(texts: Sequence[str], gold: Sequence[Sequence[Span]], scanner: Scanner, kind: str) -> float:
    """Return the share of the characters of a type's gold spans that any finding of the type covers.

    Where one address is labelled in pieces, whole addresses cannot match the pieces, but do cover them.
    """
    inside = total = 0
    for text, wanted in zip(texts, gold, strict=True):
        found = {i for k, start, end in ours(scanner, text) if k == kind for i in range(start, end)}
        for k, start, end in wanted:
            if k == kind:
                total += end - start
                inside += sum(i in found for i in range(start, end))
    return inside / max(1, total)


def print_tally(name: str, tally: Tally, kinds: Sequence[str]) -> None:
    """Print one table."""
    print(
        f"\n{name}\n{'type':9} {'n':>5} {'hit':>5} {'false':>5} {'miss':>5} {'P':>6} {'R':>6} {'F1':>6}"
        "  recall 95 %"
    )
    for kind in kinds:
        hit, false, missed = tally.hit[kind], tally.false[kind], tally.missed[kind]
        p, r, f = tally.scores([kind])
        low, high = wilson(hit, hit + missed)
        print(
            f"{kind:9} {hit + missed:5} {hit:5} {false:5} {missed:5} {p:6.3f} {r:6.3f} {f:6.3f}"
            f"  {low:.2f}..{high:.2f}"
        )
    print(f"micro F1 over {' '.join(SEVEN)}: {tally.scores(SEVEN)[2]:.3f}")


def hide_dotted(value: str) -> str:
    """Put a dot between neighbouring digits."""
    return "".join(
        c + ("." if c.isdigit() and value[i + 1 : i + 2].isdigit() else "") for i, c in enumerate(value)
    )


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda v: v,
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v),
    "zero width": "\u200b".join,
    "soft hyphen": lambda v: "\u00ad".join(v[i : i + 3] for i in range(0, len(v), 3)),
    "homoglyph": lambda v: v.translate(HOMOGLYPHS),
    "spaced": lambda v: " ".join(v.replace(" ", "")),
    "dotted digits": hide_dotted,
    "arabic digits": lambda v: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in v),
    "nbsp, en dash": lambda v: v.replace(" ", "\u00a0").replace("-", "\u2013"),
    "url-encoded": lambda v: "".join(f"%{byte:02X}" for byte in v.encode()),
    "url-quoted": lambda v: urllib.parse.quote(v, safe=""),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "[at] [dot]": lambda v: v.replace("@", "[at]").replace(".", "[dot]"),
}


def obfuscation(scanner: Scanner) -> float:
    """Print recall of every form and type; return the lowest in per cent."""
    print(
        f"\nobfuscation, recall % over {PER_CELL} values\n{'':14}"
        + "".join(f"{kind:>7}" for kind in CELL_TYPES)
    )
    lowest = 100.0
    names = {v: k for k, v in OURS.items() if v in CELL_TYPES}
    for form, hide in FORMS.items():
        cells = []
        for kind in CELL_TYPES:
            chance = random.Random(f"{form} {kind}")
            hits = 0
            for _ in range(PER_CELL):
                hidden = hide(pii_generator.VALUES[kind](chance))
                text = f"Please note {hidden} for our records"
                hits += any(
                    f.type == names[kind] and overlap(("", f.start, f.end), ("", 12, 12 + len(hidden))) >= IOU
                    for f in scanner.scan(text)
                )
            cells.append(100 * hits / PER_CELL)
        lowest = min(lowest, *cells)
        print(f"{form:14}" + "".join(f"{cell:7.0f}" for cell in cells))
    return lowest


def false_alarms(scanner: Scanner, *, quick: bool) -> float:
    """Print what everyday chat sets off, by type; return identifiers and credentials per 1,000 messages."""
    counts: Counter[tuple[str, str]] = Counter()
    messages = 0
    for name in ("clinc150", "banking77"):
        for number, row in enumerate(rows(data("triggers", f"{name}.jsonl.gz"))):
            if quick and number >= 2000:
                break
            messages += 1
            counts.update({(f.category, f.type) for f in scanner.scan(row["text"])})
    print(f"\nfalse alarms on {messages} everyday messages (messages with at least one)")
    for (category, kind), count in counts.most_common():
        print(f"  {category:11} {kind:20} {count}")
    wrong = sum(n for (category, _), n in counts.items() if category in ("identifier", "credential"))
    return 1000 * wrong / messages


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a part of the everyday messages only")
    quick = options.parse_args().quick
    scanner = Scanner(ScanSpec(enable=frozenset({"date"})))
    records = list(rows(data("pii", "pii_presidio_synth.jsonl.gz")))
    texts = [record["text"] for record in records]
    gold = [
        [
            (GOLD[s["entity_type"]], s["start_position"], s["end_position"])
            for s in r["spans"]
            if s["entity_type"] in GOLD
        ]
        for r in records
    ]
    tally, made = Tally(), Tally()
    for text, wanted in zip(texts, gold, strict=True):
        tally.add(wanted, ours(scanner, text))
    for sample in pii_generator.samples(1000):
        made.add(sample.spans, ours(scanner, sample.text))
    print_tally("development set (third party, synthetic)", tally, (*SEVEN, *BESIDE))
    print_tally("own generator", made, (*SEVEN, *BESIDE))
    presidio = peer_tally(texts, gold)
    if presidio is not None:
        print_tally(
            "Presidio 2.2.366 on the same set, patterns only, its URL flaw forgiven",
            presidio,
            (*SEVEN, "DATE"),
        )
    shares = {kind: covered(texts, gold, scanner, kind) for kind in ("PERSON", "ADDRESS")}
    print(f"\ncharacters covered: PERSON {shares['PERSON']:.3f}, ADDRESS {shares['ADDRESS']:.3f}")
    default = Scanner()
    lowest, alarms = obfuscation(default), false_alarms(default, quick=quick)
    figures = {
        "micro_f1": round(tally.scores(SEVEN)[2], 4),
        "phone_f1": round(tally.scores(["PHONE"])[2], 4),
        "date_f1": round(tally.scores(["DATE"])[2], 4),
        "person_recall": round(tally.scores(["PERSON"])[1], 4),
        "person_f1": round(tally.scores(["PERSON"])[2], 4),
        "address_recall": round(tally.scores(["ADDRESS"])[1], 4),
        "address_f1": round(tally.scores(["ADDRESS"])[2], 4),
        "address_covered": round(shares["ADDRESS"], 4),
        "false_per_1000": round(alarms, 4),
        "obfuscation_min_recall": lowest,
        "generator_micro_f1": round(made.scores(SEVEN)[2], 4),
        "presidio_micro_f1": round(presidio.scores(SEVEN)[2], 4) if presidio else None,
    }
    short = [
        name
        for name, bar in (("micro_f1", 0.99), ("phone_f1", 0.8), ("person_f1", 0.82), ("address_f1", 0.6))
        if figures[name] < bar
    ]
    short += ["false_per_1000"] * (alarms > 1) + ["obfuscation_min_recall"] * (lowest < 95)
    short += [
        f"{kind.lower()}_errors"
        for kind in SEVEN
        if tally.hit[kind] + tally.missed[kind] < 20 and tally.false[kind] + tally.missed[kind] > 1
    ]
    close("scan_quality", figures, short)


if __name__ == "__main__":
    sys.exit(main())
