"""The given sets that may help to train shipped heads, as rows; credit for them is in the model card."""

from collections.abc import Iterator

from benchmarks.report import data, rows

from handrail.review.calibration.heads import Row

TOPICS = frozenset({"health", "legal", "personnel", "financial"})
SOURCES = ("nlupp", "bitext_intents", "clinc150", "banking77")

_OPEN: dict[str, frozenset[str]] = {
    "clinc150 oos": TOPICS,
    "clinc150 vaccines": frozenset({"health"}),
    "clinc150 insurance": frozenset({"health"}),
    "clinc150 insurance_change": frozenset({"health"}),
    **{
        f"clinc150 {intent}": frozenset({"financial", "personnel", "legal"})
        for intent in ("income", "taxes", "w2", "payday", "rollover_401k", "direct_deposit", "credit_score")
    },
    "bitext_intents contact_customer_service": frozenset({"asks_for_human"}),
    "bitext_intents complaint": frozenset({"aggrieved", "legal"}),
}  # fmt: skip
_LABELS = {
    "bitext_intents contact_human_agent": frozenset({"asks_for_human"}),
    "bitext_intents complaint": frozenset({"complaint"}),
}


def given(source: str) -> Iterator[Row]:
    """Yield the rows of one given set."""
    for row in rows(data("triggers", f"{source}.jsonl.gz")):
        if source == "nlupp":
            labels = frozenset({"asks_for_human"} if "handoff" in row["intents"] else ())
            unclear = frozenset({"complaint", "aggrieved", "dispute"})
        else:
            key = f"{source} {row['intent']}"
            labels, unclear = _LABELS.get(key, frozenset()), _OPEN.get(key, frozenset())
        if source == "banking77":
            unclear |= {"aggrieved"}
        yield Row(text=row["text"], labels=labels, open=unclear, source=source)
