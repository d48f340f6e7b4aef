"""What is best read next: cases whose verdicts decide what is suspected."""

from collections.abc import Iterator

from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.evidence.log_review import LogReview

MOST = 6


def proposed_reading(review: LogReview) -> Iterator[Proposal]:
    """Yield one note with the conditions under which cases are best read first, none where there are none."""
    asked = review.rules.reading
    if not asked:
        return
    listed = "; ".join(asked[:MOST])
    yield note(
        Grounds(
            kind="reading",
            title="Read these cases first",
            why=f"Verdicts on them decide what is suspected: {listed}.",
            effect="Which of them are read stays chance, so that estimates stay true.",
            suggestion="Give them most of the time there is, and keep some for the rest.",
        )
    )
