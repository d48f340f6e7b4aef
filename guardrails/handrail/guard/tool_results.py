"""What a tool returned, as its caller may have it: the one way for decorated functions and every adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handrail.errors import CheckFailed
from handrail.guard.call_runner import CallRunner
from handrail.guard.context import Scope
from handrail.guard.outcome import Outcome
from handrail.guard.results import draft_of_results, rewritten
from handrail.guard.threads import in_thread
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.tool_result import (
    JudgedReturn,
    Returned,
    downstream_of_result,
    judge_return,
)
from handrail.records import Draft, Effect, Stage, ToolCall
from handrail.text.frozen import freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call returned, and the chunks that it gave before."""

    call: ToolCall
    result: object
    chunks: tuple[object, ...] = ()

    @property
    def values(self) -> tuple[object, ...]:
        """Everything that it gave, in order."""
        return (*self.chunks, self.result)

    def draft(self) -> Draft:
        """Read every text of it."""
        return draft_of_results(self.values, chunks=len(self.chunks))

    def data(self) -> object:
        """Return it as JSON data."""
        return [freeze(value).data for value in self.values] if self.chunks else freeze(self.result).data


def tool_result(call: ToolCall, result: object, chunks: Sequence[object]) -> ToolResult:
    """Return what a call gave, to be judged."""
    return ToolResult(call=call, result=result, chunks=tuple(chunks))


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedResult:
    """A tool's result as its caller may have it: itself, or masked."""

    value: Any
    chunks: tuple[Any, ...] = ()


def judge_result(runner: CallRunner, scope: Scope, result: ToolResult, id: str) -> JudgedResult | Outcome:  # noqa: A002
    """Judge what a tool returned; an outcome says why nobody may see it."""
    if not runner.judges_result(result.call.name):
        return JudgedResult(value=result.result, chunks=result.chunks)
    exchange = runner.exchange(id, scope)
    judged = runner.run(_steps(exchange, scope, result), _failed(runner, exchange))
    return _concluded(runner, exchange, result, judged)


async def ajudge_result(
    runner: CallRunner,
    scope: Scope,
    result: ToolResult,
    id: str,  # noqa: A002 - the word for it everywhere else
) -> JudgedResult | Outcome:
    """Judge what a tool returned, as `judge_result` does; the store is used in a thread."""
    if not runner.judges_result(result.call.name):
        return JudgedResult(value=result.result, chunks=result.chunks)
    exchange = runner.exchange(id, scope)
    judged = await runner.arun(_steps(exchange, scope, result), _failed(runner, exchange))
    return await in_thread(_concluded, runner, exchange, result, judged)


def _steps(exchange: Exchange, scope: Scope, result: ToolResult) -> Any:
    return judge_return(
        exchange,
        Returned(
            call=result.call,
            draft=result.draft(),
            data=result.data,
            proposed=scope.recall(result.call),
        ),
    )


def _failed(runner: CallRunner, exchange: Exchange) -> Any:
    return lambda why: JudgedReturn(
        decision=runner.pipeline.policy.unsure(Stage.RESULT, why), evidence=exchange.evidence
    )


def _concluded(
    runner: CallRunner, exchange: Exchange, result: ToolResult, judged: JudgedReturn
) -> JudgedResult | Outcome:
    decision, evidence = judged.decision, judged.evidence
    values: Sequence[Any] = result.values
    if decision.effect is Effect.REDACT:
        hide = downstream_of_result(exchange, decision).parts
        try:
            values = rewritten(hide, values, chunks=len(result.chunks))
        except CheckFailed as error:
            decision = runner.pipeline.policy.unsure(Stage.RESULT, error.step)
    if not decision.effect.is_released:
        return runner.recorder.withheld(decision, evidence)
    runner.recorder.released(decision, evidence, ())
    return JudgedResult(value=values[-1], chunks=tuple(values[:-1]))
