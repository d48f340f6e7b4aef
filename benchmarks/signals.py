"""How well the signals and amounts are read on public utterances: `python -m benchmarks.signals [--quick]`.

Recall and false alarms with Wilson 95 % intervals. `held back` are rows that nobody looked at while the word
lists were written: folds 5 to 9 of NLU++ and Bitext's own development part. The amounts have no such part.
"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmarks.report import close, data, rows, wilson

from handrail.records import Message, SignalKind, Speaker
from handrail.signals import read_signals
from handrail.text.amounts import AmountSpan, read_amounts

Row = dict[str, Any]
QUICK = 5
F1_BITEXT, F1_NLUPP, FALSE_CLINC = 0.78, 0.85, 0.004
PRECISION_AMOUNTS, RECALL_AMOUNTS, RECALL_NLUPP_AMOUNTS = 0.78, 0.58, 0.92


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How a reading compares with the labels."""

    hit: int
    missed: int
    false: int
    negatives: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hit / max(1, 2 * self.hit + self.missed + self.false)

    @property
    def false_rate(self) -> float:
        """Share of the rows without the label on which it fired."""
        return self.false / max(1, self.negatives)


def count(
    read: Iterable[tuple[Row, frozenset[SignalKind]]], kind: SignalKind, wanted: Callable[[Row], bool | None]
) -> Counts:
    """Compare; rows for which `wanted` is None are left out as ambiguous."""
    hit = missed = false = negatives = 0
    for row, kinds in read:
        label = wanted(row)
        if label is None:
            continue
        fired = kind in kinds
        hit += label and fired
        missed += label and not fired
        false += fired and not label
        negatives += not label
    return Counts(hit=hit, missed=missed, false=false, negatives=negatives)


def kinds_of(text: str) -> frozenset[SignalKind]:
    """Read one utterance as a whole conversation."""
    return frozenset(signal.kind for signal in read_signals([Message(speaker=Speaker.USER, text=text)]))


def percent(hits: int, n: int) -> str:
    """Write a rate with its interval."""
    low, high = wilson(hits, n)
    return f"{100 * hits / n:6.2f} % [{100 * low:5.2f}, {100 * high:5.2f}]" if n else "     –"


def line(source: str, kind: str, counts: Counts) -> None:
    """Print one row of the table."""
    positives = counts.hit + counts.missed
    print(
        f"{source:<22}{kind:<16}{positives:>5}  {percent(counts.hit, positives):<27}"
        f"{percent(counts.false, counts.negatives):<27}"
        + (f"{counts.f1:.3f}" if positives else "  –  ")
        + f"  ({counts.false} of {counts.negatives})"
    )


def bitext_human(row: Row) -> bool | None:
    """`contact_customer_service` may or may not mean a person."""
    return None if row["intent"] == "contact_customer_service" else row["intent"] == "contact_human_agent"


def no_label(row: Row) -> bool:
    """No row of this source has the label."""
    return False


def signals(step: int) -> dict[str, float]:
    """Print the table of signals; return its figures."""
    sets = {
        name: [
            (row, kinds_of(row["text"])) for row in list(rows(data("triggers", f"{name}.jsonl.gz")))[::step]
        ]
        for name in ("nlupp", "bitext_intents", "clinc150", "banking77")
    }
    human, complaint, dispute = SignalKind.ASKS_FOR_HUMAN, SignalKind.COMPLAINT, SignalKind.DISPUTE
    print(f"{'source':<22}{'signal':<16}{'pos.':>5}  {'recall':<27}{'false alarms':<27}F1")
    figures: dict[str, float] = {}

    def nlupp_human(row: Row) -> bool:
        return "handoff" in row["intents"]

    def bitext_complaint(row: Row) -> bool:
        return bool(row["intent"] == "complaint")

    plans = [
        ("nlupp", "nlupp", human, nlupp_human, lambda row: True),
        ("nlupp held back", "nlupp", human, nlupp_human, lambda row: row["fold"] >= 5),
        ("bitext", "bitext_intents", human, bitext_human, lambda row: True),
        ("bitext held back", "bitext_intents", human, bitext_human, lambda row: row["split"] == "dev"),
        ("bitext", "bitext_intents", complaint, bitext_complaint, lambda row: True),
        (
            "bitext held back",
            "bitext_intents",
            complaint,
            bitext_complaint,
            lambda row: row["split"] == "dev",
        ),
    ]
    for source, name, kind, wanted, chosen in plans:
        counts = count(((row, kinds) for row, kinds in sets[name] if chosen(row)), kind, wanted)
        line(source, kind.value, counts)
        figures[f"{source}_{kind.value}_f1".replace(" ", "_")] = round(counts.f1, 4)
        figures[f"{source}_{kind.value}_positives".replace(" ", "_")] = counts.hit + counts.missed
    for name in ("clinc150", "banking77"):
        for kind in (human, complaint, dispute):
            counts = count(sets[name], kind, no_label)
            line(name, kind.value, counts)
            figures[f"{name}_{kind.value}_false"] = round(counts.false_rate, 5)
    for name in ("nlupp", "bitext_intents"):
        counts = count(sets[name], dispute, no_label)
        line(name, dispute.value, counts)
        figures[f"{name}_dispute_false"] = round(counts.false_rate, 5)
    return figures


def matched(span: tuple[int, int], found: Iterable[AmountSpan]) -> AmountSpan | None:
    """Return the amount whose span covers at least half of the union with the labelled one."""
    for amount in found:
        overlap = min(span[1], amount.end) - max(span[0], amount.start)
        if overlap * 2 >= max(span[1], amount.end) - min(span[0], amount.start):
            return amount
    return None


def amounts() -> dict[str, float]:
    """Print how amounts are read; return the figures."""
    hit = labelled = read = exact = valued = 0
    for row in rows(data("triggers", "amounts_recognizers_en.jsonl.gz")):
        found = read_amounts(row["text"])
        read += len(found)
        for label in row["results"]:
            labelled += 1
            got = matched((label["Start"], label["End"] + 1), found)
            hit += got is not None
            if got is not None and label["Resolution"].get("value") is not None:
                valued += 1
                value = Decimal(label["Resolution"]["value"])
                exact += value in (got.amount, got.amount * 100)
    print(
        f"\namounts, Recognizers: precision {percent(hit, read)}  recall {percent(hit, labelled)}", end="  "
    )
    print(f"right value {percent(exact, valued)}  ({labelled} amounts)")
    known = right = 0
    for row in rows(data("triggers", "nlupp.jsonl.gz")):
        slot = row["slots"].get("amount_of_money")
        if slot is None or slot["value"].get("currency") in (None, "ambiguous"):
            continue
        known += 1
        got = matched(tuple(slot["span"]), read_amounts(row["text"]))
        is_value = got is not None and float(got.amount) == slot["value"]["amount"]
        right += is_value and got is not None and got.currency == slot["value"]["currency"]
    print(
        f"amounts, NLU++ with a currency: value and currency right {percent(right, known)}  ({known} amounts)"
    )
    return {
        "amounts_precision": round(hit / max(1, read), 4),
        "amounts_recall": round(hit / max(1, labelled), 4),
        "amounts_right_value": round(exact / max(1, valued), 4),
        "amounts_nlupp_recall": round(right / max(1, known), 4),
    }


def cost() -> float:
    """Return microseconds per utterance."""
    texts = [row["text"] for row in rows(data("triggers", "banking77.jsonl.gz"))][:1000]
    began = time.perf_counter()
    for text in texts:
        kinds_of(text)
    return (time.perf_counter() - began) / len(texts) * 1e6


def main() -> None:
    """Print the tables and close with the bars."""
    step = QUICK if "--quick" in sys.argv else 1
    figures: dict[str, float] = signals(step)
    figures |= amounts()
    figures["us_per_utterance"] = round(cost(), 1)
    print(f"{figures['us_per_utterance']:.0f} µs per utterance\n")
    bars = [
        ("bitext_asks_for_human_f1", figures["bitext_asks_for_human_f1"] >= F1_BITEXT),
        ("nlupp_asks_for_human_f1", figures["nlupp_asks_for_human_f1"] >= F1_NLUPP),
        ("clinc150_asks_for_human_false", figures["clinc150_asks_for_human_false"] <= FALSE_CLINC),
        ("amounts_precision", figures["amounts_precision"] >= PRECISION_AMOUNTS),
        ("amounts_recall", figures["amounts_recall"] >= RECALL_AMOUNTS),
        ("amounts_nlupp_recall", figures["amounts_nlupp_recall"] >= RECALL_NLUPP_AMOUNTS),
    ]
    close("signals", figures, [name for name, is_met in bars if not is_met])


if __name__ == "__main__":
    main()
