"""Small inputs that once came through in part: each is withheld, masked where it lies, or handed off."""

import concurrent.futures
import functools
import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, ConfigDict, Field

from handrail import ConfigError, Guard, HandoffRequired
from handrail_adapters.langchain import GuardedRunnable
from support.open_world import CARD, MAIL, SSN, everything, guard_of, leaks
from support.open_world_values import Opaque

WORDS = MAIL.phrase()


@pytest.fixture(scope="module")
def redacting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = guard_of(tmp_path_factory.mktemp("redact"), "redact")
    yield guard
    guard.close()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = guard_of(tmp_path_factory.mktemp("hand-off"), "hand_off")
    yield guard
    guard.close()


class Reply(BaseModel):
    """What a provider's package returns: fields it knows, fields it does not, fields it leaves out."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)
    content: str = "Fine."
    choices: Any = None
    tool_calls: Any = None
    hidden: str = Field("", exclude=True)


def _future(value: Any) -> Any:
    made: concurrent.futures.Future[Any] = concurrent.futures.Future()
    made.set_result(value)
    return made


UNREAD: dict[str, Callable[[], Any]] = {
    "a tool call beside content": lambda: Reply(tool_calls=[{"arguments": WORDS}]),
    "an extra field beside content": lambda: Reply(additional_kwargs={"deep": WORDS}),
    "a field that no dump shows": lambda: Reply(hidden=WORDS),
    "a list that is called choices": lambda: Reply(choices=[{"answer": WORDS}]),
    "a refusal of the second choice": lambda: Reply(
        choices=[{"message": {"content": "Fine."}}, {"message": {"content": "No.", "refusal": WORDS}}]
    ),
    "reasoning of the second choice": lambda: Reply(
        choices=[{"message": {"content": "a"}}, {"message": {"content": "b", "reasoning_content": WORDS}}]
    ),
    "a key": lambda: {WORDS: 1},
    "a number": lambda: {"order": int(CARD.needle)},
    "a deque": lambda: deque([WORDS]),
    "an object in a list": lambda: [Opaque(WORDS)],
    "a lazy iterable": lambda: {"lines": (line for line in [WORDS])},
    "a future": lambda: _future(WORDS),
    "a callable": lambda: functools.partial(str, WORDS),
    "UTF-16 bytes": lambda: WORDS.encode("utf-16"),
}
NEEDLES = {"a number": CARD.needle}


@pytest.mark.parametrize("name", UNREAD)
def test_a_secret_is_withheld_from_the_caller_in(strict: Guard, redacting: Guard, name: str) -> None:
    needles = (NEEDLES.get(name, MAIL.needle),)
    assert leaks(needles, UNREAD[name]()), "the control must leak"
    for guard in (strict, redacting):
        try:
            told = everything(guard(lambda question: UNREAD[name]())("Where?"))
        except HandoffRequired as withheld:
            told = everything(withheld)
        assert not leaks(needles, told)


@pytest.mark.parametrize("name", UNREAD)
def test_a_secret_is_withheld_from_the_model_in(strict: Guard, redacting: Guard, name: str) -> None:
    needles = (NEEDLES.get(name, MAIL.needle),)
    for guard in (strict, redacting):
        seen: list[Any] = []
        try:
            told = everything(guard(_noting(seen))(UNREAD[name]()))
        except (HandoffRequired, ConfigError) as withheld:
            told = everything(withheld)
        assert not leaks(needles, told, *seen)


def _noting(seen: list[Any]) -> Callable[[Any], str]:
    def ask(question: Any) -> str:
        seen.append(question)
        return "Fine."

    return ask


def test_what_a_generator_returns_is_judged(strict: Guard) -> None:
    @strict
    def ask(question: str) -> Any:
        yield "Fine."
        return WORDS

    chunks, told = ask("Where?"), []
    try:
        while True:
            told.append(next(chunks))
    except StopIteration as stop:
        told.append(stop.value)
    except HandoffRequired as withheld:
        told.append(withheld)
    assert not leaks((MAIL.needle,), *told)


def test_a_secret_cut_over_chunks_that_are_objects_is_masked_whole(redacting: Guard) -> None:
    first, second = SSN.halves(2)

    @redacting
    def ask(question: str) -> Iterator[Any]:
        yield {"delta": first, "index": 0}
        yield {"delta": second, "index": 0}

    try:
        told = list(ask("Where?"))
    except HandoffRequired:
        return
    assert all(isinstance(chunk, dict) and chunk["index"] == 0 for chunk in told)
    text = "".join(chunk["delta"] for chunk in told)
    assert SSN.needle not in text
    assert text.startswith("Her SSN is ")
    assert text.endswith(" as said")


def test_choices_that_take_turns_are_read_apart(redacting: Guard) -> None:
    pieces = zip(SSN.halves(0), ("Fine", ", soon"), strict=True)
    chunks = [{"index": at, "delta": text} for pair in pieces for at, text in enumerate(pair)]

    @redacting
    def ask(question: str) -> Iterator[Any]:
        yield from chunks

    assert leaks((SSN.needle,), *chunks), "the control must leak"
    try:
        told = list(ask("Where?"))
    except HandoffRequired:
        return
    assert not leaks((SSN.needle,), *told)
    assert "".join(chunk["delta"] for chunk in told if chunk["index"] == 1) == "Fine, soon"


@pytest.mark.parametrize(
    "value", [["Her SSN is", SSN.needle], {"about": "Her SSN is", "value": SSN.needle}, {"ssn": SSN.needle}]
)
def test_a_value_found_by_a_word_in_another_leaf_is_masked_where_it_lies(
    redacting: Guard, value: Any
) -> None:
    told = redacting(lambda question: value)("Where?")
    assert type(told) is type(value)
    assert not leaks((SSN.needle,), told)


def test_a_secret_over_two_texts_is_masked_in_each(redacting: Guard) -> None:
    first, second = MAIL.halves(6)
    told = redacting(lambda question: [first, second])("Where?")
    assert not leaks((first.rpartition(" ")[2], second.partition(" ")[0]), told)
    assert (told[0][:6], told[1][-8:]) == ("It is ", " as said")


@pytest.mark.parametrize("gap", ["\\n", "\\t", "\\u000a", "\\\\", "\\/"])
@pytest.mark.parametrize("secret", [MAIL, CARD], ids=["e-mail", "card"])
def test_a_secret_behind_an_escape_of_json_is_masked_and_the_json_stays_valid(
    redacting: Guard, gap: str, secret: Any
) -> None:
    text = f'{{"answer" : "Write to{gap}{secret.needle}", "n": 1.50}}'
    told = redacting(lambda question: text)("Where?")
    assert secret.needle not in told
    assert json.loads(told)["answer"].startswith(json.loads(text)["answer"][: len("Write to") + 1])
    assert told.endswith('", "n": 1.50}')


def test_a_card_behind_an_escape_of_json_reaches_no_tool(strict: Guard) -> None:
    ran: list[str] = []

    @strict.tool
    def note(text: str) -> str:
        ran.append(text)
        return "noted"

    with pytest.raises(HandoffRequired):
        note(f'{{"card":"a\\n{CARD.needle}"}}')
    assert ran == []


def test_a_guarded_runnable_reads_more_than_content(redacting: Guard) -> None:
    inner = RunnableLambda(lambda given: AIMessage("Fine.", additional_kwargs={"note": WORDS}))
    try:
        told = everything(GuardedRunnable(inner, redacting).invoke("Where?"))
    except HandoffRequired as withheld:
        told = everything(withheld)
    assert MAIL.needle not in told
