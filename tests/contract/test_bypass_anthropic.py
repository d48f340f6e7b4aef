"""The bypass matrix of the Anthropic client: no way past the guard, and a control that would see a leak."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from anthropic import Anthropic, APIConnectionError, AsyncAnthropic, BadRequestError
from pydantic import BaseModel

from handrail.errors import ConfigError
from handrail_adapters.anthropic import get_handoff, guard_anthropic
from support.anthropic_shapes import pieces
from support.model_server import ModelServer, Say, model_server
from support.toy_guard import ToyGuard

SECRET = "SECRET-4711"
ASKS = [{"role": "user", "content": "Where is my order?"}]
WITHHELD = [
    {"role": "user", "content": [{"type": "text", "text": "I am HIDE-history"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": "HIDE-arguments"}}],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [{"type": "text", "text": "HIDE-result"}],
            },
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "HIDE-document"},
                "title": "HIDE-title",
            },
            {"type": "text", "text": "Mail HIDE-message please"},
        ],
    },
]


@pytest.fixture(autouse=True)
def _shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.openai_shapes.pieces", pieces)
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.001)


def shown(value: Any) -> str:
    return value.model_dump_json(warnings=False) + json.dumps(value.model_extra or {}, default=str)


def told(events: list[Any]) -> str:
    """A stream as its reader puts it together, and every event as it is."""
    pieces: dict[str, list[str]] = {}
    for event in events:
        delta = getattr(event, "delta", None)
        for name in ("text", "thinking", "partial_json"):
            if isinstance(piece := getattr(delta, name, None), str):
                pieces.setdefault(f"{event.index}{name}", []).append(piece)
    return "\n".join("".join(texts) for texts in pieces.values()) + "".join(shown(event) for event in events)


def create(client: Any, asked: Any) -> str:
    return shown(client.messages.create(**asked))


def stream(client: Any, asked: Any) -> str:
    return told(list(client.messages.create(**asked, stream=True)))


def helper(client: Any, asked: Any) -> str:
    with client.messages.stream(**asked) as events:
        return "".join(str(event) for event in events) + shown(events.get_final_message())


def raw(client: Any, asked: Any) -> str:
    return str(client.messages.with_raw_response.create(**asked).text())


def streaming(client: Any, asked: Any) -> str:
    with client.messages.with_streaming_response.create(**asked) as response:
        return "".join(response.iter_text())


def with_options(client: Any, asked: Any) -> str:
    return create(client.with_options(timeout=7, max_retries=0), asked)


async def acreate(client: Any, asked: Any) -> str:
    return shown(await client.messages.create(**asked))


async def astream(client: Any, asked: Any) -> str:
    return told([event async for event in await client.messages.create(**asked, stream=True)])


async def ahelper(client: Any, asked: Any) -> str:
    async with client.messages.stream(**asked) as events:
        text = "".join([str(event) async for event in events])
        return text + shown(await events.get_final_message())


SYNC: dict[str, Callable[[Any, Any], str]] = {
    entry.__name__: entry for entry in (create, stream, helper, raw, streaming, with_options)
}
ASYNC: dict[str, Callable[[Any, Any], Any]] = {entry.__name__: entry for entry in (acreate, astream, ahelper)}
ENTRIES = [*SYNC, *ASYNC]


def ask(
    name: str,
    server: ModelServer,
    guard: ToyGuard | None,
    messages: Any = ASKS,
    *,
    system: Any = None,
    **options: Any,
) -> str:
    """Ask in one way, through the guard or bare."""
    asked = {"model": "m", "max_tokens": 100, "messages": messages, **({"system": system} if system else {})}
    address = server.url.removesuffix("/v1")

    def guarded(client: Any) -> Any:
        return client if guard is None else guard_anthropic(client, guard, **options)  # type: ignore[type-var]

    async def main() -> str:
        async with AsyncAnthropic(base_url=address, api_key="k") as client:
            text: str = await ASYNC[name](guarded(client), asked)
            return text

    if name in ASYNC:
        return asyncio.run(main())
    with Anthropic(base_url=address, api_key="k") as client:
        return SYNC[name](guarded(client), asked)


SECRETS = {
    "in the text": Say(f"Sure, it is {SECRET}.", cut=64),
    "at every chunk boundary": Say(f"Sure, it is {SECRET}.", cut=1),
    "in the second block": Say("Fine.", others=[f"It is {SECRET}."], cut=2),
    "in tool arguments": Say(None, calls=[("look_up", '{"id": "' + SECRET + '"}')], cut=3),
    "in thinking": Say("Fine.", extra={"thinking": f"The user means {SECRET}."}, cut=3),
    "in a block nobody knows": Say("Fine.", extra={"unknown": f"It is {SECRET}."}, cut=3),
    "in a high-stakes call": Say(None, calls=[("wire_money", '{"amount": 640}')], cut=3),
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_secret_never_reaches_the_caller(name: str, case: str) -> None:
    secret, guard = "wire_money" if "stakes" in case else SECRET, ToyGuard()
    with model_server(SECRETS[case]) as server:
        bare = ask(name, server, None)
        assert secret in bare or secret in _joined(bare), "the control must leak"
        guarded = ask(name, server, guard)
        assert secret not in guarded
        assert secret not in _joined(guarded)
        assert len(server.seen) == 2, "nothing is asked again after a hand-off"
    assert guard.begun == 1
    assert guard.tickets == ["T1"]


def _joined(text: str) -> str:
    """Pieces of raw events put together."""
    pieces = re.findall(r'"(?:text|thinking|partial_json)": ?"((?:[^"\\]|\\.)*)"', text)
    return "".join(json.loads(f'"{piece}"') for piece in pieces)


@pytest.mark.parametrize("system", ["Rules. HIDE-system", [{"type": "text", "text": "Rules. HIDE-system"}]])
@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_withheld_input_never_reaches_the_model(name: str, system: Any) -> None:
    with model_server(Say("Fine.")) as server:
        ask(name, server, None, WITHHELD, system=system)
        assert server.sent.count("HIDE-") == 7, "the control must leak"
    with model_server(Say(status=500), Say("Fine.")) as server:
        if name == "with_options":
            server.script.pop(0)
        ask(name, server, ToyGuard(), WITHHELD, system=system)
        assert "HIDE-" not in server.sent
        assert server.seen[-1].raw.decode().count("[hidden]") == 7
        sent = server.seen[-1].body["messages"]
        assert [message["role"] for message in sent] == ["user", "assistant", "user"]
        assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "document", "text"]


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_input_that_is_handed_off_never_reaches_the_model(name: str) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    with model_server(Say("Fine.")) as server:
        ask(name, server, ToyGuard(), [{"role": "user", "content": "STOP this"}])
        ask(name, server, ToyGuard(), [{"role": "user", "content": [image]}])
        assert server.seen == []
        ask(name, server, ToyGuard(), [{"role": "user", "content": [image]}], trusted=("image",))
        assert len(server.seen) == 1


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_clean_traffic_is_the_same_with_and_without_the_guard(name: str) -> None:
    say = Say(
        "On its way.", others=["Soon."], calls=[("look_up", '{"id": 3}')], extra={"thinking": "Hm."}, cut=3
    )
    with model_server(say) as server:
        assert ask(name, server, None) == ask(name, server, ToyGuard())
        assert server.seen[0].raw == server.seen[1].raw


@pytest.mark.parametrize("name", ENTRIES)
def test_a_masked_answer_keeps_all_but_what_is_masked(name: str) -> None:
    say = Say("It is MASK-1.", others=["And MASK-2."], calls=[("look_up", '{"id": "MASK-3"}')], cut=2)
    with model_server(say) as server:
        guarded = ask(name, server, ToyGuard())
    assert "MASK-" not in guarded
    assert "MASK-" not in _joined(guarded)
    for kept in ("It is [masked].", "And [masked].", "look_up", "tool_use"):
        assert kept in guarded or kept in _joined(guarded)


def test_what_is_not_guarded_is_refused_unless_it_is_named() -> None:
    with model_server(Say("Fine.")) as server:
        client = Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k", max_retries=0)
        guarded = guard_anthropic(client, ToyGuard())  # type: ignore[type-var, arg-type]
        assert type(guarded) is Anthropic
        for way in (
            lambda: guarded.messages.count_tokens(model="m", messages=ASKS),  # type: ignore[arg-type]
            lambda: guarded.messages.batches.create(requests=[]),
            guarded.messages.batches.list,
        ):
            with pytest.raises(APIConnectionError) as refused:
                way()
            # The client takes whatever its transport raises for a failed connection.
            assert isinstance(refused.value.__cause__, ConfigError)
        assert server.seen == []
        client.close()


def test_a_hand_off_is_found_in_the_message_and_in_the_error() -> None:
    with (
        model_server(Say(f"It is {SECRET}.")) as server,
        Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k") as client,
    ):
        asked: Any = {"model": "m", "max_tokens": 9, "messages": ASKS}
        message = guard_anthropic(client, ToyGuard()).messages.create(**asked)  # type: ignore[type-var, arg-type]
        handoff = get_handoff(message)
        assert handoff is not None
        assert (handoff.ticket, message.content[0].text) == ("T1", handoff.notice)  # type: ignore[union-attr]
        strict = guard_anthropic(client, ToyGuard(), shape="error")  # type: ignore[type-var, arg-type]
        with pytest.raises(BadRequestError) as refused:
            strict.messages.create(**asked)
        assert get_handoff(refused.value) is not None
        assert SECRET not in f"{refused.value!r}{vars(refused.value)}"


class Shape(BaseModel):
    answer: str


def test_structured_output_is_refused_not_answered() -> None:
    with (
        model_server(Say(f'{{"answer": "{SECRET}"}}')) as server,
        Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k") as client,
    ):
        guarded = guard_anthropic(client, ToyGuard())  # type: ignore[type-var, arg-type]
        format_: Any = {"format": {"type": "json_schema", "schema": Shape.model_json_schema()}}
        message = guarded.messages.create(model="m", max_tokens=9, messages=ASKS, output_config=format_)  # type: ignore[arg-type]
        assert message.stop_reason == "refusal"
        assert SECRET not in shown(message)


@pytest.mark.parametrize("stop_after", [1, 3, 6])
def test_a_stream_that_is_cut_is_a_fault(stop_after: int) -> None:
    guard = ToyGuard(hands_off_faults=True)
    with model_server(Say("On its way to you now.", cut=2, stop_after=stop_after)) as server:
        assert "A person will look" in ask("stream", server, guard)
    assert guard.tickets == ["T1"]
