"""What ran is what a person was shown, at most once: random signatures, ways to write a call, and endings.

A function of a random signature is called in a random way with values of the types it declares. Whichever way
that is, the action is one; after an approval the function gets the arguments of the first call, equal and of
the same types, once. `make prove` draws twenty times as many.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from inspect import Parameter, Signature, iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from handrail import Guard, HandoffRequired
from handrail.errors import AlreadyUsed, NotAllowed
from handrail.records import Money
from handrail.tickets.action import canonical_arguments
from support.shop_guard import POLICY, shop_guard

ASKS = POLICY.replace(
    "\nhand_offs:\n",
    '\nhand_offs:\n  - {id: ask, when: tool.name == "act", to: finance_lead, because: A person decides.}\n',
)
EXAMPLES = pytest.mark.parametrize(
    "examples", [pytest.param(100, id="few"), pytest.param(2000, id="many", marks=pytest.mark.slow)]
)


class Size(Enum):
    """How large."""

    SMALL = "s"
    LARGE = 2


@dataclass
class Line:
    """One line of an order."""

    sku: str
    price: Decimal


class Order(BaseModel):
    """An order."""

    placed: date
    lines: list[Line]


WORDS = st.sampled_from(["o1", "blue", "", "订单", 'a "word"', "1.0", "null"])
PRICES = st.decimals(0, 999, places=2)
LINES = st.builds(Line, WORDS, PRICES)
TYPES: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS,
    int: st.integers(-9, 10**12),
    bool: st.booleans(),
    Decimal: PRICES,
    date: st.dates(),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=90)),
    Size: st.sampled_from(Size),
    Money: st.builds(Money, amount=PRICES, currency=st.sampled_from(["USD", "KWD"])),
    Line: LINES,
    Order: st.builds(Order, placed=st.dates(), lines=st.lists(LINES, max_size=2)),
    list[Decimal]: st.lists(PRICES, max_size=3),
    dict[str, date]: st.dictionaries(WORDS, st.dates(), max_size=2),
    set[int]: st.sets(st.integers(0, 9), max_size=3),
    Decimal | None: st.one_of(st.none(), PRICES),
}
KINDS = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Scene:
    """A signature, the value of every parameter, and two ways to write the same call."""

    signature: Signature
    ways: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...]
    is_async: bool

    def function(self, ran: list[Any]) -> Callable[..., Any]:
        """A function of this signature that notes what it is called with."""

        def note(*args: Any, **kwargs: Any) -> str:
            ran.append(self.bound(args, kwargs))
            return "done"

        async def note_later(*args: Any, **kwargs: Any) -> str:
            return note(*args, **kwargs)

        fn: Any = note_later if self.is_async else note
        fn.__signature__ = self.signature
        fn.__annotations__ = {name: one.annotation for name, one in self.signature.parameters.items()}
        return fn  # type: ignore[no-any-return]

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Every parameter with its value, defaults among them."""
        found = self.signature.bind(*args, **kwargs)
        found.apply_defaults()
        return dict(found.arguments)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene."""
    kinds = sorted(draw(st.lists(st.sampled_from(KINDS), max_size=4)))
    parameters, values, must = [], {}, True
    for number, kind in enumerate(kinds):
        hint = draw(st.sampled_from(list(TYPES)))
        must = kind is Parameter.KEYWORD_ONLY or (must and draw(st.booleans()))
        default = Parameter.empty if must else draw(TYPES[hint])
        parameters.append(Parameter(f"p{number}", kind, annotation=hint, default=default))
        values[f"p{number}"] = draw(TYPES[hint]) if must or draw(st.booleans()) else default
    rest = draw(st.lists(TYPES[Decimal], max_size=2)) if draw(st.booleans()) else None
    extra = (
        {f"x{n}": draw(TYPES[date]) for n in range(draw(st.integers(0, 2)))} if draw(st.booleans()) else None
    )
    if rest is not None:
        at = sum(one.kind is not Parameter.KEYWORD_ONLY for one in parameters)
        parameters.insert(at, Parameter("rest", Parameter.VAR_POSITIONAL, annotation=Decimal))
    if extra is not None:
        parameters.append(Parameter("extra", Parameter.VAR_KEYWORD, annotation=date))
    ways = tuple(_way(draw, parameters, values, rest or [], extra or {}) for _ in range(2))
    return Scene(Signature(parameters), ways, draw(st.booleans()))


def _way(
    draw: st.DrawFn,
    parameters: list[Parameter],
    values: dict[str, Any],
    rest: list[Any],
    extra: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args: list[Any] = []
    kwargs = dict(extra)
    by_position = True
    for one in parameters:
        if one.name not in values:
            continue
        value = values[one.name]
        by_position = by_position and (
            one.kind is one.POSITIONAL_ONLY
            or (one.kind is one.POSITIONAL_OR_KEYWORD and (bool(rest) or draw(st.booleans())))
        )
        if by_position:
            args.append(value)
        elif one.kind is one.POSITIONAL_ONLY or value is not one.default or draw(st.booleans()):
            kwargs[one.name] = value
    return (*args, *rest), kwargs


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    with shop_guard(tmp_path_factory.mktemp("shop"), ASKS) as made:
        yield made


def drawn(examples: int, holds: Callable[[Scene], None]) -> None:
    """Check what must hold for many scenes."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(scenes())
    def check(scene: Scene) -> None:
        holds(scene)

    check()


def called(fn: Callable[..., Any], way: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
    args, kwargs = way
    return asyncio.run(fn(*args, **kwargs)) if iscoroutinefunction(fn) else fn(*args, **kwargs)


def shown(guard: Guard, ticket: str) -> str:
    view = guard.store.get("default", ticket)  # type: ignore[attr-defined]
    return str(view.ticket.action.arguments)


def asked(guard: Guard, fn: Callable[..., Any], way: tuple[tuple[Any, ...], dict[str, Any]]) -> str:
    with pytest.raises(HandoffRequired) as raised:
        called(fn, way)
    return raised.value.handoff.ticket


@EXAMPLES
def test_what_passes_runs_with_equal_arguments_of_the_same_types(guard: Guard, examples: int) -> None:
    def holds(scene: Scene) -> None:
        ran: list[Any] = []
        free = guard.tool(name="free")(scene.function(ran))
        assert called(free, scene.ways[0]) == "done"
        assert ran == [scene.bound(*scene.ways[0])]
        assert typed(ran[0]) == typed(scene.bound(*scene.ways[0]))

    drawn(examples, holds)


@EXAMPLES
def test_an_approved_call_runs_once_as_it_was_shown(guard: Guard, examples: int) -> None:
    def holds(scene: Scene) -> None:
        ran: list[Any] = []
        act = guard.tool(name="act")(scene.function(ran))
        ticket, other = (asked(guard, act, way) for way in scene.ways)
        assert shown(guard, ticket) == shown(guard, other)
        assert canonical_arguments(json.dumps(json.loads(shown(guard, ticket)), indent=2)) == shown(
            guard, ticket
        )
        guard.resolve(ticket, "fay", "approve")
        with guard.authorised(ticket) as action:
            result = action.run()
            assert (asyncio.run(result) if scene.is_async else result) == "done"  # type: ignore[arg-type]
        assert ran == [scene.bound(*scene.ways[0])]
        assert typed(ran[0]) == typed(scene.bound(*scene.ways[0]))
        with pytest.raises(AlreadyUsed), guard.authorised(ticket):
            pytest.fail("a second use must not begin")

    drawn(examples, holds)


@EXAMPLES
def test_an_approval_lets_the_same_call_by_however_it_is_written(guard: Guard, examples: int) -> None:
    def holds(scene: Scene) -> None:
        ran: list[Any] = []
        act = guard.tool(name="act")(scene.function(ran))
        ticket = asked(guard, act, scene.ways[0])
        guard.resolve(ticket, "fay", "approve")
        with guard.authorised(ticket):
            assert called(act, scene.ways[1]) == "done"
        assert ran == [scene.bound(*scene.ways[0])]

    drawn(examples, holds)


@EXAMPLES
def test_an_edit_with_a_name_of_no_parameter_is_refused(guard: Guard, examples: int) -> None:
    def holds(scene: Scene) -> None:
        ran: list[Any] = []
        act = guard.tool(name="act")(scene.function(ran))
        ticket = asked(guard, act, scene.ways[0])
        if any(one.kind is one.VAR_KEYWORD for one in scene.signature.parameters.values()):
            return
        with pytest.raises(NotAllowed, match="no argument 'colour'"):
            guard.resolve(ticket, "fay", "edit", changes={"colour": 1})
        assert ran == []

    drawn(examples, holds)


def typed(arguments: dict[str, Any]) -> list[Any]:
    """The types of arguments, and of the parts of those that are lists."""
    return [
        (type(one), [type(part) for part in one] if isinstance(one, list | tuple) else [])
        for one in arguments.values()
    ]


def test_another_program_gives_an_approved_call_back(tmp_path: Path) -> None:
    ran: list[Any] = []

    def pay(order: Order, /, *rest: Decimal, to: Size = Size.SMALL, **extra: date) -> None:
        ran.append((order, rest, to, extra))

    given = (Order(placed=date(2026, 1, 2), lines=[Line("a", Decimal("9.90"))]), Decimal("1.0"))
    with shop_guard(tmp_path, ASKS) as first:
        ticket = asked(
            first, first.tool(name="act")(pay), (given, {"to": Size.LARGE, "on": date(2026, 3, 4)})
        )
        first.resolve(ticket, "fay", "approve")
    with shop_guard(tmp_path, ASKS) as second:
        second.tool(name="act")(pay)
        with second.authorised(ticket) as action:
            action.run()
    assert ran == [(given[0], (given[1],), Size.LARGE, {"on": date(2026, 3, 4)})]
