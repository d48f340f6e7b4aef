"""Detectors whose finds nobody acts on: to be narrowed by tests of their own, or trained anew."""

from collections.abc import Iterator

from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.evidence.bets import ShareBet
from handrail.review.figures.log_figures import DetectorFigures

LEVEL, HALF = 0.02, 0.5
"""Chance, over all detectors and looks, of a note on one of which people leave half unchanged at most."""


def proposed_detectors(detectors: tuple[DetectorFigures, ...], *, weeks: int) -> Iterator[Proposal]:
    """Yield a note for each item of which most hand-offs were left unchanged.

    That is no patch: what is found protects people, and a find that needs no change may still be right. Who
    reads the tickets says which words are false alarms; these become `not_match` of the signal, or `allow` of
    the scanner, with a test each.
    """
    for one in detectors:
        unchanged = one.unchanged
        bet = ShareBet(bound=HALF, is_below=False)
        bet.take(unchanged.count, unchanged.total)
        if not bet.is_won(LEVEL / len(detectors)):
            continue
        is_signal = not one.item
        span = max(1, weeks)
        yield note(
            Grounds(
                kind="detector",
                title=f"Look at what {one} stops",
                why=f"People left {unchanged} of its hand-offs unchanged.",
                effect=f"{unchanged.low * one.hand_offs / span:.1f} to "
                f"{unchanged.high * one.hand_offs / span:.1f} hand-offs a week may be false alarms.",
                suggestion=(
                    "Put false alarms into `not_match` of the signal, and train its head anew with them."
                    if is_signal
                    else "Put texts that are none into `allow` of `scan`, with a test each."
                ),
                tickets=one.tickets,
                about=str(one),
                worth=unchanged.low * one.hand_offs / span,
            )
        )
