"""OpenTelemetry: every decision is told by kinds and numbers, never by words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from handrail import Guard, HandoffRequired
from handrail.records import Answer, Evidence, TokenLogprob
from handrail_adapters.otel import observer
from support.shop_guard import PEOPLE, POLICY

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
MAIL = "ann.smith@example.org"


class Scene:
    """A guard with an observer, and everything that was told."""

    def __init__(self, folder: Path, policy: str, facts: Any = None) -> None:
        self.spans, self.reader, self.logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),
        )
        self.tracer = TracerProvider()
        self.tracer.add_span_processor(SimpleSpanProcessor(self.spans))
        logger = LoggerProvider()
        logger.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        observe = observer(
            tracer_provider=self.tracer,
            meter_provider=MeterProvider([self.reader]),
            logger_provider=logger,
        )
        (folder / "shop.yaml").write_text(policy)
        (folder / "people.yaml").write_text(PEOPLE)
        store = f"sqlite:///{folder}/handrail.db"
        self.guard = Guard.from_policy(
            folder / "shop.yaml", people=folder / "people.yaml", store=store, facts=facts, observe=observe
        )

    def numbers(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        found: dict[str, list[tuple[dict[str, Any], float]]] = {}
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        value = getattr(point, "value", None)
                        total = point.sum if value is None else value
                        found.setdefault(metric.name, []).append((dict(point.attributes), total))
        return found

    def everything(self) -> str:
        spans = "".join(span.to_json() for span in self.spans.get_finished_spans())
        logs = "".join(record.to_json() for record in self.logs.get_finished_logs())
        return spans + logs + repr(self.numbers())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path, POLICY)
    yield scene
    scene.guard.close()


def test_a_passed_answer_is_a_span_an_event_and_a_count(scene: Scene) -> None:
    scene.guard(lambda question: "Fine.")("Where?")
    (span,) = scene.spans.get_finished_spans()
    assert span.name == "handrail.decide"
    assert span.attributes["handrail.effect"] == "pass"
    assert span.status.status_code is StatusCode.UNSET
    (event,) = span.events
    assert event.name == "gen_ai.evaluation.result"
    assert event.attributes["gen_ai.evaluation.name"] == "handrail.answer"
    assert event.attributes["gen_ai.evaluation.score.label"] == "pass"
    (record,) = scene.logs.get_finished_logs()
    assert record.log_record.event_name == "gen_ai.evaluation.result"
    ((about, count),) = scene.numbers()["handrail.decisions"]
    assert (about["handrail.stage"], about["handrail.policy"], count) == ("answer", "shop", 1)


def test_a_hand_off_is_no_error(scene: Scene) -> None:
    with pytest.raises(HandoffRequired) as handed:
        scene.guard(lambda question: f"Use {TOKEN}.")("Where?")
    (span,) = scene.spans.get_finished_spans()
    assert span.attributes["handrail.ticket"] == handed.value.handoff.ticket
    assert span.attributes["handrail.role"] == "privacy_lead"
    assert span.attributes["handrail.rules"] == ("key-in-answer",)
    assert span.status.status_code is StatusCode.UNSET
    ((about, _),) = scene.numbers()["handrail.handoffs"]
    assert about["handrail.trigger"] == "sensitive_data"
    assert scene.numbers()["handrail.findings"][0][0]["handrail.finding"] == "github_token"


def test_a_check_that_broke_is_an_error(tmp_path: Path) -> None:
    def broken(names: object, evidence: Evidence, now: object) -> dict[str, object]:
        raise OSError("words of the source")

    policy = POLICY.replace("facts:\n", "facts:\n  risk: {type: number}\n").replace(
        "hand_offs:\n",
        "hand_offs:\n  - id: risky\n    when: risk > 1\n    to: queue_manager\n    trigger: high_stakes\n"
        "    because: It is risky.\n",
    )
    scene = Scene(tmp_path, policy, broken)
    with pytest.raises(HandoffRequired):
        scene.guard(lambda question: "Fine.")("Where?")
    (span,) = scene.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "words of the source" not in scene.everything()
    scene.guard.close()


def test_no_word_of_the_exchange_is_told(scene: Scene) -> None:
    guarded = scene.guard(lambda question: f"Use {TOKEN} or write to {MAIL}.")
    with scene.guard.context(customer="customer-word", conversation="conversation-word"):
        with pytest.raises(HandoffRequired):
            guarded(f"question-word {MAIL}")
        with pytest.raises(HandoffRequired):
            guarded("a person, please")
    told = scene.everything()
    for word in (TOKEN, MAIL, "question-word", "customer-word", "conversation-word", "a person, please"):
        assert word not in told
    assert len(scene.spans.get_finished_spans()) == 2


def test_confidence_is_a_histogram(tmp_path: Path) -> None:
    policy = POLICY.replace("facts:\n", "facts:\n  confidence: {type: number, min: 0, max: 1}\n").replace(
        "hand_offs:\n",
        "hand_offs:\n  - id: unsure\n    when: confidence < 0.2\n    to: queue_manager\n"
        "    trigger: low_confidence\n    because: It may be wrong.\n",
    )
    scene = Scene(tmp_path, policy)
    tokens = (TokenLogprob(token="yes", logprob=-0.01),)
    scene.guard(lambda question: Answer(text="yes", logprobs=tokens))("Is it?")
    ((about, total),) = scene.numbers()["handrail.confidence"]
    assert 0.9 < total <= 1.0
    assert about["handrail.method"]
    (span,) = scene.spans.get_finished_spans()
    assert span.events[0].attributes["gen_ai.evaluation.score.value"] == total
    scene.guard.close()


def test_a_decision_lies_within_the_callers_span(scene: Scene) -> None:
    tracer = scene.tracer.get_tracer("caller")
    with tracer.start_as_current_span("outer") as outer:
        scene.guard(lambda question: "Fine.")("Where?")
    decided = next(span for span in scene.spans.get_finished_spans() if span.name == "handrail.decide")
    assert decided.parent is not None
    assert decided.parent.span_id == outer.get_span_context().span_id
