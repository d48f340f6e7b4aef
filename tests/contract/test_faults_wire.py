"""Each value of a provider's JSON that was once read in part: named for what must not pass."""

import copy
import json
from collections.abc import Iterator

import pytest

from handrail import Guard
from support.open_world import CARD, MAIL, guard_of, leaks
from support.wire_bodies import CHAT, FORMATS, RESPONSE, STREAMS, chat_events, chunk, response_events, sse
from support.wire_plants import ODD, ODD_REQUESTS, Exchange, planted
from support.wire_ways import Wire, read_back

WORDS = MAIL.phrase()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = guard_of(tmp_path_factory.mktemp("strict"), "hand_off")
    yield guard
    guard.close()


@pytest.fixture(scope="module")
def redacting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = guard_of(tmp_path_factory.mktemp("redacting"), "redact")
    yield guard
    guard.close()


PLAIN = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "Where?"}]},
    "responses": {"model": "m", "input": "Where?"},
    "anthropic": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Where?"}]},
}
CALL = ("choices", 0, "message", "tool_calls", 0)
PLACES: list[tuple[str, tuple[str | int, ...], str]] = [
    ("chat", (*CALL, "why"), "text"),
    ("chat", CALL, "key"),
    ("chat", (*CALL, "function", "name"), "text"),
    ("chat", ("choices", 0, "finish_reason"), "text"),
    ("chat", ("choices", 1, "message", "refusal"), "text"),
    ("chat", ("choices", 1, "message", "reasoning_content"), "text"),
    ("chat", ("choices", 0, "message", "parsed", "answer"), "text"),
    ("chat", ("metadata", "topic"), "text"),
    ("chat", ("extension",), "key"),
    ("chat", ("extension", "list", 1), "number"),
    ("responses", ("output_text",), "text"),
    ("responses", ("metadata", "topic"), "text"),
    ("responses", ("extension", "list", 1), "number"),
]


def is_withheld(wire: Wire, exchange: Exchange, *guards: Guard) -> bool:
    """The control leaks, and behind each guard neither the provider nor the caller sees the secret."""

    def shows(guard: Guard | None) -> bool:
        sent, told = wire.ask(exchange, guard)
        return leaks(exchange.needles, *map(json.loads, sent), *read_back(told), told)

    assert shows(None), "the control must leak"
    return not any(map(shows, guards))


@pytest.mark.parametrize(("form", "path", "kind"), PLACES)
def test_a_field_of_an_answer_is_judged(
    wire: Wire, strict: Guard, redacting: Guard, form: str, path: tuple[str | int, ...], kind: str
) -> None:
    body = planted(CHAT if form == "chat" else RESPONSE, (path, kind), MAIL)
    needles = (CARD.needle if kind == "number" else MAIL.needle,)
    exchange = Exchange(form, PLAIN[form], json.dumps(body).encode(), needles)
    assert is_withheld(wire, exchange, strict, redacting)


@pytest.mark.parametrize(("form", "name"), [(form, name) for form, odd in ODD.items() for name in odd])
def test_an_answer_in_a_shape_nobody_should_send_is_judged(
    wire: Wire, strict: Guard, redacting: Guard, form: str, name: str
) -> None:
    body = copy.deepcopy(FORMATS[form][2])
    needles = ODD[form][name](body, MAIL, 6)
    exchange = Exchange(form, PLAIN[form], json.dumps(body).encode(), needles)
    assert is_withheld(wire, exchange, strict, redacting)


@pytest.mark.parametrize(
    ("form", "name"), [(form, name) for form, odd in ODD_REQUESTS.items() for name in odd]
)
def test_a_request_in_a_shape_nobody_should_send_is_judged(
    wire: Wire, strict: Guard, redacting: Guard, form: str, name: str
) -> None:
    _, request, answer = FORMATS[form]
    body = copy.deepcopy(request)
    needles = ODD_REQUESTS[form][name](body, MAIL, 6)
    exchange = Exchange(form, body, json.dumps(answer).encode(), needles)
    assert is_withheld(wire, exchange, strict, redacting)


@pytest.mark.parametrize(
    "path",
    [("messages", 0, "name"), ("messages", 4, "name"), ("tools", 0, "function", "description")],
    ids=["a system's name", "a user's name", "a tool's description"],
)
def test_a_field_of_a_request_is_judged(
    wire: Wire, strict: Guard, redacting: Guard, path: tuple[str | int, ...]
) -> None:
    _, request, answer = FORMATS["chat"]
    body = planted(request, (path, "text"), MAIL)
    exchange = Exchange("chat", body, json.dumps(answer).encode(), (MAIL.needle,))
    assert is_withheld(wire, exchange, strict, redacting)


def test_a_chunk_that_carries_a_whole_message_is_judged(wire: Wire, strict: Guard, redacting: Guard) -> None:
    events = chat_events(["Fine", ", ", "soon"])
    events[3]["choices"][0]["message"] = {"role": "assistant", "content": WORDS}
    exchange = Exchange("chat", {**PLAIN["chat"], "stream": True}, sse(events, "chat"), (MAIL.needle,))
    assert is_withheld(wire, exchange, strict, redacting)


@pytest.mark.parametrize("at", ["response.created", "response.completed"])
def test_every_event_that_carries_a_response_is_judged(
    wire: Wire, strict: Guard, redacting: Guard, at: str
) -> None:
    events = response_events(["Fine", ", ", "soon"])
    one = next(event for event in events if event["type"] == at)
    again = {**one, "response": {**one["response"], "output_text": WORDS}}
    if at == "response.completed":
        events.append(again)
    else:
        events[events.index(one)] = again
    exchange = Exchange(
        "responses", {**PLAIN["responses"], "stream": True}, sse(events, "responses"), (MAIL.needle,)
    )
    assert is_withheld(wire, exchange, strict, redacting)


@pytest.mark.parametrize("form", ["chat", "anthropic"])
def test_a_trailing_assistant_message_changes_no_verdict_on_the_input(
    wire: Wire, strict: Guard, form: str
) -> None:
    messages = [{"role": "user", "content": WORDS}, {"role": "assistant", "content": "Well,"}]
    request = {"model": "m", "max_tokens": 9, "messages": messages}
    answer = json.dumps(FORMATS[form][2]).encode()
    sent, told = wire.ask(Exchange(form, request, answer), strict)
    assert sent == []
    assert "handoff" in told


BLOCKS = [("card 4539148803436467", "Thanks"), ("write to a.b@example.org", "tail words")]


@pytest.mark.parametrize(("first", "second"), BLOCKS)
def test_parts_of_a_response_lose_no_word_and_keep_no_secret(
    wire: Wire, redacting: Guard, first: str, second: str
) -> None:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in (first, second)]
    item = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": parts}
    body = {"id": "r1", "object": "response", "status": "completed", "model": "m", "output": [item]}
    exchange = Exchange("responses", {"model": "m", "input": "Where?"}, json.dumps(body).encode())
    _, text = wire.ask(exchange, redacting)
    (told,) = read_back(text)
    said = [part["text"] for part in told["output"][0]["content"]]  # type: ignore[index]
    assert first.rpartition(" ")[2] not in said[0]
    assert said[1] == second


LINES = [": {}", "id: {}", "retry: {}", "note: {}", "{}", "event: {}", "Data: {}", "\ufeffdate: {}"]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("form", STREAMS)
def test_a_line_of_an_event_that_nobody_judges_is_shown_to_nobody(
    wire: Wire, strict: Guard, redacting: Guard, form: str, line: str
) -> None:
    stream = sse(STREAMS[form][0](["Fine", ", ", "soon"]), form)
    answer = f"{line.format(MAIL.needle)}\n".encode() + stream
    exchange = Exchange(form, {**PLAIN[form], "stream": True}, answer, (MAIL.needle,))
    assert is_withheld(wire, exchange, strict, redacting)
    assert b"soon" in wire.ask(exchange, strict)[1].encode()


def test_a_name_that_a_reader_puts_together_is_judged_whole(
    wire: Wire, strict: Guard, redacting: Guard
) -> None:
    events = chat_events(["Fine"])
    halves = MAIL.needle[:10], MAIL.needle[10:]
    calls = [{"index": 0, "id": "a", "type": "function", "function": {"name": half}} for half in halves]
    events[1:1] = [chunk(0, {"tool_calls": [call]}) for call in calls]
    exchange = Exchange("chat", {**PLAIN["chat"], "stream": True}, sse(events, "chat"))
    for guard in (strict, redacting):
        _, told = wire.ask(exchange, guard)
        assert not all(half in told for half in halves)


HALF = "\\ud83d"
"""Half of a character, as JSON may write it."""


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_character_is_judged_like_any_other(
    wire: Wire, strict: Guard, redacting: Guard, form: str
) -> None:
    for words in ("Fine", f"Fine {WORDS}"):
        answer = json.dumps(FORMATS[form][2]).replace("Fine", f"{HALF} {words}").encode()
        exchange = Exchange(form, PLAIN[form], answer, (MAIL.needle,))
        for guard in (strict, redacting):
            _, told = wire.ask(exchange, guard)
            assert not leaks(exchange.needles, *read_back(told), told)
            assert ("Fine" in told) is (words == "Fine" or guard is redacting)
