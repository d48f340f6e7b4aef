"""A value as JSON data and a copy, and back again."""

import json
import uuid
from collections import ChainMap, OrderedDict, UserDict, UserList, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict

import attrs
import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.records import Money, Unknown
from handrail.text.frozen import freeze
from handrail.text.thawed import CannotThaw, thaw
from handrail.text.values import register


class Size(Enum):
    SMALL = "s"
    LARGE = 2


class Level(IntEnum):
    LOW = 1


class Rights(Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Decimal
    label: str = "here"


class Options(TypedDict):
    fee: Decimal


@dataclass
class Order:
    placed: date
    tags: list[str] = field(default_factory=list)
    parent: "Order | None" = None
    seen: bool = field(default=False, init=False)


@attrs.frozen
class Box:
    weight: Decimal
    _inner: int = 3


class Parcel(BaseModel):
    model_config = ConfigDict(extra="allow")
    weight: Decimal = Field(alias="w", exclude=True)
    sent: list[datetime] = []
    _note: str = PrivateAttr("")


def parcel() -> Parcel:
    made = Parcel.model_validate({"w": "3.20", "sent": ["2026-01-01T00:00:00Z"], "colour": "blue"})
    made._note = "fragile"
    return made


Amount = NewType("Amount", Decimal)
DECLARED: list[tuple[Any, Any]] = [
    (Decimal("92.00"), Decimal),
    (Decimal("1E+3"), Decimal),
    (Decimal("1.5"), Annotated[Decimal, "an amount"]),
    (Decimal("1.5"), Amount),
    (date(2026, 1, 2), date),
    (datetime(2026, 1, 2, 3, tzinfo=UTC), datetime),
    (time(22, 30), time),
    (timedelta(minutes=90), timedelta),
    (timedelta(days=-2), timedelta),
    (timedelta(seconds=1, microseconds=5), timedelta),
    (timedelta(microseconds=-1_500_000), timedelta),
    (uuid.UUID(int=7), uuid.UUID),
    (PurePosixPath("/a/b"), PurePosixPath),
    (IPv4Address("10.0.0.1"), IPv4Address),
    (Size.SMALL, Size),
    (Size.LARGE, Size),
    (Level.LOW, Level),
    (Rights.READ | Rights.WRITE, Rights),
    (Money(amount=Decimal("3.20"), currency="USD"), Money),
    (Order(date(2026, 1, 1), ["a"], Order(date(2025, 1, 1))), Order),
    (Box(Decimal(3), 4), Box),
    (parcel(), Parcel),
    (Point(Decimal("1.0")), Point),
    ({"fee": Decimal(1)}, Options),
    ({Decimal(1), Decimal(2)}, set[Decimal]),
    (frozenset({"a"}), frozenset[str]),
    (deque([1, 2]), deque[int]),
    ([date(2026, 1, 1)], list[date]),
    ((1, Decimal(2)), tuple[int, Decimal]),
    ((Decimal(1), Decimal(2)), tuple[Decimal, ...]),
    ({1: Decimal(2)}, dict[int, Decimal]),
    ({date(2026, 1, 1): [Size.LARGE]}, dict[date, list[Size]]),
    (OrderedDict(a=1), OrderedDict[str, int]),
    (defaultdict(list, a=[1]), defaultdict[str, list[int]]),
    (MappingProxyType({"a": [1]}), MappingProxyType),
    (ChainMap({"a": 1}, {"b": 2}), ChainMap),
    (UserDict(a=1), UserDict),
    (UserList([1]), UserList),
    (b"plain", bytes),
    (bytearray(b"plain"), bytearray),
    ("hé".encode("utf-16"), bytes),
    (SecretStr("hidden"), SecretStr),
    (2.0, float),
    (None, Decimal | None),
    (Decimal(3), Decimal | None),
    (date(2026, 1, 1), date | str),
    (5, int | Decimal),
    ("a word", date | str),
    ("fast", Literal["fast", "slow"]),
    ({"a": [1, None, True, 0.5]}, Any),
]


@pytest.mark.parametrize(("value", "hint"), DECLARED, ids=lambda one: str(one)[:40])
def test_a_declared_kind_is_written_and_given_back_the_same(value: Any, hint: Any) -> None:
    frozen = freeze(value)
    assert frozen.unreadable == ()
    assert frozen.copy == value
    assert type(frozen.copy) is type(value)
    back = thaw(json.loads(json.dumps(frozen.data)), hint)
    assert back == value
    assert type(back) is type(value)


def test_what_rules_read_is_written_in_their_forms() -> None:
    data = freeze(
        {
            "amount": Money(amount=Decimal("640.50"), currency="USD"),
            "fee": Decimal("1E+1"),
            "age": timedelta(hours=36),
            "at": time(22, 30),
            "size": Size.SMALL,
            "tags": {"b", "a"},
        }
    ).data
    money = FactDeclaration(name="m", type=Kind.MONEY, currencies=("USD",))
    assert money.read(data["amount"]) == Money(amount=Decimal("640.50"), currency="USD")
    assert FactDeclaration(name="n", type=Kind.NUMBER).read(data["fee"]) == Decimal(10)
    assert FactDeclaration(name="d", type=Kind.DURATION).read(data["age"]) == timedelta(hours=36)
    assert FactDeclaration(name="t", type=Kind.TIME).read(data["at"]) == time(22, 30)
    assert FactDeclaration(name="o", type=Kind.ONE_OF, values=("s", "l")).read(data["size"]) == "s"
    tags = FactDeclaration(name="s", type=Kind.SET, values=("a", "b")).read(data["tags"])
    assert tags == frozenset({"a", "b"})
    assert not isinstance(tags, Unknown)


class Unregistered:
    """An object that nobody told of."""


def cycle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


UNREADABLE: dict[str, tuple[Any, str]] = {
    "an object": (Unregistered(), "unregistered"),
    "a lazy iterable": (iter([1]), "lazy"),
    "a callable": (len, "callable"),
    "a cycle": (cycle(), "cycle"),
    "bytes that are no text": (b"\xff\x00\x01", "undecodable"),
    "a number too long": (10**80, "size"),
    "two keys that are one": ({1: "a", "1": "b"}, "a key that is no text or occurs twice"),
    "a key that is no text": ({(1, 2): "a"}, "a key that is no text or occurs twice"),
    "an error": (ValueError("x"), "cannot be copied"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_named_by_a_code_and_the_rest_is_read(name: str) -> None:
    value, why = UNREADABLE[name]
    frozen = freeze({"whole": 1, "part": [value]})
    assert frozen.unreadable == (why,)
    assert frozen.data["whole"] == 1


@pytest.mark.parametrize(
    "value",
    [
        [1, [2]],
        {"a": {"b": [1]}},
        Order(date(2026, 1, 1), ["a"]),
        parcel(),
        deque([[1]]),
        (1, [2]),
        UserList([1]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_copy_does_not_change_with_the_original(value: Any) -> None:
    frozen = freeze(value)
    match value:
        case Order() | Parcel():
            value.tags = ["other"]
        case (_, inner):
            inner.append(9)
        case dict():
            value["a"]["b"].append(9)
        case _:
            value[0] = 9
    assert freeze(frozen.copy).data == frozen.data
    assert freeze(value).data != frozen.data


def test_an_object_of_a_registered_class_is_what_its_reader_says_and_is_not_copied() -> None:
    class Account:
        def __init__(self, number: str) -> None:
            self.number = number

    register(Account, lambda account: {"number": account.number})
    account = Account("A")
    frozen = freeze([account])
    assert frozen.data == [{"number": "A"}]
    assert frozen.copy[0] is account
    with pytest.raises(CannotThaw):
        thaw(frozen.data[0], Account)


def test_data_without_the_form_of_its_annotation_is_given_as_it_is() -> None:
    assert thaw("lots", Decimal) == "lots"
    assert thaw([1], date) == [1]
    assert thaw("x", Size) == "x"
    assert thaw(7, str) == 7
    assert thaw([1, 2], tuple[int]) == [1, 2]


def test_a_class_that_refuses_its_data_says_so_without_the_data() -> None:
    with pytest.raises(CannotThaw, match=r"^Parcel$"):
        thaw({"weight": "a secret"}, Parcel)
