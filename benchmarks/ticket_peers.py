"""The same job elsewhere: a durable wait for a person, an answer, one action. One worker, on SQLite."""

import contextlib
import io
import logging
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable
from typing import Any, TypedDict

from benchmarks.ticket_load import quantile

Peer = Callable[[int], tuple[float, float, float]]


def _timed(count: int, once: Callable[[], None]) -> tuple[float, float, float]:
    once()
    took = []
    start = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        once()
        took.append(time.perf_counter() - begun)
    elapsed = time.perf_counter() - start
    took.sort()
    return count / elapsed, 1000 * quantile(took, 0.5), 1000 * quantile(took, 0.99)


class _State(TypedDict, total=False):
    amount: int
    verdict: str
    done: bool


def langgraph(count: int) -> tuple[float, float, float]:
    """Interrupt a graph, resume it with an answer, act; its SQLite checkpointer keeps the state."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command, interrupt

    def ask(state: _State) -> _State:
        return {"verdict": interrupt({"amount": state["amount"]})}

    def act(state: _State) -> _State:
        return {"done": True}

    builder: Any = StateGraph(_State)
    builder.add_node("ask", ask)
    builder.add_node("act", act)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    builder.add_edge("act", END)
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(f"{folder}/graph.db", check_same_thread=False)
        graph = builder.compile(checkpointer=SqliteSaver(connection))

        def once() -> None:
            config = {"configurable": {"thread_id": uuid.uuid4().hex}}
            graph.invoke({"amount": 640}, config)
            assert graph.invoke(Command(resume="approve"), config)["done"]

        found = _timed(count, once)
        connection.close()
    return found


def dbos(count: int) -> tuple[float, float, float]:
    """Start a workflow that waits for a message, send it, wait for the action."""
    from dbos import DBOS, DBOSConfig, SetWorkflowID

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        logging.getLogger("dbos").setLevel(logging.CRITICAL)
        url = f"sqlite:///{folder}/dbos.db"
        config: DBOSConfig = {"name": "bench", "system_database_url": url, "run_admin_server": False}
        DBOS(config=config)

        @DBOS.step()
        def act(amount: int) -> bool:
            return True

        @DBOS.workflow()
        def refund(amount: int) -> bool:
            verdict = DBOS.recv("verdict", timeout_seconds=30)
            return act(amount) if verdict == "approve" else False

        DBOS.launch()

        def once() -> None:
            name = uuid.uuid4().hex
            with SetWorkflowID(name):
                handle = DBOS.start_workflow(refund, 640)
            DBOS.send(name, "approve", "verdict")
            assert handle.get_result()

        found = _timed(count, once)
        DBOS.destroy()
    return found


PEERS: dict[str, Peer] = {"langgraph": langgraph, "dbos": dbos}
