"""Values of every kind, drawn with one secret at one of their leaves, or with none.

A value is drawn as a plan (`Node`) whose leaves are filled afterwards, so that any leaf can hold the secret:
a text, a key, a number, a member of an enumeration, a text that is JSON, a field that is left out when a
model is dumped.
"""

import concurrent.futures
import functools
import json
from collections import ChainMap, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import attrs
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, SecretStr

from support.open_world import CARD, SECRETS, Secret

CALM = (
    *("on its way", "Fine.", "two boxes", "", "blue", "line one\nline two", 'a "quoted" word', "tab\there"),
    *(
        "订单已发货",
        "Ваш заказ в пути",
        "طلبك في الطريق",
        "café ☕",
        "ご注文",
        "back\\slash",
        "{",
        "[not json",
    ),
)


@dataclass
class Plain:
    """A record."""

    first: Any
    second: Any


@dataclass(slots=True)
class Slotted:
    """A record without a dictionary."""

    first: Any
    second: Any


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A record that cannot be changed, with a field that its repr hides."""

    first: Any
    second: Any = field(repr=False)


@attrs.frozen
class Attrs:
    """An attrs record."""

    first: Any
    second: Any


class Pair(NamedTuple):
    """A named tuple."""

    first: Any
    second: Any


class Model(BaseModel):
    """A model whose second part goes into an extra field."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)
    first: Any


class Hiding(BaseModel):
    """A model with a field that no dump shows and a private attribute."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    first: Any = Field(exclude=True, repr=False)
    _second: Any = PrivateAttr(None)


class Chat(BaseModel):
    """A model that looks like a provider's message."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    content: str = "Fine."
    choices: Any = None
    tool_calls: Any = None


class Root(RootModel[list[Any]]):
    """A model that is a list."""


class Listed(list[Any]):
    """A list that may hold more than its items."""


class Opaque:
    """An object that nobody registered."""

    def __init__(self, part: Any) -> None:
        self.part = part


class OpaqueSlots:
    """An object that nobody registered, without a dictionary."""

    __slots__ = ("part",)

    def __init__(self, part: Any) -> None:
        self.part = part


def _hiding(parts: list[Any]) -> Hiding:
    made = Hiding(first=parts[0])
    made._second = _rest(parts)
    return made


def _listed(parts: list[Any]) -> Listed:
    made = Listed(parts[:-1])
    made.extra = parts[-1]  # type: ignore[attr-defined]
    return made


def _defaulted(parts: list[Any]) -> defaultdict[str, Any]:
    return defaultdict(list, {f"k{at}": part for at, part in enumerate(parts)})


def _keyed(parts: list[Any]) -> dict[str, Any]:
    return {f"k{at}": part for at, part in enumerate(parts)}


def _two(kind: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    return lambda parts: kind(first=parts[0], second=_rest(parts))


def _rest(parts: list[Any]) -> Any:
    return parts[1] if len(parts) == 2 else parts[1:]


SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "deque": lambda parts: deque(parts, maxlen=9),
    "UserList": UserList,
}
DECLARED: dict[str, Callable[[list[Any]], Any]] = {
    **SEQUENCES,
    "dict": _keyed,
    "OrderedDict": lambda parts: OrderedDict(_keyed(parts)),
    "defaultdict": _defaulted,
    "MappingProxyType": lambda parts: MappingProxyType(_keyed(parts)),
    "UserDict": lambda parts: UserDict(_keyed(parts)),
    "ChainMap": lambda parts: ChainMap(_keyed(parts[:1]), _keyed(parts)),
    "dataclass": _two(Plain),
    "slots": _two(Slotted),
    "frozen": _two(Frozen),
    "attrs": _two(Attrs),
    "named tuple": _two(Pair),
    "extras": lambda parts: Model(first=parts[0], another=_rest(parts)),
    "excluded and private": _hiding,
    "content beside": lambda parts: Chat(tool_calls=parts[0], choices=parts),
    "RootModel": lambda parts: Root(list(parts)),
    "namespace": lambda parts: SimpleNamespace(**_keyed(parts)),
    "subclass with an attribute": _listed,
}


def _generator(parts: list[Any]) -> Iterator[Any]:
    yield from parts


def _returning(parts: list[Any]) -> Iterator[Any]:
    yield "one"
    return parts


def _future(parts: list[Any]) -> concurrent.futures.Future[Any]:
    made: concurrent.futures.Future[Any] = concurrent.futures.Future()
    made.set_result(parts)
    return made


def _cycle(parts: list[Any]) -> list[Any]:
    made = list(parts)
    made.append(made)
    return made


def _deep(parts: list[Any]) -> Any:
    made: Any = parts
    for _ in range(120):
        made = [made]
    return made


UNDECLARED: dict[str, Callable[[list[Any]], Any]] = {
    "generator": _generator,
    "generator that returns": _returning,
    "iterator": iter,
    "callable": lambda parts: lambda: parts,
    "partial": lambda parts: functools.partial(str, parts),
    "future": _future,
    "object": Opaque,
    "object with slots": OpaqueSlots,
    "cycle": _cycle,
    "deep": _deep,
    "error": lambda parts: ValueError(*parts),
    "lazy": lambda parts: (part for part in parts),
}


def _odd_json(text: str) -> str:
    """JSON with a layout and escapes of its own."""
    return '{ "note" :\t"\\u0041\\n' + json.dumps(text)[1:] + ' ,\n "n": 1.50, "tags": [ "\\/x" ] }'


def _enum(value: Any) -> Enum:
    return Enum("Status", {"OPEN": value}).OPEN  # type: ignore[attr-defined,return-value]


TEXT_LEAVES: dict[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "line of its own": lambda text: f"first\n{text}\nlast",
    "JSON in a text": _odd_json,
    "JSON in JSON": lambda text: json.dumps({"inner": _odd_json(text)}),
    "JSON list": lambda text: json.dumps(["a", text, 3]),
    "UTF-8": lambda text: text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "bytearray": lambda text: bytearray(text.encode()),
    "key": lambda text: {text: 1},
    "key in JSON": lambda text: json.dumps({text: 1}),
    "enum": _enum,
    "set": lambda text: {text, "other"},
    "frozenset": lambda text: frozenset([text]),
    "SecretStr": SecretStr,
}
NUMBER_LEAVES: dict[str, Callable[[int], Any]] = {
    "int": int,
    "Decimal": Decimal,
    "key of a number": lambda number: {number: "x"},
    "JSON number": lambda number: f'{{"n": {number}}}',
    "enum of a number": _enum,
}
QUIET_LEAVES = (
    None,
    True,
    7,
    0.5,
    Decimal("12.50"),
    date(2026, 1, 5),
    datetime(2026, 1, 5, 9),
    timedelta(hours=2),
)


@dataclass(frozen=True)
class Node:
    """A plan of a value: a leaf of some kind, or a composite of others."""

    kind: str
    parts: tuple["Node", ...] = ()
    quiet: Any = None

    def texts(self) -> int:
        """How many leaves can hold a text."""
        return sum(part.texts() for part in self.parts) if self.parts else self.kind in TEXT_LEAVES

    def build(self, words: Iterator[str]) -> Any:
        """Make the value, its texts taken in order."""
        if self.parts:
            made = [part.build(words) for part in self.parts]
            return (DECLARED | UNDECLARED)[self.kind](made)
        if self.kind in TEXT_LEAVES:
            return TEXT_LEAVES[self.kind](next(words))
        return self.quiet


@dataclass(frozen=True)
class World:
    """A value as it was drawn; `needles` are the pieces of its secret, none if it has no secret."""

    value: Callable[[], Any]
    needles: tuple[str, ...]
    told: str

    def __repr__(self) -> str:
        return self.told


def leaf_nodes(kinds: tuple[str, ...] = tuple(TEXT_LEAVES)) -> st.SearchStrategy[Node]:
    """Leaves that can hold a text, and some that cannot."""
    quiet = st.sampled_from(QUIET_LEAVES).map(lambda value: Node("quiet", quiet=value))
    texts = st.sampled_from(kinds).map(Node)
    return st.one_of(texts, texts, texts, quiet)


def nodes(composites: tuple[str, ...]) -> st.SearchStrategy[Node]:
    """Plans of nested values."""

    def around(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.builds(
            Node, st.sampled_from(composites), st.lists(inner, min_size=1, max_size=3).map(tuple)
        )

    return st.recursive(leaf_nodes(), around, max_leaves=6)


@st.composite
def planted(draw: st.DrawFn, *, is_declared: bool = False) -> World:
    """A value with one secret in it."""
    kinds = tuple(DECLARED) if is_declared else (*DECLARED, *UNDECLARED)
    secret = draw(st.sampled_from(SECRETS))
    shape = draw(st.sampled_from(["leaf", "leaf", "number", "cue beside", "cut in two"]))
    plan = draw(nodes(kinds).filter(lambda node: node.texts() > 0))
    at = draw(st.integers(0, plan.texts() - 1))
    calm = draw(st.lists(st.sampled_from(CALM), min_size=plan.texts(), max_size=plan.texts()))
    make, needles, told = draw(_special(shape, secret, kinds))
    if make is None:
        calm[at] = secret.phrase()
        return World(
            lambda: plan.build(iter(calm)), (secret.needle,), f"{secret.kind} in {plan}, text {at} of {calm}"
        )
    wrap = draw(st.sampled_from([None, *kinds]))
    return World(
        lambda: make() if wrap is None else (DECLARED | UNDECLARED)[wrap]([make()]),
        needles,
        f"{secret.kind}, {told}, in {wrap}",
    )


@st.composite
def _special(draw: st.DrawFn, shape: str, secret: Secret, kinds: tuple[str, ...]) -> Any:
    if shape == "number":
        leaf = draw(st.sampled_from(tuple(NUMBER_LEAVES)))
        return lambda: NUMBER_LEAVES[leaf](int(CARD.needle)), (CARD.needle,), f"the card as {leaf}"
    around = draw(st.sampled_from(tuple(SEQUENCES)))
    if shape == "cue beside" and secret.cue:
        pair = draw(
            st.sampled_from(
                [[secret.cue, secret.needle], {"ssn": secret.needle}, {"ssn": int(secret.needle)}]
            )
        )
        return (lambda: SEQUENCES[around]([pair])), (secret.needle,), f"{pair} in {around}"
    if shape == "cut in two":
        first, second = secret.halves(draw(st.integers(0, 30)))
        head = first.rpartition(" ")[2]
        tail = secret.needle[len(head) :]
        return (
            (lambda: SEQUENCES[around]([first, second])),
            (head, tail),
            f"cut as {first!r} | {second!r} in {around}",
        )
    return None, (), ""


@st.composite
def calm(draw: st.DrawFn) -> World:
    """A value of declared kinds without a secret."""
    plan = draw(nodes(tuple(DECLARED)))
    words = draw(st.lists(st.sampled_from(CALM), min_size=plan.texts(), max_size=plan.texts()))
    return World(lambda: plan.build(iter(words)), (), f"{plan} of {words}")


@st.composite
def planted_streams(draw: st.DrawFn) -> World:
    """Chunks, texts or objects, over which one secret is cut anywhere."""
    secret = draw(st.sampled_from(SECRETS))
    text = secret.phrase()
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=len(text))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    kind = draw(st.sampled_from(tuple(CHUNKS)))
    return World(lambda: [CHUNKS[kind](piece) for piece in pieces], (secret.needle,), f"{pieces} as {kind}")


@st.composite
def calm_streams(draw: st.DrawFn) -> World:
    """Chunks without a secret."""
    pieces = draw(st.lists(st.sampled_from(CALM), max_size=6))
    kind = draw(st.sampled_from(tuple(CHUNKS)))
    return World(lambda: [CHUNKS[kind](piece) for piece in pieces], (), f"{pieces} as {kind}")


CHUNKS: dict[str, Callable[[str], Any]] = {
    "text": lambda piece: piece,
    "dict": lambda piece: {"delta": piece, "n": 1},
    "nested": lambda piece: {"choices": [{"index": 0, "delta": {"content": piece}}]},
    "dataclass": lambda piece: Plain(piece, None),
    "frozen": lambda piece: Frozen(first=1, second=piece),
    "attrs": lambda piece: Attrs(piece, [piece]),
    "model": lambda piece: Model(first=piece),
    "extra": lambda piece: Model(first=1, another=piece),
    "named tuple": lambda piece: Pair(piece, 2),
    "bytes": lambda piece: piece.encode(),
}
