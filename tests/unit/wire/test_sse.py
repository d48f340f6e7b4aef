"""Events cut from bytes, whatever the pieces they come in."""

import pytest

from handrail.wire.sse import BROKEN, EventReader, write_event

STREAM = b'event: a\ndata: {"x": 1}\n\n: keep-alive\n\ndata: one\ndata: two\r\n\r\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    reader = EventReader()
    events = [e for i in range(0, len(STREAM), size) for e in reader.feed(STREAM[i : i + size])]
    assert b"".join(event.raw for event in events) + reader.rest == STREAM
    assert [(event.name, event.data) for event in events] == [
        ("a", '{"x": 1}'),
        ("", ""),
        ("", "one\ntwo"),
        ("", "[DONE]"),
    ]


def test_what_is_no_json_object_has_no_payload() -> None:
    for data in (b"data: [1]\n\n", b"data: {\n\n", b"data: x\n\n"):
        (event,) = EventReader().feed(data)
        assert event.payload() is None


def test_bytes_that_are_no_text_are_broken() -> None:
    (event,) = EventReader().feed(b'data: {"a": "\xff"}\n\n')
    assert event.data == BROKEN
    assert event.payload() is None


def test_half_of_a_surrogate_pair_is_written_escaped() -> None:
    assert write_event({"text": "half \ud83d"}) == b'data: {"text":"half \\ud83d"}\n\n'


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        (b'event: a\ndata: {"type": "a"}\n\n', b'event: a\ndata: {"type": "a"}\n\n'),
        (b'event: ann\ndata: {"type": "a"}\n\n', b'data: {"type": "a"}\n\n'),
        (b"event: error\r\ndata: {}\r\n\r\n", b"event: error\r\ndata: {}\r\n\r\n"),
        (b": ann\n\n", b""),
        (b"id: 3\nretry: 5\nann\n: ann\nnote: ann\ndata: {\ndata:}\n\n", b"data: {\ndata: }\n\n"),
        (b"\xef\xbb\xbfdata: {}\n\n", b"data: {}\n\n"),
        (b"data: \xff\n\n", b""),
    ],
)
def test_only_data_and_a_name_that_the_data_has_are_shown(came: bytes, shown: bytes) -> None:
    (event,) = EventReader().feed(came)
    assert (event.raw, event.shown) == (came, shown)
