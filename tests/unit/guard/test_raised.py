"""An error of a guarded function keeps its class and loses what the policy withholds."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pydantic
import pytest
from openai import BadRequestError, RateLimitError

from handrail import AnswerBlocked, Guard
from handrail.errors import ErrorWithheld
from support.open_world import CARD, MAIL, SSN, everything, guard_of

WORDS = MAIL.phrase()


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = guard_of(tmp_path_factory.mktemp("redact"), "redact")
    yield made
    made.close()


class Told(Exception):
    """An error with a constructor of its own and something beside its arguments."""

    def __init__(self, order: int, detail: object, *, secret: object = None) -> None:
        super().__init__(f"order {order}")
        self.order, self.detail, self.secret = order, detail, secret


class Number(pydantic.BaseModel):
    n: int


def invalid(given: object) -> Exception:
    try:
        Number(n=given)  # type: ignore[arg-type]
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


def refused(kind: type[Any], words: str) -> Any:
    request = httpx.Request("POST", "http://model.test/v1")
    response = httpx.Response(429, request=request, json={"error": {"message": words}})
    return kind(f"Error 429: {words}", response=response, body={"message": words})


def caused(words: str) -> Exception:
    error = LookupError("no order")
    error.__cause__ = KeyError(words)
    return error


def noted(words: str) -> Exception:
    error = LookupError("no order")
    error.add_note(words)
    return error


ERRORS: dict[str, Callable[[Any], BaseException]] = {
    "text": ValueError,
    "attribute": lambda words: Told(7, words),
    "another constructor": lambda words: Told(7, 1, secret={"deep": [words]}),
    "cause": caused,
    "note": noted,
    "group": lambda words: ExceptionGroup("two", [ValueError("fine"), KeyError(words)]),
    "file": lambda words: FileNotFoundError(2, "No such file", words),
    "decoding": lambda words: UnicodeDecodeError("utf-8", str(words).encode(), 0, 1, "bad"),
    "exit": SystemExit,
    "openai": lambda words: refused(BadRequestError, words),
}


def raised(guard: Guard | None, error: BaseException) -> BaseException:
    """What the caller of a guarded function that raises this catches, with its traceback."""

    def ask(question: str) -> str:
        raise error

    try:
        (ask if guard is None else guard(ask))("Where?")
    except BaseException as caught:  # noqa: BLE001 - whatever it is, it is looked at
        return caught
    raise AssertionError


def frames(error: BaseException) -> str:
    """The locals of every frame of a traceback but the one that caught it, as an error reporter has them."""
    told, trace = [], error.__traceback__
    while trace is not None:
        told.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    return "".join(told[1:])


@pytest.mark.parametrize("name", ERRORS)
def test_bypass_an_error_is_of_its_class_and_tells_nothing_that_is_withheld(guard: Guard, name: str) -> None:
    assert MAIL.needle in everything(raised(None, ERRORS[name](WORDS))), "the control must leak"
    told = raised(guard, ERRORS[name](WORDS))
    assert type(told) is type(ERRORS[name](WORDS))
    assert MAIL.needle not in everything(told)
    assert "ask, line" in "".join(told.__notes__)


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "exit"])
def test_an_error_that_tells_nothing_is_the_very_same_object(guard: Guard, name: str) -> None:
    error = ERRORS[name]("order 7")
    told = raised(guard, error)
    assert told is error
    assert "ask" in [frame.name for frame in traceback.extract_tb(told.__traceback__)]


@pytest.mark.parametrize("is_caused", [False, True])
def test_no_frame_of_an_error_whose_text_is_withheld_holds_it(guard: Guard, *, is_caused: bool) -> None:
    def ask(question: str) -> str:
        held = WORDS
        if not is_caused:
            raise ValueError(held)
        try:
            raise KeyError(held)
        except KeyError as error:
            raise ValueError("no order") from error

    with pytest.raises(ValueError) as bare:
        ask("Where?")
    assert MAIL.needle in frames(bare.value), "the control must leak"
    with pytest.raises(ValueError) as caught:
        guard(ask)("Where?")
    assert "decorator.py" in str(traceback.extract_tb(caught.value.__traceback__))
    assert MAIL.needle not in frames(caught.value)


def test_what_is_clean_of_an_error_is_kept(guard: Guard) -> None:
    told = raised(guard, Told(7, WORDS, secret="blue"))
    assert isinstance(told, Told)
    assert (told.order, told.secret, hasattr(told, "detail")) == (7, "blue", False)
    limit = raised(guard, refused(RateLimitError, WORDS))
    assert isinstance(limit, RateLimitError)
    assert limit.status_code == 429
    assert not hasattr(limit, "body")


def test_what_cannot_be_read_is_left_out_and_the_text_stays(guard: Guard) -> None:
    error = Told(7, object())
    told = raised(guard, error)
    assert isinstance(told, Told)
    assert told is not error
    assert (str(told), told.order, hasattr(told, "detail")) == ("order 7", 7, False)
    assert "ask" in [frame.name for frame in traceback.extract_tb(told.__traceback__)]


def test_an_error_that_cannot_be_made_anew_is_named(guard: Guard) -> None:
    told = raised(guard, invalid(WORDS))
    assert isinstance(told, ErrorWithheld)
    assert told.kind.endswith("ValidationError")
    assert MAIL.needle not in everything(told)
    assert MAIL.needle in everything(invalid(WORDS)), "the control must leak"
    error = invalid("order seven")
    assert raised(guard, error) is error


def test_a_class_that_runs_code_when_it_is_made_is_not_run(guard: Guard) -> None:
    made: list[str] = []

    class Loud(Exception):
        def __new__(cls, *args: object) -> "Loud":
            made.append("new")
            return super().__new__(cls, *args)

        def __init__(self, *args: object) -> None:
            made.append("init")

    error = Loud(WORDS)
    assert isinstance(raised(guard, error), Loud)
    assert made == ["new", "init"]


@pytest.mark.parametrize(
    "error", [ValueError("Her SSN is", SSN.needle), ValueError(int(CARD.needle)), KeyError({MAIL.needle: 1})]
)
def test_what_only_a_neighbour_gives_away_is_withheld_as_numbers_and_keys_are(
    guard: Guard, error: Exception
) -> None:
    told = raised(guard, error)
    assert type(told) is type(error)
    assert not any(one.needle in everything(told) for one in (SSN, CARD, MAIL))


def test_the_librarys_own_errors_pass_as_they_are(guard: Guard) -> None:
    blocked = AnswerBlocked.__new__(AnswerBlocked)
    assert raised(guard, blocked) is blocked


def test_a_program_that_fails_does_not_seem_to_have_done_well(guard: Guard) -> None:
    told = raised(guard, SystemExit(WORDS))
    assert isinstance(told, SystemExit)
    assert told.code == 1


def _coroutine() -> Any:
    async def ask(question: str) -> str:
        raise LookupError(WORDS)

    return ask, lambda asked: asyncio.run(asked("Where?"))


def _generator() -> Any:
    def ask(question: str) -> Iterator[str]:
        yield "fine"
        raise LookupError(WORDS)

    return ask, lambda asked: list(asked("Where?"))


def _async_generator() -> Any:
    async def ask(question: str) -> AsyncIterator[str]:
        yield "fine"
        raise LookupError(WORDS)

    async def collect(asked: Any) -> list[str]:
        return [chunk async for chunk in asked("Where?")]

    return ask, lambda asked: asyncio.run(collect(asked))


@pytest.mark.parametrize("kind", [_coroutine, _generator, _async_generator])
def test_bypass_every_kind_of_function_is_judged_when_it_fails(guard: Guard, kind: Callable[[], Any]) -> None:
    ask, call = kind()
    with pytest.raises(LookupError) as bare:
        call(ask)
    assert MAIL.needle in everything(bare.value), "the control must leak"
    for options in ({}, {"faults": (LookupError,)}):
        with pytest.raises(LookupError) as told:
            call(guard(**options)(ask))
        assert MAIL.needle not in everything(told.value)
        assert MAIL.needle not in everything(told.value.__context__)


class Halved(Exception):
    """An error that is whole only where it is represented."""

    def __str__(self) -> str:
        return "failed"

    def __repr__(self) -> str:
        return f"Halved: {self.args[0]}{self.args[1]}"


class Kept(Exception):
    def __init__(self, first: object, second: object) -> None:
        super().__init__("failed")
        self.first, self.second = first, second


@pytest.mark.parametrize(
    "make",
    [
        lambda: Halved(CARD.needle[:8], CARD.needle[8:]),
        lambda: Kept(CARD.needle[:9], CARD.needle[9:]),
        lambda: Kept(41111111, 11111111),
        lambda: ValueError(4111, 1111, 1111, 1111),
        lambda: ValueError(*CARD.needle),
        lambda: ValueError("social_security", SSN.needle),
    ],
)
def test_what_is_split_over_parts_of_an_error_is_withheld(
    guard: Guard, make: Callable[[], Exception]
) -> None:
    @guard
    def ask(question: str) -> str:
        raise make()

    with pytest.raises(Exception) as raised:
        ask("Where?")
    error = raised.value
    told = f"{error}{error!r}{error.args}{vars(error)}"
    assert not any(part in told for part in (CARD.needle[:8], CARD.needle[8:], SSN.needle, "1111"))
