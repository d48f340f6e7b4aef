"""What a guard asks the model beside a request is for the guard alone."""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from handrail.guard import Outcome
from handrail.http.transports import transports_of
from handrail.records import Decision, Draft, Effect, Message, PolicyRef, Stage

PASS = Decision(
    stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="p", version="1", sha256="0" * 64)
)
ANSWER, SAMPLE = "the answer", "a sample"


class AskingCall:
    """A call that asks twice more, beside, before it lets the answer pass."""

    outcome, wants_logprobs, instruction, exchange = None, False, None, "e"

    def __init__(self, messages: Sequence[Message], sampled: list[Draft]) -> None:
        self.messages, self._sampled = tuple(messages), sampled
        self._need = SimpleNamespace(
            messages=self.messages, count=2, temperature=0.7, instruction=None, wants_logprobs=False
        )

    def asks(self, model: str, endpoint: str = "") -> None: ...

    def used(self, usage: object) -> None: ...

    def stream(self) -> Any:
        return SimpleNamespace(released=1, feed=lambda chunk: 1)

    def finish(self, drafts: Sequence[Draft], *, ask: Any, wants_json: bool = False) -> Outcome:
        self._sampled += ask(self._need)
        return Outcome(exchange="e", decision=PASS, drafts=tuple(drafts))

    async def afinish(self, drafts: Sequence[Draft], *, ask: Any, wants_json: bool = False) -> Outcome:
        self._sampled += await ask(self._need)
        return Outcome(exchange="e", decision=PASS, drafts=tuple(drafts))


class AskingGuard:
    def __init__(self, stream: str) -> None:
        self.policy, self.sampled = SimpleNamespace(stream=stream), list[Draft]()

    def begin(self, messages: Sequence[Message]) -> AskingCall:
        return AskingCall(messages, self.sampled)

    async def abegin(self, messages: Sequence[Message]) -> AskingCall:
        return AskingCall(messages, self.sampled)


def provider(request: httpx2.Request) -> httpx2.Response:
    asked = json.loads(request.content)
    says = SAMPLE if "temperature" in asked else ANSWER
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": says}, "finish_reason": "stop"}
        return httpx2.Response(200, json={"id": says, "model": "m", "choices": [choice]})
    choices = [
        {"index": 0, "delta": {"content": says}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    events = [f"data: {json.dumps({'id': says, 'choices': [choice]})}\n\n" for choice in choices]
    content = "".join([*events, "data: [DONE]\n\n"])
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=content)


def ask(guard: AskingGuard, *, is_async: bool, stream: bool) -> httpx2.Response:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Where?"}]}
    inner, url = httpx2.MockTransport(provider), "https://api.example/v1/chat/completions"
    if not is_async:
        with httpx2.Client(transport=transports_of(httpx2).blocking(inner, guard)) as client:
            return client.post(url, json=body)

    async def post() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=transports_of(httpx2).awaiting(inner, guard)) as client:
            return await client.post(url, json=body)

    return asyncio.run(post())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("stream", "how"), [(False, "hold"), (True, "hold"), (True, "release")])
def test_what_the_guard_samples_never_becomes_the_answer(is_async: bool, stream: bool, how: str) -> None:
    guard = AskingGuard(how)
    response = ask(guard, is_async=is_async, stream=stream)
    bare = provider(httpx2.Request("POST", "https://x", json={"stream": stream}))
    assert [draft.text for draft in guard.sampled] == [SAMPLE, SAMPLE]
    assert response.content == bare.content
    assert SAMPLE not in response.text
