"""Statements that are compiled once and run on the driver: those that every ticket goes through."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Executable, Table
from sqlalchemy.sql.compiler import SQLCompiler

from handrail.errors import StoreUnavailable
from handrail.store.kept import Kept, as_one, kept, runs
from handrail.store.message import Message

OPENING = "handrail_opening"
KEPT = "handrail_kept"
_FOREIGN_SESSION = frozenset({"26000", "42P05"})
"""What PostgreSQL says of statements that it does not have, or has from another session's program."""
_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
"""Every statement finds its rows by a key. Without this a server plans each of them five times more."""
_unkept: WeakSet[Engine] = WeakSet()
"""Databases behind a pooler that changes sessions between transactions: nothing is kept there."""


class UniqueViolation(Exception):
    """A row with this key is there already."""


class Unstorable(StoreUnavailable):
    """The database can be reached, and cannot hold a value that it was given."""


class PreparedRow:
    """One row: its columns as attributes, and all of them in `_mapping` as SQLAlchemy's rows have it."""

    __slots__ = ("_mapping",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._mapping = values

    def __getattr__(self, name: str) -> Any:
        return self._mapping[name]


class PreparedResult:
    """What a statement gave: rows, if any, and how many rows it changed."""

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[Any]], rowcount: int) -> None:
        self._names, self._rows, self.rowcount = names, rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return (PreparedRow(dict(zip(self._names, row, strict=True))) for row in self._rows)

    def first(self) -> Any:
        """Return the first row, None for none."""
        return next(iter(self), None)


class Prepared:
    """One statement, compiled for each kind of database on first use.

    Building an expression and SQLAlchemy's way to the driver cost more than these statements do, so they go
    to the driver directly, inside the transaction of the connection they are given. Parameters are named by
    `bindparam`, or by column for an insert.

    Args:
        build: returns the statement for a dialect's name. It must hold no `IN` over a list.
    """

    def __init__(self, build: Callable[[str], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}
        self._lock = threading.Lock()

    def __call__(self, conn: Connection, values: Mapping[str, Any]) -> PreparedResult:
        """Run it with some values.

        Raises:
            UniqueViolation: a unique key is taken.
        """
        if conn.dialect.name == "postgresql":
            return _sent(conn, [(self, values)])[0]
        found = self._for(conn)
        cursor = conn.connection.cursor()
        try:
            if not found.names:
                # `execute` gives up the interpreter's lock once more, to ask for an id that nobody reads.
                cursor.executemany(found.sql, [found.bound(values)])
                return PreparedResult((), (), cursor.rowcount)
            cursor.execute(found.sql, found.bound(values))
            return PreparedResult(found.names, cursor.fetchall(), cursor.rowcount)
        except conn.dialect.loaded_dbapi.IntegrityError:
            raise UniqueViolation from None
        finally:
            cursor.close()

    def compiled(self, conn: Connection | Engine) -> "_Compiled":
        """Return the statement as it is compiled for a database."""
        return self._for(conn)

    def result(self, conn: Connection, message: Message, answer: Any) -> PreparedResult:
        """Return what an answer of PostgreSQL holds of this statement."""
        names = self._for(conn).names
        return PreparedResult(names, message.rows(answer) if names else (), answer.command_tuples or 0)

    def _for(self, conn: Connection | Engine) -> "_Compiled":
        found = self._compiled.get(conn.dialect.name)
        if found is None:
            with self._lock:
                found = self._compiled[conn.dialect.name] = _compiled(self._build(conn.dialect.name), conn)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A statement's text, the order of its parameters where that counts, and the names of its columns.

    The names are known beforehand, because a driver builds its description of them anew for every answer.
    """

    sql: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    names: tuple[str, ...]
    kept: Kept | None = None

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver wants them."""
        given = {**self.fixed, **values} if self.fixed else values
        return given if self.order is None else [given[key] for key in self.order]


def _compiled(statement: Any, conn: Connection | Engine) -> _Compiled:
    compiled = statement.compile(dialect=conn.dialect)
    assert isinstance(compiled, SQLCompiler)
    order = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else None
    sql = str(compiled)
    return _Compiled(
        kept=kept(sql, writes=_written_by(statement)) if conn.dialect.name == "postgresql" else None,
        sql=sql,
        order=order,
        fixed={key: value for key, value in compiled.params.items() if value is not None},
        names=tuple(column.key for column in statement.selected_columns) if statement.is_select else (),
    )


def _written_by(statement: Any) -> str:
    return str(statement.table.name) if statement.is_dml else ""


ROWS = "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompiledRows(_Compiled):
    """A statement that takes whole rows, filled up to `most`, and how many they are."""

    most: int

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return the columns of every row in turn, nulls for the rest, and the number of rows."""
        rows, order = values[ROWS], self.order or ()
        given = [row[name] for row in rows for name in order]
        return [*given, *([None] * (len(order) * (self.most - len(rows)))), len(rows)]


_Part = tuple[Kept, list[Any]]
Statements = Sequence[tuple[Prepared, Mapping[str, Any]]]
_NAMED = re.compile(r"%\(\w+\)s")


class PreparedRows:
    """Inserts rows of one table, many with one call into the driver.

    Each call gives up the interpreter's lock, and beside busy threads it takes milliseconds to get it back: a
    hundred rows must not cost a hundred calls. A driver keeps every text that it has seen, so there is one
    statement for each power of two of rows: SQLite takes the next larger one, filled up with rows that its
    limit leaves out; PostgreSQL takes several, which go to it as one message.
    """

    MOST = 256
    MOST_AT_ONCE = 1024

    def __init__(self, table: Table) -> None:
        names = tuple(column.key for column in table.columns)
        one = Prepared(lambda _: table.insert())
        self._of_size = {size: _Repeated(one, names, size) for size in (2**power for power in range(9))}
        self._up_to = {size: _Limited(one, names, size) for size in (2**power for power in range(11))}

    def statements(
        self, rows: Sequence[Mapping[str, Any]], *, is_postgres: bool
    ) -> list[tuple[Prepared, Mapping[str, Any]]]:
        """Return the statements that insert some rows, in order."""
        found: list[tuple[Prepared, Mapping[str, Any]]] = []
        done = 0
        while done < len(rows):
            left = len(rows) - done
            if is_postgres:
                size = min(self.MOST, 1 << (left.bit_length() - 1))
                part = rows[done : done + size]
                values = {f"{name}_{index}": row[name] for index, row in enumerate(part) for name in row}
                found.append((self._of_size[size], values))
            else:
                size = min(self.MOST_AT_ONCE, left)
                found.append((self._up_to[1 << (size - 1).bit_length()], {ROWS: rows[done : done + size]}))
            done += size
        return found


class _Repeated(Prepared):
    """An insert of one row with its values written several times. SQLAlchemy's own takes 80 ms to compile."""

    def __init__(self, one: Prepared, names: tuple[str, ...], count: int) -> None:
        self._one, self._order = one, tuple(f"{name}_{index}" for index in range(count) for name in names)
        self._count, self._compiled = count, {}

    def _for(self, conn: Connection | Engine) -> _Compiled:
        found = self._compiled.get(conn.dialect.name)
        if found is None:
            head, values, row = self._one._for(conn).sql.partition(" VALUES ")
            text = ", ".join([_NAMED.sub("%s", row)] * self._count)
            sql = head + values + text
            one = self._one._for(conn).kept
            many = kept(sql, self._order, writes=one.writes if one is not None else "")
            found = _Compiled(sql=sql, order=self._order, fixed={}, names=(), kept=many)
            self._compiled[conn.dialect.name] = found
        return found


class _Limited(Prepared):
    """An insert of up to some number of rows: the statement has room for that many and takes the first."""

    def __init__(self, one: Prepared, names: tuple[str, ...], most: int) -> None:
        self._one, self._names, self._most = one, names, most
        self._compiled = {}

    def _for(self, conn: Connection | Engine) -> "_Compiled":
        found = self._compiled.get(conn.dialect.name)
        if found is None:
            head, _, row = self._one._for(conn).sql.partition(" VALUES ")
            text = f"{head} SELECT * FROM (VALUES {', '.join([row] * self._most)}) LIMIT ?"  # noqa: S608 - the parts are SQLAlchemy's own
            found = _CompiledRows(sql=text, order=self._names, fixed={}, names=(), most=self._most)
            self._compiled[conn.dialect.name] = found
        return found


def run_together(conn: Connection, statements: Statements) -> list[PreparedResult]:
    """Run statements in turn; PostgreSQL gets them on one way there and back.

    Raises:
        UniqueViolation: a unique key is taken.
    """
    if conn.dialect.name == "postgresql":
        return _sent(conn, statements)
    return [prepared(conn, values) for prepared, values in statements]


def commit_together(conn: Connection, statements: Statements) -> None:
    """Send PostgreSQL the last statements of a transaction and its commit on one way there and back.

    If one of them fails the commit is not carried out.

    Raises:
        UniqueViolation: a unique key is taken.
    """
    _sent(conn, statements, "COMMIT", is_answered=False)


def read_and_commit(conn: Connection, prepared: Prepared, values: Mapping[str, Any]) -> PreparedResult:
    """Run the only statement of a reading transaction; PostgreSQL gets it and its end on one way."""
    if conn.dialect.name == "postgresql":
        return _sent(conn, [(prepared, values)], "COMMIT")[0]
    return prepared(conn, values)


def begin_later(conn: Connection, opening: Sequence[str]) -> None:
    """Let PostgreSQL begin a transaction together with the first statement in it.

    `opening` are the statements that come before it; what they give is not read.
    """
    conn.info[OPENING] = opening


def begin_now(conn: Connection, cursor: Any) -> None:
    """Begin what `begin_later` put off, if it was put off: a statement comes by another way than here."""
    opening = conn.info.pop(OPENING, None)
    if opening is not None:
        cursor.connection.cursor().execute("; ".join(opening))


def _sent(
    conn: Connection, statements: Statements, last: str = "", *, is_answered: bool = True
) -> list[PreparedResult]:
    """Send statements as one message, their values written into it by the driver; return what each gave.

    One message wakes the server once. The server keeps the statements of a connection planned, so that the
    message only runs them: planning costs more than running them does. Where nobody reads what they give
    (`is_answered` False), statements that write different tables go as one.
    """
    driver: Any = conn.connection.driver_connection
    dbapi: Any = conn.dialect.loaded_dbapi
    try:
        message = Message(conn)
        body = _body(conn, message, statements, is_answered=is_answered)
        opening = conn.info.pop(OPENING, ())
        before = [part.encode(message.encoding) for part in opening]
        answers = message.sent(b"; ".join([*before, *body, last.encode()] if last else [*before, *body]))
        if not is_answered:
            return []
        own = zip(statements, answers[len(opening) :], strict=False)
        return [prepared.result(conn, message, answer) for (prepared, _), answer in own]
    except dbapi.IntegrityError:
        raise UniqueViolation from None
    except dbapi.Error as error:
        if getattr(error, "sqlstate", None) in _FOREIGN_SESSION:
            _unkept.add(conn.engine)
        if isinstance(error, dbapi.OperationalError) and conn.dialect.is_disconnect(error, driver, None):
            # The other connections of the pool are as stale as this one.
            conn.invalidate(error)
            conn.engine.dispose()
        raise


def _body(conn: Connection, message: Message, statements: Statements, *, is_answered: bool) -> list[bytes]:
    """Return what runs statements, after the server was given those that it does not keep yet."""
    compiled = [(prepared.compiled(conn), values) for prepared, values in statements]
    if conn.engine in _unkept:
        dbapi: Any = conn.dialect.loaded_dbapi
        cursor = dbapi.ClientCursor(conn.connection.driver_connection)
        texts = [cursor.mogrify(one.sql, one.bound(values)) for one, values in compiled]
        return [text.encode(message.encoding) for text in texts]
    parts: list[_Part] = []
    for one, values in compiled:
        assert one.kept is not None
        given = {**one.fixed, **values} if one.fixed else values
        parts.append((one.kept, [given[name] for name in one.kept.order]))
    if not is_answered:
        parts = _together(parts)
    known: set[str] = conn.info.setdefault(KEPT, set())
    new = {part.name: part.made for part, _ in parts if part.name not in known}
    if new:
        made = "; ".join([*new.values()] if known else [_PLAN_ONCE, *new.values()])
        message.sent(made.encode(message.encoding))
        known.update(new)
    return [_run(part, message.literals(values)) for part, values in parts]


def _run(part: Kept, values: bytes) -> bytes:
    name = part.name.encode()
    return b"EXECUTE %s(%s)" % (name, values) if values else b"EXECUTE %s" % name


def _together(parts: Sequence[_Part]) -> list[_Part]:
    """Return statements, those as one that write different tables."""
    found: list[_Part] = []
    at = 0
    for length in runs([part for part, _ in parts]):
        run = parts[at : at + length]
        at += length
        if length == 1:
            found.append(run[0])
        else:
            found.append((as_one(tuple(part for part, _ in run)), [one for _, own in run for one in own]))
    return found
