"""Everything that a log and its tickets propose, each kind in a module of its own."""

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

import numpy as np

from handrail.policy import Policy
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.evidence.log_review import LogReview
from handrail.review.figures.log_figures import DetectorFigures, detector_figures
from handrail.review.log.cases import ReviewCase
from handrail.review.log.review_log import NO_VERDICT, ReviewLog
from handrail.review.proposals.detectors import proposed_detectors
from handrail.review.proposals.entities import proposed_entities
from handrail.review.proposals.grants import proposed_grants
from handrail.review.proposals.knowledge import proposed_knowledge
from handrail.review.proposals.prompts import proposed_prompts
from handrail.review.proposals.reading import proposed_reading
from handrail.review.proposals.roles import proposed_roles
from handrail.review.proposals.rules import proposed_rules
from handrail.review.proposals.slices import proposed_slices
from handrail.review.proposals.staffing import proposed_staffing
from handrail.review.proposals.thresholds import proposed_thresholds
from handrail.review.proposals.words import proposed_words


def propose_changes(
    log: ReviewLog, review: LogReview, now: PolicyInForce, *, cases: Sequence[ReviewCase] = ()
) -> tuple[Proposal, ...]:
    """Return what a log speaks for, as changes of the policy in force, in the order in which to decide.

    What can be accepted comes first, by what it is expected to save; of what saves the same, the surer.

    Args:
        log: its decisions.
        review: the log, followed to its end.
        now: the policy in force.
        cases: tickets of the log with their texts masked; without them no word and no entity is proposed.
    """
    found = [*_changes(log, review, now), *_of_texts(log, cases, now)]
    return tuple(
        sorted(found, key=lambda one: (not one.is_ready, -one.worth, one.kind.startswith("likely_")))
    )


def _changes(log: ReviewLog, review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    yield from proposed_rules(review, now)
    yield from proposed_thresholds(review, now)
    yield from proposed_slices(review, now)
    yield from proposed_roles(log, now)


def _of_texts(log: ReviewLog, cases: Sequence[ReviewCase], now: PolicyInForce) -> Iterator[Proposal]:
    if cases:
        yield from proposed_words(log, cases, now)
        yield from proposed_entities(log, cases, now)


def propose_notes(
    log: ReviewLog, review: LogReview, policy: Policy, *, history: ReviewLog, cases: Sequence[ReviewCase] = ()
) -> tuple[Proposal, ...]:
    """Return what a log and its tickets say to people, outside the policy's file.

    Args:
        log: the decisions of some weeks.
        review: the log, followed to its end.
        policy: the policy in force.
        history: the decisions from as far back as there are, to the end of these weeks: single detectors and
            customers have few cases in a week.
        cases: the tickets of the same weeks, with their texts masked.
    """
    since = float(log.at[0]) if len(log) else math.inf
    weeks, past = _weeks(log), _as_read(history, review.readers.found)
    return (
        *proposed_reading(review),
        *proposed_staffing(log, policy),
        *proposed_prompts(cases, weeks=weeks),
        *proposed_knowledge(cases, log, weeks=weeks),
        *proposed_detectors(_still_met(past, log, review.settings.detectors), weeks=_weeks(past)),
        *proposed_grants(past, review.settings.costs, since=since, weeks=_weeks(past)),
    )


def _weeks(log: ReviewLog) -> int:
    return max(1, len(set(log.week.tolist())))


def _as_read(history: ReviewLog, ignoring: frozenset[str]) -> ReviewLog:
    """Return the past without the verdicts of those who only click."""
    ignored = np.array([name in ignoring for name in history.reviewer], dtype=np.bool_)
    return replace(history, verdict=np.where(ignored, NO_VERDICT, history.verdict))


def _still_met(past: ReviewLog, log: ReviewLog, detectors: Set[str] | None) -> tuple[DetectorFigures, ...]:
    """Return the detectors that these weeks still show: what was narrowed since needs no note."""
    now = {str(one) for one in detector_figures(log, detectors)}
    return tuple(one for one in detector_figures(past, detectors) if str(one) in now)
