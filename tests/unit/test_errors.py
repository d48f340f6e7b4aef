"""Errors cross processes and copies whole: message, fields and kind."""

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import handrail
from handrail.errors import HandrailError
from handrail.records import Decision, Effect, Handoff, PolicyRef, Reason, Stage, Trigger
from handrail.review.changes.proposal import WhyRefused

DECISION = Decision(
    stage=Stage.ANSWER,
    effect=Effect.BLOCK,
    policy=PolicyRef(name="p", version="1", sha256="0" * 64),
    reasons=(Reason(rule="no", effect=Effect.BLOCK, trigger=Trigger.NEVER_AI),),
)
HANDOFF = Handoff(ticket="t1", role="lead", triggers=(Trigger.HIGH_STAKES,), notice="Wait.")
VALUES: dict[object, object] = {
    str: "some words",
    int: 7,
    float: 0.5,
    bool: True,
    Any: "a result",
    Decision: DECISION,
    Handoff: HANDOFF,
    WhyRefused: WhyRefused.STALE,
}


def kinds(root: type[HandrailError] = HandrailError) -> Iterator[type[HandrailError]]:
    """Every kind of error in the library, wherever it is defined."""
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def made(kind: type[HandrailError]) -> HandrailError:
    """An error with a value of its own in every field."""
    if kind.__init__ is Exception.__init__:
        return kind("some words")
    parameters = list(inspect.signature(kind).parameters.values())
    values = [VALUES[parameter.annotation] for parameter in parameters]
    named = {p.name: v for p, v in zip(parameters, values, strict=True) if p.kind is p.KEYWORD_ONLY}
    return kind(*values[: len(values) - len(named)], **named)


def pickled(error: HandrailError) -> HandrailError:
    again: HandrailError = pickle.loads(pickle.dumps(error))
    return again


def raised(error: HandrailError) -> None:
    raise error


def seen(error: BaseException) -> tuple[object, ...]:
    return type(error), str(error), error.args, vars(error), getattr(error, "msg", None)


for module in pkgutil.walk_packages(handrail.__path__, "handrail."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
KINDS = [kind for kind in dict.fromkeys(kinds()) if kind.__module__.startswith("handrail")]


def test_the_tree_is_found_beyond_its_module() -> None:
    assert {"PolicyChanged", "MissingExtra", "DeliveryError"} <= {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_whole(
    kind: type[HandrailError], again: Callable[[HandrailError], HandrailError]
) -> None:
    error = made(kind)
    assert seen(again(error)) == seen(error)


def test_every_error_comes_back_whole_from_a_process_pool() -> None:
    errors = [made(kind) for kind in KINDS]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        futures = [pool.submit(raised, error) for error in errors]
        found = [future.exception() for future in futures]
    # The pool adds the worker's traceback as the cause; everything else is as it was.
    assert [seen(error) for error in found if error is not None] == [seen(error) for error in errors]


class OfAFile(HandrailError, OSError):
    """An error of a caller's own, which is a built-in one as well."""


class Slotted(HandrailError):
    """An error of a caller's own, with a slot."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        super().__init__("somewhere")
        self.place = place


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_an_error_of_a_callers_own_keeps_the_fields_of_all_its_classes(
    again: Callable[[HandrailError], HandrailError],
) -> None:
    error = OfAFile(2, "not there", "some.txt")
    told = again(error)
    assert isinstance(told, OfAFile)
    assert (told.errno, told.filename, str(told)) == (2, "some.txt", str(error))
    slotted = again(Slotted(3))
    assert isinstance(slotted, Slotted)
    assert (slotted.place, str(slotted)) == (3, "somewhere")
