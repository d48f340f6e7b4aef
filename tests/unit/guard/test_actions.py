"""A call read into one action, and the action made a call again."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from handrail import ActionFailed, ConfigError
from handrail.errors import DigestMismatch
from handrail.guard.actions import ToolFunction
from handrail.text.values import register


def pay(order: str, amount: Decimal, *rest: date, note: str = "", **extra: Decimal) -> None:
    """Take arguments of every kind."""


def exact(order: str, /, amount: int = 5, *, note: str | None = None) -> None:
    """Take an argument by its position only."""


NOT_GIVEN = object()


def quiet(order: str, note: object = NOT_GIVEN) -> object:
    return note


def read(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return json.loads(ToolFunction(fn=fn).read(args, kwargs).arguments)


def test_every_way_to_write_a_call_is_one_action() -> None:
    ways = [
        read(exact, "o1"),
        read(exact, "o1", 5),
        read(exact, "o1", amount=5),
        read(exact, "o1", note=None, amount=5),
        read(functools.partial(exact, "o1"), 5),
        read(functools.partial(exact, amount=5), "o1"),
    ]
    assert all(way == {"order": "o1", "amount": 5, "note": None} for way in ways)


def test_further_arguments_stand_as_a_list_and_among_the_others() -> None:
    given = read(pay, "o1", Decimal("9.90"), date(2026, 1, 2), note="x", tip=Decimal(1))
    assert given == {"order": "o1", "amount": "9.90", "rest": ["2026-01-02"], "note": "x", "tip": "1"}


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"),
    [
        (pay, ("o1", Decimal("9.90"), date(2026, 1, 2)), {"tip": Decimal(1)}),
        (pay, ("o1", Decimal(1)), {}),
        (exact, ("o1",), {"note": "x"}),
        (exact, ("o1", 7), {}),
        (functools.partial(exact, "o1"), (7,), {}),
    ],
)
def test_an_action_is_given_back_as_a_call_of_the_same_arguments(
    fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    function = ToolFunction(fn=fn)
    first = function.read(args, kwargs)
    again_args, again_kwargs = function.given_back(json.loads(first.arguments), None, "t1")
    inner = ToolFunction(fn=function.inner)
    assert inner.read(again_args, again_kwargs).arguments == first.arguments
    bound = [tuple(map(type, one)) for one in (again_args, first.args)]
    assert bound[0] == bound[1]


def test_a_name_that_occurs_twice_cannot_be_read() -> None:
    def odd(order: str, /, **extra: str) -> None:
        pass

    assert ToolFunction(fn=odd).read(("o1",), {"order": "o2"}).unreadable == (
        "extra (a name that occurs twice)",
    )


def test_a_default_that_says_not_given_is_no_part_of_the_action() -> None:
    function = ToolFunction(fn=quiet)
    given = function.read(("o1",), {})
    assert (given.arguments, given.unreadable) == ('{"order": "o1"}', ())
    assert function.inner(*given.args, **given.kwargs) is NOT_GIVEN
    args, kwargs = function.given_back({"order": "o1"}, None, "t1")
    assert function.inner(*args, **kwargs) is NOT_GIVEN


def test_what_runs_is_a_copy_and_a_change_of_it_is_seen() -> None:
    basket = [{"amount": 39}]
    given = ToolFunction(fn=lambda basket: basket).read((basket,), {})
    basket[0]["amount"] = 64000
    assert given.args == ([{"amount": 39}],)
    assert given.is_unchanged
    given.args[0][0]["amount"] = 64000
    assert not given.is_unchanged


def test_an_argument_that_cannot_be_read_is_named_with_its_code() -> None:
    given = ToolFunction(fn=exact).read((iter("o1"),), {})
    assert given.unreadable == ("order (lazy)",)


@pytest.mark.parametrize("arguments", [{}, {"order": "o1", "amout": 9}])
def test_an_action_that_the_function_does_not_take_certainly_had_no_effect(arguments: Any) -> None:
    with pytest.raises(ActionFailed):
        ToolFunction(fn=exact).given_back(arguments, None, "t1")


class Plain:
    """An account that nothing tells apart but an attribute."""

    def __init__(self, number: str) -> None:
        self.number = number

    def pay(self, amount: int) -> str:
        return f"{self.number} pays {amount}"

    @classmethod
    def open(cls, amount: int) -> str:
        return cls.__name__


@dataclass
class Record:
    """An account that is its fields."""

    number: str

    def pay(self, amount: int) -> str:
        return f"{self.number} pays {amount}"


class Registered(Plain):
    """An account with a reader."""


register(Registered, lambda one: {"number": one.number})

METHODS: dict[str, tuple[ToolFunction, Any, Any, Any]] = {
    "a named attribute": (ToolFunction(fn=Plain.pay, receiver="number"), Plain("A"), Plain("B"), "A"),
    "a dataclass": (ToolFunction(fn=Record.pay), Record("A"), Record("B"), {"number": "A"}),
    "a registered class": (
        ToolFunction(fn=Registered.pay),
        Registered("A"),
        Registered("B"),
        {"number": "A"},
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_object_whose_method_acts_is_part_of_the_action(name: str) -> None:
    function, one, other, identity = METHODS[name]
    given = function.read((one, 5), {})
    assert json.loads(given.arguments) == {"self": identity, "amount": 5}
    assert given.args[0] is one
    args, kwargs = function.given_back(json.loads(given.arguments), None, "t1")
    assert function.inner(*args, **kwargs) == "A pays 5"
    with pytest.raises(DigestMismatch):
        function.given_back(json.loads(given.arguments), other, "t1")


def test_an_object_that_nothing_tells_apart_cannot_be_read() -> None:
    (why,) = ToolFunction(fn=Plain.pay).read((Plain("A"), 5), {}).unreadable
    assert why.startswith("receiver (unregistered)")


def test_a_class_is_told_by_its_qualified_name() -> None:
    function = ToolFunction(fn=Plain.open)
    given = json.loads(function.read((5,), {}).arguments)
    assert given == {"self": f"{Plain.__module__}.Plain", "amount": 5}
    args, kwargs = function.given_back(given, None, "t1")
    assert function.inner(*args, **kwargs) == "Plain"


def test_a_record_is_made_again_where_this_program_never_saw_it() -> None:
    args, _ = ToolFunction(fn=Record.pay).given_back({"self": {"number": "Z"}, "amount": 5}, None, "t1")
    assert args == (Record("Z"), 5)


def test_an_object_that_was_never_seen_has_to_be_given() -> None:
    function = ToolFunction(fn=Plain.pay, receiver="number")
    with pytest.raises(ActionFailed, match="receiver="):
        function.given_back({"self": "Q", "amount": 5}, None, "t1")
    args, _ = function.given_back({"self": "Q", "amount": 5}, Plain("Q"), "t1")
    assert function.inner(*args) == "Q pays 5"


def test_a_receiver_named_for_a_function_that_is_nobodys_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="nobody's method"):
        ToolFunction(fn=lambda: None, receiver="id")


def test_a_method_bound_to_what_nothing_tells_apart_runs_on_no_other_object() -> None:
    one, other = ToolFunction(fn=Plain("A").pay), ToolFunction(fn=Plain("B").pay)
    assert one.read((5,), {}).unreadable == ()
    one.proposed("ticket-of-one")
    one.check_proposer("ticket-of-one")
    with pytest.raises(DigestMismatch):
        other.check_proposer("ticket-of-one")
