"""Idle connections to a SQLite file, for questions that one statement answers.

Such a statement sees one state of the file by itself. A transaction around it would be two statements more,
each of which gives up the interpreter's lock, and a pool's checkout costs as much again.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from handrail.store.prepared import Prepared, PreparedResult

MOST_IDLE = 8


class Readers:
    """Connections that were taken from an engine's pool for good; safe between threads, not over a fork."""

    def __init__(self) -> None:
        self._idle: deque[tuple[PoolProxiedConnection, Any]] = deque()

    def ask(self, engine: Engine, prepared: Prepared, values: Mapping[str, Any]) -> PreparedResult:
        """Run a statement that reads; an error of the driver or the pool goes to the caller."""
        found = prepared.compiled(engine)
        try:
            held, driver = self._idle.pop()
        except IndexError:
            held = engine.raw_connection()
            driver = held.driver_connection
            held.detach()
        try:
            rows = driver.execute(found.sql, found.bound(values)).fetchall()
        except BaseException:
            held.close()
            raise
        if len(self._idle) < MOST_IDLE:
            self._idle.append((held, driver))
        else:
            held.close()
        return PreparedResult(found.names, rows, -1)

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop()[0].close()
