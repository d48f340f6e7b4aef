"""The card that goes with a training set: where it is from, what was masked, what was left out. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from handrail.review.training.export import TrainingSet


def data_card(made: TrainingSet, *, period: str, policies: Sequence[str]) -> str:
    """Return the card that goes with a training set, as Markdown; pure."""
    sources = Counter(f"{one.consent.source}, {one.consent.given.isoformat()}" for one in made.examples)
    parts = {split: len(made.of(split)) for split in ("train", "test")}
    return "\n".join(
        [
            f"# Data card: {made.form}",
            "",
            f"Decided tickets of {period}; policies: {', '.join(policies) or 'none'}. Texts are masked.",
            "",
            "## Examples",
            *_listed(parts),
            "",
            "All tickets of a conversation are on the same side of the split. Copies were left out.",
            "",
            "## Consent",
            *_listed(sources),
            "",
            "A consent for all conversations counts for tickets opened from its day on,",
            "one for a single ticket whenever that was opened.",
            "",
            "## Masked before this export, as labels in the texts",
            *_listed(made.labels),
            "",
            "## Masked in this export, beside that",
            *_listed(made.masked),
            "",
            "## Left out",
            *_listed(made.left_out),
            "",
            "## Limits",
            "Reviewers err, too. Topics (health, legal, personnel) are not masked.",
            "",
        ]
    )


def _listed(counts: Mapping[str, int]) -> list[str]:
    return [f"- {name}: {count}" for name, count in sorted(counts.items())] or ["- none"]
