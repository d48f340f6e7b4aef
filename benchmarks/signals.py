"""How well signals, topics and amounts are read: `python -m benchmarks.signals [--quick]`.

Each source is read by heads that were not trained on it: for the given sets (NLU++, Bitext, clinc150,
banking77) heads are trained anew without the set and with all others; with `--quick` once, on the grammars
alone, which hears more in everyday lines than any heads in use would. All other sources are no training
data. Recall and false alarms come with positives and Wilson 95 % intervals, at the level .5.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.heads.evaluate import Scores, left_out, scores
from benchmarks.report import close, data, rows, wilson

from handrail.records import Message, Speaker
from handrail.review.calibration.heads import Row
from handrail.signals import read_signals, read_topics
from handrail.signals.features import AFTER_CLAIM, FIRST
from handrail.signals.heads import shipped
from handrail.text.amounts import AmountSpan, read_amounts

Figures = dict[str, float | None]
Read = Sequence[tuple[Row, Scores]]
WRITTEN = Path(__file__).with_name("written")
SHIFTS = Path(__file__).with_name("heads") / "shifts.json"
LEVEL = 0.5
QUICK = 5
PRECISION_AMOUNTS, RECALL_AMOUNTS, RECALL_NLUPP_AMOUNTS = 0.78, 0.58, 0.92

AT_LEAST = {
    "asks_for_human_pooled_f1": 0.90,
    "asks_for_human_pooled_recall": 0.90,
    "complaint_written_recall": 0.85,
    "emergency_written_recall": 0.95,
    "health_meqsum_recall": 0.85,
    "health_medquad_recall": 0.85,
    "legal_written_recall": 0.75,
    "amounts_precision": PRECISION_AMOUNTS,
    "amounts_recall": RECALL_AMOUNTS,
    "amounts_nlupp_recall": RECALL_NLUPP_AMOUNTS,
}
AT_MOST = {
    "asks_for_human_clinc150_false": 0.0015,
    "asks_for_human_banking77_false": 0.0015,
    "complaint_service_false": 0.02,
    "dispute_banking77_after_claim_false": 0.003,
    "dispute_clinc150_after_claim_false": 0.003,
    "health_clinc150_false": 0.01,
    "health_banking77_false": 0.01,
    "financial_banking77_false": 0.02,
    "us_per_30_words": 60.0,
}


def percent(hits: int, n: int) -> str:
    """Write a rate with its interval."""
    low, high = wilson(hits, n)
    return f"{100 * hits / n:6.2f} % [{100 * low:5.2f}, {100 * high:5.2f}]" if n else "     –"


def rates(source: str, head: str, read: Read, figures: Figures) -> tuple[int, int, int]:
    """Print one row of the table and keep its figures; returns hits, positives and false alarms."""
    hits = sum(s[head] >= LEVEL for row, s in read if head in row.labels)
    positives = sum(head in row.labels for row, _ in read)
    negatives = [s[head] for row, s in read if head not in row.labels | row.open]
    false = sum(score >= LEVEL for score in negatives)
    print(
        f"{source:<24}{head:<16}{positives:>6}  {percent(hits, positives):<27}"
        f"{percent(false, len(negatives)):<27}({false} of {len(negatives)})"
    )
    name = f"{head}_{source}".replace(" ", "_")
    if positives:
        figures[f"{name}_recall"] = round(hits / positives, 4)
        figures[f"{name}_positives"] = positives
    if negatives:
        figures[f"{name}_false"] = round(false / len(negatives), 5)
    return hits, positives, false


def given(is_quick: bool, figures: Figures) -> None:
    """Print how the given sets are read by heads that have not seen them."""
    shifts: Mapping[str, float] = json.loads(SHIFTS.read_text("utf-8"))
    read = left_out(shifts, at_once=is_quick, step=QUICK if is_quick else 1)
    pooled = [0, 0, 0]
    for source, pairs in read.items():
        for head in shipped().names:
            if any(head not in row.open for row, _ in pairs):
                found = rates(source, head, pairs, figures)
                if head == "asks_for_human":
                    pooled = [a + b for a, b in zip(pooled, found, strict=True)]
    hits, positives, false = pooled
    figures["asks_for_human_pooled_recall"] = round(hits / positives, 4)
    figures["asks_for_human_pooled_f1"] = round(2 * hits / (positives + hits + false), 4)
    print(f"asks for a person, pooled: recall {percent(hits, positives)}, {false} false", end="; ")
    print(f"F1 {figures['asks_for_human_pooled_f1']:.3f} over {positives} positives")


def read_all(texts: Iterable[str], labels: Iterable[str] = (), opening: str = FIRST) -> Read:
    """Read texts that are no training data with the shipped heads."""
    of_all = frozenset(labels)
    made = (Row(text=text, labels=of_all, opening=opening) for text in texts)
    return [(row, scores(shipped(), row)) for row in made]


def others(step: int, figures: Figures) -> None:
    """Print how texts are read that no heads were trained on."""

    def lines(name: str) -> list[str]:
        return (WRITTEN / f"{name}.txt").read_text("utf-8").splitlines()

    def texts(name: str, wanted: Callable[[dict[str, Any]], bool] = bool) -> list[str]:
        found = [row["text"] for row in rows(data("triggers", f"{name}.jsonl.gz")) if wanted(row)]
        return found[::step]

    complaints = lines("complaints")
    rates("written", "complaint", read_all(complaints, ["complaint"]), figures)
    without = [line for line in complaints if "complain" not in line.lower()]
    rates("written no word", "complaint", read_all(without, ["complaint"]), figures)
    rates("written", "emergency", read_all(lines("emergencies"), ["emergency"]), figures)
    rates("written", "legal", read_all(lines("legal"), ["legal"]), figures)
    rates("written", "asks_for_human", read_all(lines("asks"), ["asks_for_human"]), figures)
    for head in shipped().names:
        rates("service", head, read_all(lines("service")), figures)
    rates("other", "asks_for_human", read_all(lines("other")), figures)
    rates("meqsum", "health", read_all(texts("health_meqsum"), ["health"]), figures)
    rates("medquad", "health", read_all(texts("health_medquad_q"), ["health"]), figures)
    rates("jailbreak", "injection", read_all(texts("jailbreak_inthewild"), ["injection"]), figures)
    rates("giskard", "injection", read_all(texts("injection_giskard"), ["injection"]), figures)
    safe = read_all(texts("xstest", lambda row: row["label"] == "safe"))
    for head in ("emergency", "health", "legal_threat", "injection"):
        rates("xstest safe", head, safe, figures)
    for name in ("clinc150", "banking77"):
        read = read_all(texts(name), opening=AFTER_CLAIM)
        rates(f"{name} after claim", "dispute", read, figures)


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
    """Return microseconds for all signals and topics of a text of 30 words."""
    lines = (WRITTEN / "service.txt").read_text("utf-8").splitlines()
    talk = " ".join(lines).split()
    texts = [" ".join(talk[at : at + 30]) for at in range(0, len(talk) - 30, 30)]
    best = float("inf")
    for _ in range(7):
        began = time.perf_counter()
        for text in texts:
            read_signals([Message(speaker=Speaker.USER, text=text)])
        best = min(best, (time.perf_counter() - began) / len(texts) * 1e6)
    read_topics(texts[0])
    return best


def main() -> None:
    """Print the tables and close with the bars."""
    is_quick = "--quick" in sys.argv
    figures: Figures = {"us_per_30_words": round(cost(), 1)}
    print(f"{'source':<24}{'head':<16}{'pos.':>6}  {'recall':<27}{'false alarms':<27}")
    others(QUICK if is_quick else 1, figures)
    given(is_quick, figures)
    figures |= amounts()
    print(f"{figures['us_per_30_words']} µs for all signals and topics of 30 words\n")
    short = [name for name, bar in AT_LEAST.items() if (figures.get(name) or 0.0) < bar]
    short += [name for name, bar in AT_MOST.items() if (found := figures.get(name)) is None or found > bar]
    close("signals", figures, short)


if __name__ == "__main__":
    main()
