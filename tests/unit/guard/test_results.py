"""What a guarded function gives is judged whole, whatever its shape, and masked where something was found."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from handrail import ConfigError, Guard, Handoff
from handrail.policy import loads
from handrail.store import Spool, open_store
from handrail.text.documents import document_of

POLICY = """\
policy: masks
version: "1"
owner: process_owner
if_unsure: queue_manager
roles:
  queue_manager: {answer_within: 30 minutes, backup: process_owner}
  process_owner: {answer_within: 1 days}
facts:
  input.findings: {type: set, values: [email, card]}
  output.findings: {type: set, values: [email, card, us_ssn]}
hand_offs:
  - id: mask-in
    when: input.findings has email or input.findings has card
    effect: redact
    because: What identifies people stays out of the model.
  - id: mask-out
    when: output.findings has email or output.findings has card or output.findings has us_ssn
    effect: redact
    because: What identifies people stays out of answers.
on_conflict: {to: process_owner}
tests: []
"""
MAIL, CARD, SSN = "ann@example.org", "4111111111111111", "536-90-4399"


class Reply(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    content: str
    tool_calls: list[dict[str, Any]] = []
    choices: list[str] = []
    hidden: str = pydantic.Field(default="", exclude=True)


@dataclass(frozen=True)
class Delta:
    text: str


@pytest.fixture
def guard(tmp_path: Any) -> Guard:
    store = open_store(f"sqlite:///{tmp_path}/results.db")
    return Guard(loads(POLICY), store=store, spool=Spool.beside(f"sqlite:///{tmp_path}/results.db"))


def given(guard: Guard, result: object) -> object:
    @guard
    def answer(question: str) -> object:
        return result

    return guard.result(answer, "What do you know?")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Reply(content="Hello.", tool_calls=[{"to": MAIL}]), [MAIL]),
        (Reply(content="Hello.", choices=["a", MAIL]), [MAIL]),
        (Reply(content="Hello.", hidden=MAIL), [MAIL]),
        (Reply(content="Hello.", more={"deep": [MAIL]}), [MAIL]),
        (deque([MAIL, "x"]), [MAIL]),
        ({"a": {"b": (MAIL, {"c": MAIL})}}, [MAIL]),
        (MAIL.encode("utf-16"), [MAIL]),
        ([Delta(f"write to {MAIL}"), Delta("x")], [MAIL]),
        (["Her SSN is", "536904399"], ["536904399"]),
        ({"note": "card 4111", "rest": "1111 1111 1111"}, []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_keeps_its_type_and_what_was_found_is_masked(
    guard: Guard, result: Any, expected: list[str]
) -> None:
    masked = given(guard, result)
    assert type(masked) is type(result)
    told = document_of([masked]).text
    for secret in expected:
        assert secret in document_of([result]).text
        assert secret not in told


@pytest.mark.parametrize(
    "result", [int(CARD), {"card": int(CARD)}, {MAIL: "x"}, [Decimal(CARD)], {"a": [{MAIL: 1}]}]
)
def test_what_cannot_hold_a_mask_goes_to_a_person(guard: Guard, result: object) -> None:
    handoff = given(guard, result)
    assert isinstance(handoff, Handoff)
    assert handoff.role == "queue_manager"


def test_what_cannot_be_read_goes_to_a_person(guard: Guard) -> None:
    def lazy() -> Iterator[str]:
        yield MAIL

    for result in ([lazy()], {"call": lambda: MAIL}, object(), [asyncio.Queue()], b"\xff\xfa"):
        assert isinstance(given(guard, result), Handoff)


@pytest.mark.parametrize(
    "result", [None, 7, 2.5, True, "fine", {"a": [1, "x"]}, ("a", "b"), {"x"}, Reply(content="fine"), b"x"]
)
def test_what_holds_nothing_passes_as_the_same_object(guard: Guard, result: object) -> None:
    assert given(guard, result) is result


def test_a_masked_json_text_is_valid_json_of_the_same_layout(guard: Guard) -> None:
    text = '{"answer" :"Write to\\n' + MAIL + '", "n": 1}'
    masked = given(guard, [text])
    assert isinstance(masked, list)
    assert json.loads(masked[0]) == {"answer": "Write to\n[EMAIL]", "n": 1}
    assert masked[0].startswith('{"answer" :"')


def pieces(*texts: str) -> list[dict[str, Any]]:
    return [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]


@pytest.mark.parametrize("cut", range(1, len(SSN)))
def test_what_is_split_over_two_chunks_is_masked_in_both(guard: Guard, cut: int) -> None:
    text = f"Her SSN is {SSN}."
    at = text.index(SSN) + cut

    @guard
    def stream(question: str) -> Iterator[dict[str, Any]]:
        yield from pieces(text[:at], text[at:])

    chunks = list(stream("Tell me."))
    told = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert len(chunks) == 2
    assert told == "Her SSN is [US_SSN]."


def test_two_choices_of_a_stream_are_read_apart(guard: Guard) -> None:
    def chunk(index: int, text: str) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": {"content": text}}]}

    @guard
    def stream(question: str) -> Iterator[dict[str, Any]]:
        yield chunk(0, "Write to ann@exam")
        yield chunk(1, "Nothing ")
        yield chunk(0, "ple.org now")
        yield chunk(1, "at all")

    told: dict[int, str] = {}
    for one in stream("Tell me."):
        choice = one["choices"][0]
        told[choice["index"]] = told.get(choice["index"], "") + choice["delta"]["content"]
    assert told == {0: "Write to [EMAIL] now", 1: "Nothing at all"}


def test_what_a_generator_returns_is_judged_with_what_it_yields(guard: Guard) -> None:
    @guard
    def stream(question: str) -> Iterator[str]:
        yield "fine"
        return MAIL

    ends: list[str] = []

    def told() -> Generator[str, None, None]:
        returned = yield from stream("Tell me.")
        ends.append(returned)

    assert (list(told()), ends) == (["fine"], ["[EMAIL]"])


def test_chunks_of_an_async_stream_keep_their_type(guard: Guard) -> None:
    @guard
    async def stream(question: str) -> AsyncIterator[Delta]:
        yield Delta("write to ann@")
        yield Delta("example.org")

    async def told() -> list[Delta]:
        return [chunk async for chunk in stream("Tell me.")]

    assert asyncio.run(told()) == [Delta("write to [EMAIL]"), Delta("")]


def asked(guard: Guard, *args: object, **options: Any) -> list[object]:
    seen: list[object] = []

    @guard(**options)
    def answer(question: object, db: object = None) -> str:
        seen.append(question)
        return "fine"

    answer(*args)
    return seen


@pytest.mark.parametrize(
    "argument",
    [
        deque([MAIL]),
        {"a": [Delta(MAIL)]},
        Reply(content="x", hidden=MAIL),
        MAIL.encode("utf-16"),
        json.dumps({"write to": MAIL}),
        [{"role": "user", "content": [{"type": "text", "text": MAIL}]}],
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_of_any_shape_reaches_the_model_masked(guard: Guard, argument: object) -> None:
    (seen,) = asked(guard, argument)
    assert type(seen) is type(argument)
    assert MAIL not in document_of([seen]).text
    assert "[EMAIL]" in document_of([seen]).text


@pytest.mark.parametrize("argument", [int(CARD), {MAIL: 1}, [Decimal(CARD)], {"x": {MAIL}, MAIL: "x"}])
def test_what_cannot_be_kept_from_the_model_goes_to_a_person(guard: Guard, argument: object) -> None:
    seen: list[object] = []

    @guard
    def answer(question: object) -> str:
        seen.append(question)
        return "fine"

    assert isinstance(guard.result(answer, argument), Handoff)
    assert seen == []


def test_a_value_that_lies_over_two_texts_of_a_result_is_masked_in_both(guard: Guard) -> None:
    assert given(guard, ["write to ann@exam", "ple.org now"]) == ["write to [EMAIL]", " now"]
    blocks = [{"type": "text", "text": "card 4111 1111"}, {"type": "text", "text": " 1111 1111, thanks"}]
    masked = given(guard, blocks)
    assert isinstance(masked, list)
    assert [block["text"] for block in masked] == ["card [CARD]", ", thanks"]


def test_what_a_value_that_cannot_be_rebuilt_holds_goes_to_a_person(guard: Guard) -> None:
    assert isinstance(given(guard, [ValueError(MAIL)]), Handoff)


def test_an_argument_that_cannot_be_read_is_named_with_the_line_to_add(guard: Guard) -> None:
    with pytest.raises(ConfigError, match=r"'db' cannot be read .* write @guard\(opaque=\('db',\)\)"):
        asked(guard, "hello", object())
    assert asked(guard, "hello", object(), opaque=("db",)) == ["hello"]
    with pytest.raises(ConfigError, match="opaque= names dbb"):
        asked(guard, "hello", object(), opaque="dbb")


def test_the_receiver_of_a_method_is_not_read(guard: Guard) -> None:
    class Assistant:
        def __init__(self) -> None:
            self.client = object()

        @guard
        def answer(self, question: str) -> str:
            return "fine"

    assert Assistant().answer("hello") == "fine"


def controls() -> list[Callable[[], object]]:
    return [lambda: int(CARD), lambda: Reply(content="x", hidden=MAIL)]


def test_without_a_guard_all_of_it_would_leak() -> None:
    for control in controls():
        told = document_of([control()]).text
        assert CARD in told or MAIL in told
