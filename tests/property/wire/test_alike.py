"""Chunks that are alike are read together, and to the same answer as each of them parsed by itself."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.wire.chat import alike
from handrail.wire.chat.stream import ChatStream, TextOnly
from handrail.wire.foreign_json import load_object
from handrail.wire.sse import DONE, EventReader, collect

HEAD = '{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"'
TAIL = '"},"finish_reason":null}]}'
PLAIN = HEAD + "Hello" + TAIL
PADDED = TAIL[:-1] + ',"obfuscation":"'


def parsed(events: Sequence[str]) -> ChatStream:
    stream = ChatStream()
    for data in events:
        payload = load_object(data)
        if payload is None:
            stream.broken()
        else:
            stream.feed(payload)
    return stream


def told(stream: ChatStream) -> tuple[object, ...]:
    return stream.chunks, stream.whole, stream.drafts()


def as_body(events: Sequence[str]) -> bytes:
    return "".join(f"data: {data}\n\n" for data in events).encode()


def check(events: Sequence[str]) -> None:
    expected = told(parsed(events))
    together, one_by_one = ChatStream(), ChatStream()
    collect(together, as_body(events))
    for data in events:
        one_by_one.feed_data(data)
    assert told(together) == expected
    assert told(one_by_one) == expected


def event(delta: object, index: object = 0, **more: object) -> str:
    choice = {"index": index, "delta": delta, "finish_reason": None}
    return json.dumps({"id": "c", "model": "m", "choices": [choice], **more}, ensure_ascii=False)


INSIDES = st.one_of(
    st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
    st.text(max_size=12).map(lambda text: json.dumps(text)[1:-1]),
    # What only looks like the inside of a text.
    st.sampled_from(["\\", '"', '","role":"tool', '"}},{"x":"', "\\u12", "\\ud83d", "\t", "\x7f", "é\u2028"]),
)
CHUNKS = st.one_of(
    INSIDES.map(lambda inside: HEAD + inside + TAIL),
    st.builds(event, st.fixed_dictionaries({"content": st.text(max_size=9)}), st.integers(0, 2)),
    st.builds(event, st.just({"role": "assistant", "content": "a"})),
    st.tuples(
        INSIDES, st.sampled_from(["aZ09", "", "a b", '"', "\\", "ann@example.org", "4111111111111111"])
    ).map(lambda pair: HEAD + pair[0] + PADDED + pair[1] + '"}'),
    st.sampled_from(['{"obfuscation":"x","choices":[{"index":0,"delta":{"content":"y"}}]}']),
    st.builds(event, st.just({"content": "a", "refusal": "no"})),
    st.builds(event, st.just({"content": "a"}), usage=st.just({"total_tokens": 3})),
    st.builds(event, st.just({"content": "a"}), note=st.text(max_size=5)),
    st.sampled_from([event({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}), "[1]", "{"]),
    st.sampled_from([HEAD, TAIL, HEAD[:-1], '{"content":"a"}', PLAIN + " ", event({}, finish="x")]),
)


@pytest.mark.parametrize("first", [PLAIN, HEAD + "Hello" + PADDED + 'xY1"}'])
@given(events=st.lists(CHUNKS, max_size=9), again=st.integers(1, 3))
def test_what_is_read_together_is_what_each_says(first: str, events: list[str], again: int) -> None:
    check([first, *(one for one in events for _ in range(again)), first])


def test_the_same_name_elsewhere_is_not_the_text() -> None:
    check(['{"content":"x","choices":[{"index":0,"delta":{"content":"x"}}]}'] * 3)
    check(['{"choices":[{"index":0,"delta":{"c\\u006fntent":"x"}}],"id":"\\"content\\": \\"x\\""}'] * 3)
    check(['{"choices":[{"index":0,"delta":{"content":"x"},"message":{"content":"y"}}]}'] * 3)
    hidden = '"choices":[{"index":0,"delta":{"c\\u006fntent":"x"}}]'
    for beside in (
        '"usage":{"content":"x"}',
        '"usage":{ "content" : "x"}',
        '"id":"c","usage":{"a":1,"content":"x"}',
    ):
        check([f"{{{hidden},{beside}}}", f"{{{hidden},{beside.replace('x', 'y')}}}"])
        check([f"{{{beside},{hidden}}}", f"{{{beside.replace('x', 'y')},{hidden}}}"])


def test_a_run_longer_than_what_is_looked_at_together_is_read_whole() -> None:
    check([HEAD + f"word {number} " + TAIL for number in range(700)])
    check([HEAD + "x" * 20_000 + TAIL] * 3)


def test_a_chunk_like_the_last_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = ChatStream()
    stream.feed_data(PLAIN)

    def never(data: str) -> None:
        raise AssertionError(data)

    monkeypatch.setattr("handrail.wire.chat.stream.load_object", never)
    assert stream.feed_data(HEAD + " again" + TAIL) == TextOnly(0, " again")
    assert stream.drafts()[0].text == "Hello again"


def test_random_padding_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = ChatStream()
    stream.feed_data(HEAD + "Hello" + PADDED + 'k9"}')
    monkeypatch.setattr("handrail.wire.chat.stream.load_object", lambda data: None)
    assert stream.feed_data(HEAD + " again" + PADDED + 'Pq3xZ"}') == TextOnly(0, " again")
    assert stream.feed_data(HEAD + "!" + PADDED + 'ann@example.org"}') is None


@pytest.mark.parametrize(
    "data",
    [
        event({"content": "a"}, finish_reason="x"),
        event({"content": "a", "name": "b"}),
        event({"content": ["a"]}),
        event({"content": "a"}, index=-1),
        event({"content": "a", "role": "tool"}),
        event({"content": "a"}, choices=[]),
    ],
)
def test_a_chunk_that_says_more_than_a_text_stands_for_no_other(data: str) -> None:
    payload = load_object(data)
    assert payload is not None
    assert alike.alike(payload, data) is None


@given(
    events=st.lists(st.one_of(CHUNKS.filter(str.isprintable), st.just(DONE)), max_size=6),
    line_end=st.sampled_from(["\n", "\r\n"]),
    before=st.sampled_from(["", ": note\n", "\ufeff", "id: 1\n", ": alive\n\n", "event: ping\n"]),
    size=st.integers(1, 40),
)
def test_a_body_is_collected_as_its_events_are_cut(
    events: list[str], line_end: str, before: str, size: int
) -> None:
    body = "".join(f"{before}data: {data}{line_end}{line_end}" for data in events).encode()
    reader, expected = EventReader(), ChatStream()
    for at in range(0, len(body), size):
        for one in reader.feed(body[at : at + size]):
            if one.data not in ("", DONE):
                expected.feed_data(one.data)
    stream = ChatStream()
    collected = collect(stream, body)
    assert collected.is_closed == (DONE in events)
    assert collected.shown == b"".join(one.shown for one in EventReader().feed(body))
    assert told(stream) == told(expected)


def test_what_has_not_ended_breaks_a_stream_that_is_collected() -> None:
    stream = ChatStream()
    collect(stream, as_body([PLAIN, PLAIN]) + b"data: {")
    assert stream.drafts()[0].unreadable == ("stream",)
