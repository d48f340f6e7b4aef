"""One message to PostgreSQL, and the answers to its statements.

A cursor of the driver prepares for what these messages never need, anew for each of them and for each answer
in them: that costs as much as everything else on the way. What is below a cursor does the same work once.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

_ADAPTER = "handrail_adapter"


class Message:
    """Writes values as this connection's server reads them, sends, and reads what comes back."""

    def __init__(self, conn: Connection) -> None:
        self._driver: Any = conn.connection.driver_connection
        adapter = conn.info.get(_ADAPTER)
        if adapter is None:
            from psycopg.adapt import Transformer

            adapter = conn.info[_ADAPTER] = Transformer.from_context(self._driver)
        self._adapter: Any = adapter

    @property
    def encoding(self) -> str:
        """The encoding of texts on this connection."""
        return str(self._adapter.encoding)

    def literals(self, values: Sequence[object]) -> bytes:
        """Return values as they are written in a statement, with commas between."""
        return b", ".join([self._adapter.as_literal(value) for value in values])

    def sent(self, text: bytes) -> list[Any]:
        """Send some statements and return the driver's answer to each; raises the driver's error."""
        from psycopg import generators, pq
        from psycopg.errors import error_from_result

        driver = self._driver
        with driver.lock:
            driver.pgconn.send_query(text)
            answers: list[Any] = driver.wait(generators.execute(driver.pgconn))
        for answer in answers:
            if answer.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise error_from_result(answer, encoding=self.encoding)
        return answers

    def rows(self, answer: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one answer."""
        self._adapter.set_pgresult(answer)
        found: list[tuple[Any, ...]] = self._adapter.load_rows(0, answer.ntuples, tuple)
        return found
