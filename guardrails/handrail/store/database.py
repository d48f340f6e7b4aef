"""Connections and transactions: SQLite or PostgreSQL, with one error for all of theirs."""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from handrail.errors import ConfigError, MissingExtra, StoreUnavailable
from handrail.store.audit.chain import forget, keep
from handrail.store.prepared import (
    Prepared,
    PreparedResult,
    Unstorable,
    begin_later,
    begin_now,
    read_and_commit,
)
from handrail.store.readers import Readers

MOUNTS = Path("/proc/self/mountinfo")
MEMORY = frozenset({"tmpfs", "ramfs"})
NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs", "beegfs",
        "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "fuse.rclone", "fuse.gcsfuse", "fuse.ceph", "virtiofs",
    }
)  # fmt: skip


def refuse_volatile(path: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a path whose file system is a network's or held in memory.

    Raises:
        ConfigError: it is; pass `allow_volatile=True` if a lost ticket does not matter.
    """
    kind = file_system(path, mounts)
    if kind in MEMORY:
        raise ConfigError(
            f"{path} lies in memory ({kind}) and is lost at a restart; choose a disk or allow_volatile=True"
        )
    if kind in NETWORK:
        raise ConfigError(
            f"{path} lies on a network file system ({kind}), where SQLite's locks cannot be trusted; "
            "use PostgreSQL, a local disk or allow_volatile=True"
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """Return the file system type of a path, empty where the system does not tell."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mount = fields[4].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind


BUSY_TIMEOUT_S = 30
RETRY_S = (0.0005, 0.003)
# Spreads the waiting, keeps no secret. Its own: a program's seeded chance is not drawn from.
_SPREAD = random.Random()  # noqa: S311
POOL_SIZE = 8
_WRITE = "handrail_write"
_TENANT = "handrail_tenant"
_WAITS_S = "handrail_waits_s"

# Connections that a fork inherited: kept alive, because closing them here would touch the parent's files.
_inherited: list[object] = []


class Database:
    """One database; safe to use from threads and after a fork.

    Args:
        url: SQLAlchemy URL.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_postgres = url.get_backend_name() == "postgresql"
        self.is_memory = not self.is_postgres and url.database in (None, "", ":memory:")
        self._pid = os.getpid()
        # One connection is all an in-memory database has, so its transactions must not interleave.
        self._alone: AbstractContextManager[object] = threading.RLock() if self.is_memory else nullcontext()
        self._engine = _engine(url, is_memory=self.is_memory)
        self._readers = Readers()
        self._unprepared: Callable[[Database], None] | None = None

    @property
    def engine(self) -> Engine:
        """The engine of this process; a forked child gets its own."""
        if os.getpid() != self._pid:
            _inherited.extend((self._engine.pool, self._readers))
            self._engine.dispose(close=False)
            self._readers = Readers()
            self._pid = os.getpid()
        return self._engine

    def prepare_with(self, prepare: "Callable[[Database], None]") -> None:
        """Prepare the tables now, or before the first transaction if the database is out of reach now."""
        self._unprepared = prepare
        with suppress(StoreUnavailable):
            self._prepare()

    def _prepare(self) -> None:
        prepare, self._unprepared = self._unprepared, None
        if prepare is None:
            return
        try:
            prepare(self)
        except BaseException:
            self._unprepared = prepare
            raise

    @contextmanager
    def write(self, tenant: str = "") -> Iterator[Connection]:
        """Run a writing transaction: all or nothing, durable when the block ends.

        Raises:
            StoreUnavailable: the database cannot be reached or written. `IntegrityError` passes through.
        """
        with self._transaction(tenant, is_write=True) as conn:
            yield conn

    @contextmanager
    def read(self, tenant: str = "") -> Iterator[Connection]:
        """Run a reading transaction.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        with self._transaction(tenant, is_write=False) as conn:
            yield conn

    def ask(self, prepared: Prepared, values: Mapping[str, Any], tenant: str = "") -> PreparedResult:
        """Answer a question that takes one statement.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        if self.is_postgres or self.is_memory:
            with self.read(tenant) as conn:
                return read_and_commit(conn, prepared, values)
        if self._unprepared is not None:
            self._prepare()
        try:
            return self._readers.ask(self.engine, prepared, values)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise unavailable(error) from None

    @contextmanager
    def _transaction(self, tenant: str, *, is_write: bool) -> Iterator[Connection]:
        self._prepare()
        try:
            with self._alone, self.engine.connect() as conn:
                conn.info[_WRITE] = is_write
                conn.info[_TENANT] = tenant
                try:
                    with conn.begin():
                        yield conn
                except BaseException:
                    forget(conn)
                    raise
                if is_write:
                    keep(conn)
        except IntegrityError:
            raise
        except (DataError, self._engine.dialect.loaded_dbapi.DataError) as error:
            raise Unstorable("store", why=type(getattr(error, "orig", None) or error).__name__) from None
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error, OSError) as error:
            raise unavailable(error) from None

    def close(self) -> None:
        """Let go of every connection."""
        if os.getpid() == self._pid:
            self._readers.close()
            self._engine.dispose()


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error that stands for a driver's; only its kind is told, never a statement or a value."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    return StoreUnavailable("store", why=f"{type(original).__name__}{f' {code}' if code else ''}")


def parse_url(url: str) -> URL:
    """Read a store URL: `sqlite:///file.db`, `sqlite://` (memory) or `postgresql://…`.

    Raises:
        ConfigError: another scheme, or unreadable.
        MissingExtra: PostgreSQL without psycopg.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("the store URL cannot be read; write sqlite:///file.db or postgresql://…") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtra("postgres", "psycopg") from None
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"no store for {backend!r}; write sqlite:///file.db or postgresql://…")


def _engine(url: URL, *, is_memory: bool) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "postgresql":
        options |= {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE * 3, "isolation_level": "AUTOCOMMIT"}
        # The driver's own prepared statements would, after a rollback, have the server drop ours as well.
        engine = create_engine(url, connect_args={"prepare_threshold": None}, **options)
        event.listen(engine, "begin", _begin_postgres)
        event.listen(engine, "before_cursor_execute", _begin_first)
        return engine
    if is_memory:
        options["poolclass"] = StaticPool
    else:
        options |= {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE * 3}
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}, **options
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transaction handling would begin late and deferred; ours begins where it says.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    # Rarer checkpoints keep their syncs out of nearly every commit; the log stays below some 32 MB.
    cursor.execute("PRAGMA wal_autocheckpoint=8000")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _begin(conn: Connection) -> None:
    driver: Any = conn.connection.driver_connection
    # SQLite's own waiting backs off to a tenth of a second, which starves whoever waits longest to write.
    # Once it has begun, a writing transaction waits for nobody.
    timeout_s = 0 if conn.info.get(_WRITE) else BUSY_TIMEOUT_S
    if conn.info.get(_WAITS_S, BUSY_TIMEOUT_S) != timeout_s:
        driver.execute(f"PRAGMA busy_timeout={timeout_s * 1000}")
        conn.info[_WAITS_S] = timeout_s
    if timeout_s:
        driver.execute("BEGIN")
    else:
        _begin_immediate(driver, time.monotonic() + BUSY_TIMEOUT_S)


def _begin_immediate(driver: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_SPREAD.uniform(*RETRY_S))
        else:
            return


def _begin_postgres(conn: Connection) -> None:
    """Begin and name the tenant with the first statement; row-level security reads it until the end."""
    from psycopg import sql

    tenant = sql.Literal(conn.info.get(_TENANT, "")).as_string(None)
    begin_later(conn, ("BEGIN", f"SET LOCAL handrail.tenant = {tenant}"))


def _begin_first(conn: Connection, cursor: Any, *_: object) -> None:
    begin_now(conn, cursor)


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite URL, None for memory and other databases."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))
