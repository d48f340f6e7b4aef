"""OpenTelemetry: a span, an event and a few numbers for every decision; never a word of the exchange.

Names follow the conventions for generative AI where there are any (`gen_ai.evaluation.*`), and handrail's own
elsewhere. The span of the model call itself is the business of the client's own instrumentation.
"""

from collections.abc import Callable
from typing import Any

from handrail.errors import MissingExtra
from handrail.guard.outcome import Observation
from handrail.records import Effect, Trigger

try:
    from opentelemetry import metrics, trace
    from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
    from opentelemetry.trace import Status, StatusCode
except ImportError as error:
    raise MissingExtra("otel", "opentelemetry-api") from error

SCOPE = "handrail"
EVENT = "gen_ai.evaluation.result"
CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def observer(
    *, tracer_provider: Any = None, meter_provider: Any = None, logger_provider: Any = None
) -> Callable[[Observation], None]:
    """Return an observer for `Guard.from_policy(..., observe=observer())`.

    Every decision gives a span `handrail.decide` with an event `gen_ai.evaluation.result` (also written as a
    log record), and adds to `handrail.decisions`, `handrail.handoffs`, `handrail.findings` and
    `handrail.confidence`. A hand-off is no error; a check that could not be carried out is.

    Args:
        tracer_provider: in place of the global one, as the other two.
        meter_provider: in place of the global one.
        logger_provider: in place of the global one.
    """
    tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
    logger = get_logger(SCOPE, logger_provider=logger_provider)
    meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
    decisions = meter.create_counter("handrail.decisions", unit="{decision}")
    handoffs = meter.create_counter("handrail.handoffs", unit="{handoff}")
    findings = meter.create_counter("handrail.findings", unit="{finding}")
    confidence = meter.create_histogram(
        "handrail.confidence", unit="1", explicit_bucket_boundaries_advisory=CONFIDENCE_BUCKETS
    )

    def observe(seen: Observation) -> None:
        about = {"handrail.stage": seen.decision.stage.value, "handrail.policy": seen.decision.policy.name}
        decisions.add(1, {**about, "handrail.effect": seen.decision.effect.value})
        if seen.handoff is not None:
            for trigger in seen.handoff.triggers:
                handoffs.add(
                    1, {**about, "handrail.role": seen.handoff.role, "handrail.trigger": trigger.value}
                )
        for kind, count in seen.findings.items():
            findings.add(count, {**about, "handrail.finding": kind})
        if seen.confidence is not None and seen.confidence.value is not None:
            confidence.record(seen.confidence.value, {**about, "handrail.method": seen.confidence.method})
        event = _event(seen)
        with tracer.start_as_current_span("handrail.decide", attributes=_attributes(seen)) as span:
            span.add_event(EVENT, event)
            if _is_failed(seen):
                span.set_status(Status(StatusCode.ERROR, "a check could not be carried out"))
            logger.emit(LogRecord(severity_number=SeverityNumber.INFO, event_name=EVENT, attributes=event))

    return observe


def _attributes(seen: Observation) -> dict[str, Any]:
    decision = seen.decision
    told: dict[str, Any] = {
        "handrail.exchange": seen.exchange,
        "handrail.tenant": seen.tenant,
        "handrail.stage": decision.stage.value,
        "handrail.effect": decision.effect.value,
        "handrail.policy": decision.policy.name,
        "handrail.policy.version": decision.policy.version,
        "handrail.policy.sha256": decision.policy.sha256,
        "handrail.rules": tuple(reason.rule for reason in decision.reasons),
        "handrail.triggers": tuple(dict.fromkeys(reason.trigger.value for reason in decision.reasons)),
        "handrail.shadow_rules": tuple(reason.rule for reason in decision.shadow),
        "handrail.findings": tuple(sorted(seen.findings)),
        "handrail.signals": tuple(sorted({signal.value for signal in seen.signals})),
    }
    if seen.handoff is not None:
        told |= {"handrail.ticket": seen.handoff.ticket, "handrail.role": seen.handoff.role}
        told |= {"handrail.joined": seen.handoff.joined, "handrail.spooled": seen.handoff.spooled}
    return told if seen.model is None else {**told, "gen_ai.response.model": seen.model}


def _event(seen: Observation) -> dict[str, Any]:
    decision, confidence = seen.decision, seen.confidence
    event: dict[str, Any] = {
        "gen_ai.evaluation.name": f"handrail.{decision.stage.value}",
        "gen_ai.evaluation.score.label": decision.effect.value,
        "handrail.exchange": seen.exchange,
    }
    if confidence is not None and confidence.value is not None:
        event["gen_ai.evaluation.score.value"] = confidence.value
    return event


def _is_failed(seen: Observation) -> bool:
    """True if a check failed; a hand-off because a fact is unknown is an ordinary one."""
    return seen.decision.effect is Effect.HAND_OFF and any(
        reason.trigger is Trigger.UNSURE and not reason.facts_read for reason in seen.decision.reasons
    )
