"""A guarded model for Pydantic AI, whole or streamed: its answer is held until it is judged."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models import CompletedStreamedResponse
from pydantic_ai.models.wrapper import WrapperModel

from handrail.errors import AnswerBlocked, ConfigError, HandoffRequired
from handrail.guard.context import through
from handrail.http.handed_off import find_handoff
from handrail.records import NOTE_NAME, Draft, Effect, FaultKind, Handoff, Message, Speaker
from handrail.wire.handoff import handoff_body
from handrail.wire.tools import with_schemas
from handrail_adapters.pydantic_ai.answers import read_response, write_response
from handrail_adapters.pydantic_ai.messages import (
    options_message,
    read_options,
    units_of,
    write_messages,
    write_options,
)

if TYPE_CHECKING:
    from handrail.guard import Call, Guard, Outcome

KEY = "handrail_handoff"


class GuardedModel(WrapperModel):
    """Wraps a model: `GuardedModel("openai:gpt-5", guard)`.

    An agent whose output is text gets the notice of a hand-off as its answer, with the hand-off in the
    response's `provider_details` (see `get_handoff`). Where anything else is expected `HandoffRequired` is
    raised, because a notice in its place would make the agent ask again.

    Args:
        wrapped: a model or its name.
        guard: decides.
        trusted: kinds of content that may go to the model unread: `image`, `audio`, `video`, `file`.
    """

    def __init__(self, wrapped: Any, guard: "Guard", *, trusted: tuple[str, ...] = ()) -> None:
        super().__init__(wrapped)
        self.guard, self.trusted = guard, trusted

    async def request(
        self, messages: Any, model_settings: Any, model_request_parameters: Any
    ) -> ModelResponse:
        """Ask the model through the guard."""
        asked = _Asked(messages, model_settings, model_request_parameters)
        call, sent, given = await self._begin(asked)
        if given is not None:
            return given
        try:
            settings = _with_logprobs(sent.settings, call)
            response = await self.wrapped.request(sent.messages, settings, sent.parameters)
        except ModelAPIError:
            given = await self._failed(call, model_request_parameters)
            if given is None:
                raise
            return given
        return await self._judged(call, response, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self, messages: Any, model_settings: Any, model_request_parameters: Any, run_context: Any = None
    ) -> AsyncGenerator[CompletedStreamedResponse]:
        """Ask the model through the guard; its events come when all of them are judged."""
        parameters = model_request_parameters
        call, sent, given = await self._begin(_Asked(messages, model_settings, parameters))
        if given is None:
            try:
                settings = _with_logprobs(sent.settings, call)
                asking = self.wrapped.request_stream(sent.messages, settings, sent.parameters, run_context)
                async with asking as stream:
                    events = [event async for event in stream]
                    response = stream.get()
            except ModelAPIError:
                given = await self._failed(call, parameters)
                if given is None:
                    raise
            else:
                given = await self._judged(call, response, parameters)
                if given is response:
                    yield CompletedStreamedResponse(
                        response, model_request_parameters=parameters, replay_events=events
                    )
                    return
        yield CompletedStreamedResponse(given, model_request_parameters=parameters, replay_events=True)

    async def _begin(self, asked: "_Asked") -> "tuple[Call, _Asked, ModelResponse | None]":
        units = units_of(asked.messages, trusted=self.trusted)
        options, said = read_options(asked.settings, asked.parameters)
        beside = options_message(said)
        read = [*beside, *(unit.message for unit in units)]
        with through("pydantic_ai"):
            call = await self.guard.abegin(read)
        if call.outcome is not None:
            return call, asked, self._withheld(call.outcome, asked.parameters)
        call.asks(self.model_name, self.base_url or "")
        if call.messages == tuple(read) and call.instruction is None:
            return call, asked, None
        told = []
        if call.instruction is not None:
            told = [Message(speaker=Speaker.SYSTEM, text=call.instruction, name=NOTE_NAME)]
        if beside:
            options = write_options(options, said, call.messages[0].text)
        messages = write_messages(asked.messages, units, [*told, *call.messages[len(beside) :]])
        return call, _Asked(messages, options["settings"], options["parameters"]), None

    async def _judged(self, call: "Call", response: ModelResponse, parameters: Any) -> ModelResponse:
        answers = frozenset(tool.name for tool in parameters.output_tools)
        was = read_response(response, answers, self.trusted)
        call.used({name: value for name, value in vars(response.usage).items() if value})
        outcome = await call.afinish(with_schemas([was.draft], _schemas(parameters)))
        if not outcome.is_released:
            return self._withheld(outcome, parameters, response)
        if not outcome.drafts:
            return response
        return write_response(was, outcome.drafts[0], asks_itself=call.instruction is not None)

    async def _failed(self, call: "Call", parameters: Any) -> ModelResponse | None:
        outcome = await call.afinish([Draft(fault=FaultKind.ERROR)])
        return None if outcome.is_released else self._withheld(outcome, parameters)

    def _withheld(
        self, outcome: "Outcome", parameters: Any, response: ModelResponse | None = None
    ) -> ModelResponse:
        if parameters.output_mode != "text":
            if outcome.handoff is not None and outcome.decision.effect is not Effect.BLOCK:
                raise HandoffRequired(outcome.handoff)
            raise AnswerBlocked(outcome.decision)
        told = {KEY: handoff_body(outcome.handoff)} if outcome.handoff else None
        notice = [TextPart(content=outcome.notice)]
        if response is None:
            return ModelResponse(parts=notice, model_name=self.model_name, provider_details=told)
        return replace(response, parts=notice, provider_details=told, finish_reason="stop")

    async def count_tokens(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: it would send what the guard may withhold."""
        raise ConfigError("counting tokens sends the conversation past the guard")

    async def compact_messages(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: the summary would be written past the guard."""
        raise ConfigError("compaction sends the conversation past the guard")

    async def batch_encode(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: the answers of a batch would be fetched past the guard."""
        raise ConfigError("batches are answered past the guard")

    async def batch_create(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse, as `batch_encode` does."""
        raise ConfigError("batches are answered past the guard")

    async def batch_results(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse, as `batch_encode` does."""
        raise ConfigError("batches are answered past the guard")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a model is asked: the conversation, settings, and tools with what else is expected."""

    messages: Any
    settings: Any
    parameters: Any


def _schemas(parameters: Any) -> dict[str, str]:
    return {tool.name: json.dumps(tool.parameters_json_schema) for tool in parameters.function_tools}


def _with_logprobs(settings: Any, call: "Call") -> Any:
    # Models that have none take no notice of it.
    return {**(settings or {}), "openai_logprobs": True} if call.wants_logprobs else settings


def get_handoff(result: object) -> Handoff | None:
    """Return the hand-off in a run's result, streamed or whole, a response, an event or an error.

    None means an answer. A run that ended with deferred calls has the hand-off that they wait for.

    Raises:
        ConfigError: no hand-off could stand in this, and what to pass instead.
    """
    run = getattr(result, "result", None) if hasattr(result, "next_node") else result
    if run is None and result is not None:
        raise ConfigError("this run is not over: iterate it to its end, then pass its result")
    messages = getattr(run, "new_messages", None)
    if not callable(messages) or getattr(run, "is_complete", True) is False:
        return find_handoff(run)
    return find_handoff([*messages(), getattr(run, "output", None)])
