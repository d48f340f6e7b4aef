"""A guardrail for the LiteLLM proxy: input before the call, answers whole or streamed after it."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigError, MissingExtra
from handrail.guard.context import through
from handrail.wire import chat
from handrail.wire.tools import schemas_of, with_schemas

if TYPE_CHECKING:
    from handrail.guard import Call, Guard, Outcome

try:
    from litellm.integrations.custom_guardrail import CustomGuardrail
    from litellm.types.guardrails import GuardrailEventHooks
    from litellm.types.utils import ModelResponse, ModelResponseStream, all_litellm_params
except ImportError as error:
    raise MissingExtra("litellm", "litellm") from error

_CHAT = ("completion", "acompletion")
_MOST_UNDER_WAY = 10_000
# What the proxy keeps or sets for itself; no model reads it.
_OWN = frozenset(
    {
        *(
            "metadata",
            "litellm_metadata",
            "user",
            "tags",
            "guardrails",
            "proxy_server_request",
            "secret_fields",
        ),
        *(
            "litellm_call_id",
            "litellm_logging_obj",
            "litellm_trace_id",
            "litellm_session_id",
            "litellm_params",
        ),
        *("litellm_credential_name", "_litellm_client_requested_model", "model_info", "deployment", "no-log"),
        *("headers", "extra_headers", "provider_specific_header", "api_key", "api_base", "base_url"),
        *("api_version", "organization", "custom_llm_provider", "allowed_model_region", "cache", "caching"),
        *("ttl", "timeout", "request_timeout", "stream_timeout", "client_side_timeout", "num_retries"),
        *("max_retries", "keepalive_seconds", "fallbacks", "disable_fallbacks", "drop_params"),
        *("additional_drop_params", "allowed_openai_params", "enable_prompt_caching"),
    }
)
_DATA = (str, int, float, list, tuple, dict, type(None))


class HandoffGuardrail(CustomGuardrail):  # type: ignore[misc]
    """Guards every chat completion of a LiteLLM proxy: `litellm.callbacks = [HandoffGuardrail(guard)]`.

    Input that is handed off is refused with status 400, LiteLLM's own way. An answer that is handed off is
    replaced by the notice, with a `handoff` field. Other kinds of call are refused unless they are named.
    The headers `x-handrail-customer` and `x-handrail-conversation` say whose call it is; the key's team is
    the tenant.

    Args:
        guard: decides.
        named: call types that are let through unguarded, as `aembedding`.
    """

    def __init__(self, guard: "Guard", *, named: tuple[str, ...] = ()) -> None:
        hooks = [GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call]
        super().__init__(
            guardrail_name="handrail", supported_event_hooks=hooks, event_hook=hooks, default_on=True
        )
        self._guard, self._named = guard, named
        self._calls: OrderedDict[str, Call] = OrderedDict()

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Any, call_type: str) -> Any:
        """Screen a request; a text is LiteLLM's way to refuse it."""
        if call_type in self._named:
            return data
        if call_type not in _CHAT:
            return f"{call_type} is not guarded; name it to let it through unguarded"
        body = _body(data)
        with self._context(user_api_key_dict, data), through("litellm"):
            call = await self._guard.abegin(chat.read_request(body).messages)
        if call.outcome is not None:
            return call.outcome.notice
        call.asks(str(data.get("model", "")))
        written = chat.write_request(
            body, call.messages, logprobs=call.wants_logprobs, instruction=call.instruction
        )
        self._calls[data["litellm_call_id"]] = call
        while len(self._calls) > _MOST_UNDER_WAY:
            self._calls.popitem(last=False)
        return data if written is body else {**data, **written}

    async def async_post_call_success_hook(self, data: Any, user_api_key_dict: Any, response: Any) -> Any:
        """Judge a whole answer."""
        if not isinstance(response, ModelResponse):
            if data.get("litellm_call_id") in self._calls:
                raise ConfigError("this kind of answer cannot be judged")
            return response
        body, call = response.model_dump(), self._call(data)
        drafts = with_schemas(chat.read_response(body), schemas_of(_body(data)))
        call.used(body.get("usage"))
        with self._context(user_api_key_dict, data):
            outcome = await call.afinish(drafts, wants_json=chat.read_request(_body(data)).wants_json)
        if not outcome.is_released:
            return ModelResponse(**self._handoff(data, outcome, body))
        released = chat.write_drafts(body, outcome.drafts, keep_logprobs=_keeps(data, call))
        return response if released is body else ModelResponse(**released)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: Any
    ) -> AsyncIterator[Any]:
        """Hold a stream to its end and judge it."""
        call, stream = self._call(request_data), chat.Stream()
        chunks = [chunk async for chunk in response]
        for chunk in chunks:
            stream.feed(chunk.model_dump(exclude_none=True))
        drafts = with_schemas(stream.drafts(), schemas_of(_body(request_data)))
        call.used((stream.whole or {}).get("usage"))
        with self._context(user_api_key_dict, request_data):
            outcome = await call.afinish(drafts)
        if not outcome.is_released:
            released = chat.stream_of(self._handoff(request_data, outcome, stream.whole))
        else:
            keeps = _keeps(request_data, call)
            found = stream.released(outcome.drafts, keep_logprobs=keeps)
            if found is None:
                for chunk in chunks:
                    yield chunk
                return
            released = found
        for payload in released:
            yield ModelResponseStream(**payload)

    def _call(self, data: Any) -> "Call":
        call = self._calls.pop(data.get("litellm_call_id", ""), None)
        if call is None:
            raise ConfigError("this answer belongs to no request that was screened")
        return call

    def _handoff(self, data: Any, outcome: "Outcome", upstream: dict[str, Any]) -> dict[str, Any]:
        created = int(upstream.get("created") or 0)
        return chat.write_handoff(
            _body(data), outcome.handoff, outcome.notice, created=created, upstream=upstream
        )

    def _context(self, key: Any, data: Any) -> AbstractContextManager[Any]:
        headers = (data.get("proxy_server_request") or {}).get("headers") or {}
        return self._guard.context(
            tenant=getattr(key, "team_id", None) or "default",
            customer=headers.get("x-handrail-customer"),
            conversation=headers.get("x-handrail-conversation"),
        )


def _body(data: Any) -> dict[str, Any]:
    """Return what may go to the provider, all of it judged; the rest of `data` is the proxy's own."""
    return {name: value for name, value in data.items() if name not in _OWN and not _is_part(name, value)}


def _is_part(name: str, value: object) -> bool:
    """True for an object of the proxy under one of its own names, as a client or a session."""
    return name in all_litellm_params and not isinstance(value, _DATA)


def _keeps(data: Any, call: "Call") -> bool:
    return data.get("logprobs") is True or not call.wants_logprobs
