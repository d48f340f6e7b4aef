"""What past actions come to since a moment: a few dozen rows, however many actions there are."""

# A policy asks for the sum or the number of a customer's actions within some time, before every action. The
# entries themselves may be tens of thousands. So triggers (revision 0006) add each entry up as it is written,
# in the transaction that decides: under its customer, its conversation and its tenant, in stretches of time
# of four lengths, each 64 of the one before. What came since a moment is read as
#
#     entries │ stretches of 4 s │ of 4.5 min │ of 4.8 h │ of 12.7 days, to the last
#     ▲ since the moment, to the end of the 4 s that it lies in
#
# which are at most 63 stretches of each of the shorter lengths. Totals are whole numbers of an amount's last
# decimal place. An amount that is no plain decimal number has a scale of -1; who asks for it reads every
# entry. `handrail audit verify` compares the totals with the entries.

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    any_,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from handrail.records import FactValue, Money, Unknown
from handrail.store.prepared import Prepared, PreparedResult, Statements
from handrail.store.tables import ledger, ledger_totals, micros
from handrail.store.transaction import Transaction
from handrail.tickets.ports import LedgerQuery, Settlement

RESERVED = "reserved"
COUNTING = (RESERVED, Settlement.DONE.value, Settlement.UNKNOWN.value)
LEVELS = (22, 28, 34, 40)
"""How long stretches are: powers of two, in microseconds."""
UNREADABLE = -1
_PARTS: ColumnElement[Any] = literal_column("ARRAY['0', '1', '2', '3', '4', '5', '6', '7']")
"""On PostgreSQL a tenant's totals are kept in parts, so that actions do not wait for each other."""


def asking(tx: Transaction, queries: Sequence[LedgerQuery], without: str) -> Statements:
    """Return the statements that answer queries, one for each key of each; `without` leaves an entry out."""
    return [(_PAST[query.per], _values(tx, query, key, without)) for query in queries for key in query.keys]


def answered(
    tx: Transaction, queries: Sequence[LedgerQuery], without: str, found: Sequence[PreparedResult]
) -> dict[LedgerQuery, FactValue]:
    """Return the answers to queries from what the statements of `asking` gave."""
    results = iter(found)
    answers: dict[LedgerQuery, FactValue] = {}
    for query in queries:
        sums = _Sums(query.amount)
        for _ in query.keys:
            for row in next(results):
                sums.add(row)
        answers[query] = _answer(tx, query, without, sums)
    return answers


def _answer(tx: Transaction, query: LedgerQuery, without: str, sums: "_Sums") -> FactValue:
    if query.kind == "count":
        return Decimal(sums.entries)
    if sums.is_readable:
        return sums.total()
    every = [_ENTRIES[query.per](tx.conn, _values(tx, query, key, without)) for key in query.keys]
    return _added(json.loads(row.amounts).get(query.amount) for rows in every for row in rows)


class _Sums:
    """What the rows of one query come to."""

    def __init__(self, amount: str) -> None:
        self._amount, self.entries, self._having = amount, 0, 0
        self._by_currency: dict[str, tuple[int, Decimal]] = {}
        self.is_readable = True

    def add(self, row: Any) -> None:
        """Add a row: a total, or an entry as it is."""
        entries = int(row.entries)
        if row.amounts is not None:
            self.entries += entries
            if self._amount:
                self._add_entry(entries, json.loads(row.amounts).get(self._amount))
        elif not row.name:
            self.entries += entries
        elif row.scale == UNREADABLE or isinstance(row.units, float):
            # A total that no longer fits a whole number has become a floating one.
            self.is_readable = self.is_readable and not entries
        else:
            self._add(row.currency, entries, Decimal(row.units).scaleb(-row.scale))

    def _add_entry(self, sign: int, amount: Any) -> None:
        if amount is not None:
            self._add(amount[1], sign, sign * Decimal(amount[0]))

    def _add(self, currency: str, entries: int, units: Decimal) -> None:
        self._having += entries
        count, total = self._by_currency.get(currency, (0, Decimal(0)))
        self._by_currency[currency] = count + entries, total + units

    def total(self) -> FactValue:
        """Return the sum; unknown where an entry lacks the amount or two currencies meet."""
        if self._having != self.entries:
            return Unknown(why="a past action has no such amount")
        return _of({currency: total for currency, (count, total) in self._by_currency.items() if count})


def _added(amounts: Iterable[Any]) -> FactValue:
    """Add up the amounts of every entry."""
    totals: dict[str, Decimal] = {}
    for amount in amounts:
        if amount is None:
            return Unknown(why="a past action has no such amount")
        totals[amount[1]] = totals.get(amount[1], Decimal(0)) + Decimal(amount[0])
    return _of(totals)


def _of(totals: Mapping[str, Decimal]) -> FactValue:
    if len(totals) > 1:
        return Unknown(why="several currencies")
    for currency, total in totals.items():
        return Money(amount=total, currency=currency) if currency else total
    return Decimal(0)


def _values(tx: Transaction, query: LedgerQuery, key: str, without: str) -> dict[str, Any]:
    since = micros(query.since)
    values: dict[str, Any] = {
        "tenant": tx.tenant,
        "tool": query.tool,
        "amount": query.amount,
        "since": since,
        "until": ((since >> LEVELS[0]) + 1) << LEVELS[0],
        "without": without,
        "also_without": query.without,
    }
    for level, longer in zip(LEVELS, (*LEVELS[1:], None), strict=True):
        values[f"after_{level}"] = since >> level
        if longer is not None:
            width = longer - level
            values[f"last_{level}"] = (since >> longer << width) + (1 << width) - 1
    if query.per != "tenant":
        values["key"] = tx.hashed(key)
    return values


def _entry_is(per: str) -> list[ColumnElement[bool]]:
    where = [
        ledger.c.tenant == bindparam("tenant"),
        ledger.c.tool == bindparam("tool"),
        or_(*(ledger.c.state == literal_column(f"'{state}'") for state in COUNTING)),
        ledger.c.at >= bindparam("since"),
    ]
    if per != "tenant":
        where.append(ledger.c[per] == bindparam("key"))
    return where


_EXCEPT = (ledger.c.id != bindparam("without"), ledger.c.id != bindparam("also_without"))


def _past(per: str, dialect: str) -> CompoundSelect[Any]:
    """Return the running totals of whole stretches, the entries before them, and those to be left out."""
    nothing: tuple[ColumnElement[Any], ...] = (
        literal_column("''"),
        literal_column("''"),
        literal_column("0"),
    )
    shown = [column.label(name) for column, name in zip(nothing, ("name", "currency", "scale"), strict=True)]
    ones: list[ColumnElement[Any]] = [literal_column(sign).label("entries") for sign in ("1", "-1")]
    units: ColumnElement[Any] = literal_column("0").label("units")
    first = select(*shown, ones[0], units, ledger.c.amounts).where(
        *_entry_is(per), ledger.c.at < bindparam("until")
    )
    # Each by its whole primary key: a condition with *or* would read every entry of the customer.
    left_out = [
        select(*shown, ones[1], units, ledger.c.amounts).where(*_entry_is(per), ledger.c.id == one, *also)
        for one, also in (
            (bindparam("without"), ()),
            (bindparam("also_without"), (bindparam("also_without") != bindparam("without"),)),
        )
    ]
    return union_all(first, *left_out, *(_stretches(per, level, dialect) for level in LEVELS))


def _stretches(per: str, level: int, dialect: str) -> Any:
    of = ledger_totals.c
    if per != "tenant":
        is_key: ColumnElement[bool] = of.key == bindparam("key")
    elif dialect == "postgresql":
        is_key = of.key == any_(_PARTS)
    else:
        is_key = of.key == literal_column("''")
    where = [
        of.tenant == bindparam("tenant"),
        of.tool == bindparam("tool"),
        of.per == literal_column(f"'{per}'"),
        is_key,
        of.level == literal_column(str(level)),
        of.bucket > bindparam(f"after_{level}"),
        or_(of.name == literal_column("''"), of.name == bindparam("amount")),
    ]
    if level != LEVELS[-1]:
        where.append(of.bucket <= bindparam(f"last_{level}"))
    added = (func.sum(of.entries).label("entries"), func.sum(of.units).label("units"))
    parts = (of.name, of.currency, of.scale)
    return select(*parts, *added, null().label("amounts")).where(*where).group_by(*parts)


def _both(per: str) -> tuple[Prepared, Prepared]:
    every = select(ledger.c.amounts).where(*_entry_is(per), *_EXCEPT)
    return Prepared(lambda dialect: _past(per, dialect)), Prepared(lambda _: every)


_PAST: dict[str, Prepared] = {}
_ENTRIES: dict[str, Prepared] = {}
for _per in ("customer", "conversation", "tenant"):
    _PAST[_per], _ENTRIES[_per] = _both(_per)
