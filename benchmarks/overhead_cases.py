"""The ways in, each bare and behind a guard that lets everything pass: what is left is the way's own cost."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from handrail.guard import Outcome
from handrail.guard.decorator import Decoration, Options
from handrail.records import Decision, Draft, Effect, Message, PolicyRef, Stage

PASS = Decision(
    stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="none", version="1", sha256="0" * 64)
)
CHUNKS = 100


class PassingCall:
    """A call that passes as it is."""

    outcome = None
    wants_logprobs = False
    instruction = None
    exchange = "e"
    is_rewritten = False

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = tuple(messages)

    def asks(self, model: str, endpoint: str = "") -> None:
        """Remember nothing of models."""

    def used(self, usage: object) -> None:
        """Count nothing."""

    def finish(self, drafts: Sequence[Draft], **_: object) -> Outcome:
        return Outcome(exchange="e", decision=PASS, drafts=tuple(drafts))

    async def afinish(self, drafts: Sequence[Draft], **_: object) -> Outcome:
        return self.finish(drafts)


class Passing:
    """A guard that reads nothing and lets everything pass."""

    policy = SimpleNamespace(stream="hold")

    def begin(self, messages: Sequence[Message], **_: object) -> PassingCall:
        return PassingCall(messages)

    async def abegin(self, messages: Sequence[Message], **_: object) -> PassingCall:
        return PassingCall(messages)


@dataclass(frozen=True)
class Case:
    """One way in; `per` divides what a call costs, `calls` is how many are timed together."""

    name: str
    figure: str
    bare: Callable[[], object]
    guarded: Callable[[], object]
    calls: int
    per: int = 1


def cases(guard: Any, answer: str) -> Iterator[Case]:
    """Yield every way in whose packages are installed; says which are not."""
    yield _decorator(guard, answer)
    for package, made in (
        ("openai", _openai),
        ("langchain-core", _langchain),
        ("anthropic", _anthropic),
        ("openai-agents", _agents),
        ("pydantic-ai-slim", _pydantic_ai),
    ):
        try:
            yield from made(guard, answer)
        except ImportError:
            print(f"skipped: {package} is not installed")


def _decorator(guard: Any, answer: str) -> Case:
    def ask(question: str) -> str:
        return answer

    guarded = Decoration(guard=guard, fn=ask, options=Options()).wrapper()
    return Case("decorator", "decorator_us", lambda: ask("Where?"), lambda: guarded("Where?"), 2000)


def _openai(guard: Any, answer: str) -> Iterator[Case]:
    import httpx2
    from openai import OpenAI

    from handrail_adapters.openai import guard_openai

    whole, stream = _completion(answer), _stream(answer)

    def respond(request: httpx2.Request) -> httpx2.Response:
        is_stream = b'"stream":true' in request.content
        kind = "text/event-stream" if is_stream else "application/json"
        content = stream if is_stream else whole
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    client = OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(respond)))
    guarded = guard_openai(client, guard)
    asks: Any = {"model": "m", "messages": [{"role": "user", "content": "Where is my order?"}]}

    def create(one: OpenAI) -> Callable[[], object]:
        return lambda: one.chat.completions.create(**asks)

    def read(one: OpenAI) -> Callable[[], object]:
        return lambda: list(one.chat.completions.create(**asks, stream=True))

    yield Case("openai create", "openai_create_us", create(client), create(guarded), 40)
    yield Case("openai stream, a chunk", "stream_chunk_us", read(client), read(guarded), 5, per=CHUNKS)


def _completion(answer: str) -> bytes:
    message = {"role": "assistant", "content": answer, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 200, "total_tokens": 209}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def _stream(answer: str) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    size = -(-len(answer) // (CHUNKS - 1))
    deltas: list[dict[str, str]] = [{"content": answer[at : at + size]} for at in range(0, len(answer), size)]
    events = []
    for delta in [*deltas, {}]:
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop", "logprobs": None}
        events.append(b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n")
    return b"".join(events) + b"data: [DONE]\n\n"


def _anthropic(guard: Any, answer: str) -> Iterator[Case]:
    import httpx2
    from anthropic import Anthropic

    from handrail_adapters.anthropic import guard_anthropic

    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    usage = {"input_tokens": 9, "output_tokens": 200}
    whole = {**head, "content": [{"type": "text", "text": answer}], "stop_sequence": None, "usage": usage}

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=whole)

    client = Anthropic(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(respond)))
    guarded = guard_anthropic(client, guard)
    asks: Any = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Where is it?"}]}

    def create(one: Anthropic) -> Callable[[], object]:
        return lambda: one.messages.create(**asks)

    yield Case("anthropic create", "anthropic_create_us", create(client), create(guarded), 40)


def _agents(guard: Any, answer: str) -> Iterator[Case]:
    import asyncio

    import httpx2
    from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
    from openai import AsyncOpenAI

    from handrail_adapters.openai import guard_openai

    whole, loop = _completion(answer), asyncio.new_event_loop()

    async def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=whole)

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(respond))
    client = AsyncOpenAI(api_key="k", http_client=http)
    config = RunConfig(tracing_disabled=True)

    def run(one: AsyncOpenAI) -> Callable[[], object]:
        agent = Agent(name="shop", model=OpenAIChatCompletionsModel(model="m", openai_client=one))
        asked = "Where is my order?"
        return lambda: loop.run_until_complete(Runner.run(agent, asked, run_config=config))

    yield Case("agents run", "agents_run_us", run(client), run(guard_openai(client, guard)), 20)


def _pydantic_ai(guard: Any, answer: str) -> Iterator[Case]:
    import asyncio

    from pydantic_ai.direct import model_request
    from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel
    from pydantic_ai.models.wrapper import WrapperModel

    from handrail_adapters.pydantic_ai import GuardedModel

    loop = asyncio.new_event_loop()

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart(answer)])

    def ask(model: Any) -> Callable[[], object]:
        asks = [ModelRequest.user_text_prompt("Where is my order?")]
        return lambda: loop.run_until_complete(model_request(model, asks))

    inner = FunctionModel(respond)
    through, guarded = ask(WrapperModel(inner)), ask(GuardedModel(inner, guard))
    yield Case("pydantic-ai GuardedModel", "pydantic_ai_us", through, guarded, 100)


def _langchain(guard: Any, answer: str) -> Iterator[Case]:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.messages import HumanMessage

    from handrail_adapters.langchain import GuardedChatModel

    class PassThrough(BaseChatModel):
        """Asks another model and does nothing else: what LangChain itself spends on a model around one."""

        inner: BaseChatModel
        _llm_type: str = "pass-through"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any) -> Any:
            return self.inner._generate(messages, stop, None, **more)

    inner = FakeListChatModel(responses=[answer])
    through, guarded = PassThrough(inner=inner), GuardedChatModel(inner=inner, guard=guard)
    asks = [HumanMessage("Where is my order?")]
    yield Case(
        "GuardedChatModel", "langchain_us", lambda: through.invoke(asks), lambda: guarded.invoke(asks), 200
    )
