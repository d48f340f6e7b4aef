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


class Passing:
    """A guard that reads nothing and lets everything pass."""

    policy = SimpleNamespace(stream="hold")

    def begin(self, messages: Sequence[Message], **_: object) -> PassingCall:
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
    try:
        yield from _openai(guard, answer)
    except ImportError:
        print("skipped: openai is not installed")
    try:
        yield _langchain(guard, answer)
    except ImportError:
        print("skipped: langchain-core is not installed")


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


def _langchain(guard: Any, answer: str) -> Case:
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.messages import HumanMessage

    from handrail_adapters.langchain import GuardedChatModel

    inner = FakeListChatModel(responses=[answer])
    guarded = GuardedChatModel(inner=inner, guard=guard)
    asks = [HumanMessage("Where is my order?")]
    return Case(
        "GuardedChatModel", "langchain_us", lambda: inner.invoke(asks), lambda: guarded.invoke(asks), 200
    )
