"""Which answers a person checks although they were passed: the draw, and what the log holds of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from handrail.confidence.calibration.sampling import SampleDraw, SamplingPlan, unit_of
from handrail.errors import StoreUnavailable
from handrail.guard.opening import is_sampled
from handrail.pipeline.decoded import Scans, with_made_calls
from handrail.pipeline.judge import slice_of
from handrail.pipeline.pipeline import Pipeline
from handrail.policy import Policy
from handrail.records import Decision, Effect, Evidence, Score
from handrail.tickets.ports import TicketStore

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration
    from handrail.store.caller import CallerStore
    from handrail.tickets.samples import SampledAnswer

log = logging.getLogger("handrail")

AUDIT_RATE = 0.05
"""Share of the passed answers that are audited while no calibration has planned it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnAnswer:
    """One answer's row for the decision log and, if it is to be audited, what a person will read of it."""

    row: Mapping[str, object]
    content: "SampledAnswer | None"


@dataclass(frozen=True, kw_only=True)
class AnswerSampler:
    """Draws audits under one policy.

    Args:
        policy: names who checks.
        calibration: the one in force; its plan holds for the answers it speaks of.
        key: makes the draws impossible to foretell, and to repeat for whoever holds it.
        store: keeps the answers that people check.
        scanner: finds what is masked in them.
    """

    policy: Policy
    calibration: "Calibration | None"
    key: bytes
    store: "CallerStore"
    scanner: Scans

    @cached_property
    def _cold(self) -> SamplingPlan:
        return SamplingPlan(threshold=float("inf"), rate=self.policy.audit_rate or AUDIT_RATE)

    @cached_property
    def _plan(self) -> SamplingPlan:
        return self._cold if self.calibration is None else self.calibration.plan

    @property
    def roles(self) -> tuple[str, ...]:
        """Who checks: the owner of the policy, and who gets what is unknown."""
        owner = self.policy.owner
        return (owner, self.policy.if_unsure) if owner else (self.policy.if_unsure,)

    def draw(self, decision: Decision, evidence: Evidence) -> DrawnAnswer | None:
        """Draw for one judged answer; None where it has no score, or is neither given nor handed off."""
        score = evidence.confidence.score if evidence.confidence is not None else None
        if score is None:
            return None
        is_handed_off = not decision.effect.is_released
        if is_handed_off and not any(reason.effect is Effect.HAND_OFF for reason in decision.reasons):
            return None
        audit = self._plan_of(score).draw(
            score.value, unit_of(evidence.exchange, self.key), is_handed_off=is_handed_off
        )
        row = _row(score, audit, is_handed_off=is_handed_off, part=slice_of(evidence.context))
        # What is handed off is read in its ticket.
        if not audit.is_sampled or is_handed_off:
            return DrawnAnswer(row=row, content=None)
        from handrail.tickets.samples import sampled_answer

        read = with_made_calls(evidence, self.scanner)
        return DrawnAnswer(row=row, content=sampled_answer(read, roles=self.roles))

    def keep(self, drawn: DrawnAnswer, *, at: datetime) -> None:
        """Keep an answer that is to be checked; nothing to do for any other."""
        if drawn.content is None:
            return
        from handrail.store.samples import keep

        try:
            keep(self.store, drawn.content, at=at)
        except StoreUnavailable as error:
            # It is on record as drawn all the same, and what nobody can judge counts as wrong.
            log.warning("answer of exchange %s not kept: %s", drawn.content.exchange, error.step)

    def _plan_of(self, score: Score) -> SamplingPlan:
        calibration = self.calibration
        if calibration is None:
            return self._cold
        speaks = (calibration.model, calibration.prompt_sha256, calibration.method) == (
            score.model,
            score.prompt_sha256,
            score.method,
        )
        return self._plan if speaks else self._cold


def sampler_of(pipeline: Pipeline, store: TicketStore) -> AnswerSampler | None:
    """Return who draws audits, None where the policy asks for none or the store cannot keep answers."""
    policy, calibration = pipeline.policy, pipeline.cascade.calibration
    if not is_sampled(policy):
        return None
    from handrail.store.caller import CallerStore

    if not isinstance(store, CallerStore):
        return None
    return AnswerSampler(
        policy=policy,
        calibration=calibration,
        key=store.sampling_key(),
        store=store,
        scanner=pipeline.scanner,
    )


def _row(score: Score, audit: SampleDraw, *, is_handed_off: bool, part: str | None) -> dict[str, object]:
    row: dict[str, object] = {
        "score": score.value,
        "method": score.method,
        "model": score.model,
        "prompt_sha256": score.prompt_sha256,
        "audit_probability": audit.probability,
        "audit_floor": audit.floor,
        "audit_lowest": audit.lowest,
        "audited": audit.is_sampled,
        "escalated": is_handed_off,
        "signals": {name: value for name, value in score.signals.items() if value is not None},
    }
    if part is not None:
        row["slice"] = part
    return row
