"""Running totals answer every question as adding up all entries would."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.records import FactValue, Money, Unknown
from handrail.store import SqlStore
from handrail.tickets.ports import LedgerEntry, LedgerQuery, Settlement
from support.stores import NOW, memory_sides, postgres_sides

pytestmark = pytest.mark.xdist_group("postgres")
DAY = 24 * 3600 * 10**6
AMOUNTS = st.sampled_from(
    [
        Money(amount=Decimal("5.25"), currency="USD"),
        Money(amount=Decimal("-40"), currency="USD"),
        Money(amount=Decimal("0.001"), currency="USD"),
        Money(amount=Decimal(3), currency="EUR"),
        Decimal(7),
        Decimal("1E+3"),
        Decimal("12345678901234567890"),
    ]
)
MOMENTS = st.integers(0, 400 * DAY) | st.integers(0, 10 * 10**6)
STEPS = st.tuples(
    MOMENTS,
    st.sampled_from(["ann", "bob"]),
    st.sampled_from([None, "talk"]),
    st.dictionaries(st.just("sum"), AMOUNTS, max_size=1),
    st.sampled_from([None, *Settlement]),
)
Kept = dict[str, tuple[LedgerEntry, Settlement | None]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[SqlStore, SqlStore]]:
    made = memory_sides() if request.param == "sqlite" else postgres_sides()
    yield made.app, made.admin
    made.close()


def added_up(query: LedgerQuery, kept: Kept) -> FactValue:
    """The answer from every entry, one after the other."""
    found = [
        entry
        for entry, end in kept.values()
        if end is not Settlement.NO_EFFECT
        and entry.at >= query.since
        and entry.id != query.without
        and (query.per == "tenant" or getattr(entry, query.per) == query.key)
    ]
    if query.kind == "count":
        return Decimal(len(found))
    amounts = [entry.amounts.get("sum") for entry in found]
    if None in amounts:
        return Unknown(why="a past action has no such amount")
    plain = [
        (one.amount, one.currency) if isinstance(one, Money) else (one, "")
        for one in amounts
        if one is not None
    ]
    currencies = {currency for _, currency in plain}
    if len(currencies) > 1:
        return Unknown(why="several currencies")
    total = sum((amount for amount, _ in plain), Decimal(0))
    currency = next(iter(currencies), "")
    return Money(amount=total, currency=currency) if currency else total


def queries(tenant: str, since: int, without: str) -> Sequence[LedgerQuery]:
    return [
        LedgerQuery(
            fact=f"{kind}-{per}-{key}",
            kind=kind,
            tenant=tenant,
            tool="pay",
            amount="sum" if kind == "sum" else "",
            per=per,
            key=key,
            since=NOW + timedelta(microseconds=since),
            without=without,
        )
        for kind in ("sum", "count")
        for per, key in (("customer", "ann"), ("customer", "bob"), ("conversation", "talk"), ("tenant", ""))
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12), st.lists(MOMENTS, min_size=1, max_size=4), st.integers(0, 11))
def test_totals_are_what_adding_up_every_entry_gives(
    sides: tuple[SqlStore, SqlStore],
    steps: list[tuple[int, str, str | None, dict[str, Money | Decimal], Settlement | None]],
    since: list[int],
    left_out: int,
) -> None:
    (app, admin), tenant, kept = sides, uuid.uuid4().hex, Kept()
    for number, (at, customer, conversation, amounts, end) in enumerate(steps):
        entry = LedgerEntry(
            id=f"e{number}",
            tenant=tenant,
            tool="pay",
            at=NOW + timedelta(microseconds=at),
            customer=customer,
            conversation=conversation,
            amounts=amounts,
        )
        assert app.reserve(entry, {})
        if end is not None:
            app.settle(tenant, entry.id, end)
        kept[entry.id] = (entry, end)
    moments = {*since, *(at for at, *_ in steps), *(at + 1 for at, *_ in steps)}
    for moment in moments:
        for query in queries(tenant, moment, f"e{left_out}"):
            assert app.totals([query])[query.fact] == added_up(query, kept), query
    admin.erase(tenant, "ann", by="root", now=NOW)
    nothing = [query for query in queries(tenant, 0, "") if query.key == "ann"]
    assert all(value in (Decimal(0),) for value in app.totals(nothing).values())
    assert not [one for one in admin.verify().problems if "totals" in one.what]


def test_totals_that_somebody_altered_are_found(sides: tuple[SqlStore, SqlStore]) -> None:
    app, admin = sides
    tenant = uuid.uuid4().hex
    entry = LedgerEntry(
        id="e1", tenant=tenant, tool="altered", at=NOW, customer="ann", amounts={"sum": Decimal(7)}
    )
    assert app.reserve(entry, {})
    assert not [one for one in admin.verify().problems if "totals" in one.what]
    with admin.write(tenant) as tx:
        if tx.is_postgres:
            pytest.skip("nobody but the owner of the tables may write them")
        tx.conn.exec_driver_sql(
            "UPDATE ledger_totals SET units = 0 WHERE tool = 'altered' AND per = 'customer'"
        )
    (problem,) = [one for one in admin.verify().problems if "totals" in one.what]
    assert (problem.where, problem.what) == (
        "ledger altered",
        "its totals by customer are not what its entries come to",
    )
