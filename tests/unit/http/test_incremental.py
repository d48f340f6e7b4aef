"""What of a stream goes early, and what waits with everything behind it."""

import json
from typing import Any

import pytest

from handrail.http.incremental import GAP, IncrementalRelease, ReleaseQueue
from handrail.pipeline.stream import StreamRelease
from handrail.scan import default_scanner

END: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def stream_release() -> StreamRelease:
    return StreamRelease(default_scanner(), frozenset({"email"}))


def says(text: object, *, choice: dict[str, Any] | None = None, **beside: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, **(choice or {})}], **beside}


def event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def first_text(events: bytes) -> str:
    first = json.loads(events.removeprefix(b"data: ").split(b"\n\n")[0])
    return str(first["choices"][0]["delta"]["content"])


def shown(*chunks: dict[str, Any]) -> list[bytes]:
    release = IncrementalRelease(stream_release, strips_logprobs=False)
    return [release.take(event(chunk)) for chunk in chunks]


def test_text_that_nothing_can_concern_any_more_goes_as_it_came() -> None:
    chunks = [says("The parcel is "), says("on its way to you. "), says("It arrives "), says("tomorrow. ")]
    assert b"".join(shown(*chunks)).startswith(event(chunks[0]) + event(chunks[1]))


@pytest.mark.parametrize(
    "odd",
    [
        says("fine", choice={"finish_reason": "stop"}),
        says([{"type": "text", "text": "write to ann@example.org"}]),
        says("fine", choice={"commentary": "write to ann@example.org"}),
        says("fine", commentary="write to ann@example.org"),
        says("fine", usage={"total_tokens": 3}),
        {"id": "c", "choices": [{"index": 0, "delta": {"content": "fine", "reasoning": "ann@example.org"}}]},
        {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]},
        {"id": "c", "choices": [{"delta": {"content": "nobody's"}}]},
        {"id": "c", "choices": []},
        {"id": "c", "choices": [{"index": 0, "delta": "write to ann@example.org"}]},
    ],
)
def test_what_holds_more_than_text_waits_and_so_does_all_behind_it(odd: dict[str, Any]) -> None:
    first = says("The order left the house this morning. ")
    release = IncrementalRelease(stream_release, strips_logprobs=False)
    told = release.take(event(first))
    told += release.take(event(odd))
    told += b"".join(release.take(event(says("and more of it, a long way from it. "))) for _ in range(9))
    assert event(first).startswith(told)
    assert (told + release.rest()).startswith(event(first) + event(odd))


def test_bytes_that_are_no_event_wait_and_cannot_be_judged() -> None:
    release = IncrementalRelease(stream_release, strips_logprobs=False)
    assert release.take(b"data: <html>\n\n") == b""
    assert release.take(event(says("The order left the house this morning, it is said. "))) == b""
    assert [draft.fault.value for draft in release.stream.drafts() if draft.fault] == ["unreadable"]


def test_a_notice_stands_apart_only_from_what_was_shown() -> None:
    notice = {"id": "c", "choices": [{"index": 0, "message": {"content": "A person will answer."}}]}
    release = IncrementalRelease(stream_release, strips_logprobs=False)
    assert GAP not in first_text(release.rest_instead(notice))
    for _ in range(9):
        release.take(event(says("The order left the house this morning. ")))
    assert first_text(release.rest_instead(notice)) == f"{GAP}A person will answer."


def test_each_choice_has_a_release_of_its_own_and_none_overtakes_another() -> None:
    queue = ReleaseQueue[str](stream_release)
    queue.put("one", [(0, "write to ann@example")])
    queue.put("two", [(1, "all clear here, and that is all. ")])
    assert list(queue.ready()) == []
    assert queue.rest() == ["one", "two"]
    assert queue.shown(1) == ""
