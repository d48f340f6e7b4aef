"""What a chat's exchange costs beside a store: in a named conversation, over stores of several sizes.

An exchange is a question and an answer of 1 kB, judged by the policy `support`, with its decision logged. Its
cost is the calling thread's CPU and its share of the CPU of the thread that writes the log. Every text
differs, so that nothing can be remembered.
"""

import asyncio
import multiprocessing
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

from benchmarks.ticket_list import batches
from benchmarks.ticket_load import NOW, Opener, new_ticket, postgres_on, postgres_server, sqlite
from sqlalchemy import text

from handrail import Guard
from handrail.clock import now_utc
from handrail.policy import loads
from handrail.records import Context, Money
from handrail.store import SqlStore
from handrail.store.tables import tickets
from handrail.tickets.ports import LedgerEntry, Settlement

SIZES = (0, 10_000, 100_000)
KNOWN, EARLIER = "known", 100
"""A customer with that many earlier tickets and refunds."""
OPEN_SHARE = 0.01
THREADS, TASKS, PROCESSES = 8, 200, 2
FORK = multiprocessing.get_context("fork")
BARS = {"conversation_cpu_p50_us": 250.0, "conversation_cpu_p99_us": 1000.0}
MOST = {
    "conversation_over_none": 1.5,
    "conversation_beside_100000": 1.1,
    "history_over_none": 1.1,
    "pg_wait_over_read": 1.3,
    "first_after_reload_ms": 5.0,
}
LEAST = {"processes_2": 1.8, "threads_8": 0.95}
WORDS = (
    "Hello, I ordered a desk lamp and a reading chair on the ninth of March, to be sent to my flat. I would "
    "like to know on which day the parcel comes, as I am at work until five, and whether the neighbour on "
    "the ground floor may take it. The chair is the green one with wooden legs. Could you also tell me how "
    "long the lamp can be exchanged, and which bulbs fit it? I looked at the page about lamps. "
)
REPLY = (
    "Thank you for your message about the order that you placed with us last week. The parcel left our "
    "warehouse on the next working day and is now with the carrier, who will bring it to your door. You can "
    "follow its way with the link in the letter that we sent when it left. Should it not arrive within five "
    "working days, write to us again and we will look for it together with the carrier at once. "
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Microseconds of an exchange, CPU with the log's share and on the wall; and how many a second."""

    cpu_p50: float
    cpu_p99: float
    wall_p50: float
    per_s: float


def question(number: int) -> str:
    """A question of 1 kB that was not asked before."""
    return f"Order {number:09}. {WORDS * 3}"[:1024]


def reply(asked: str) -> str:
    """An answer of 1 kB that was not given before, for no cost worth naming."""
    return f"{asked[:16]} {REPLY * 3}"[:1024]


def measured(guard: Guard, rounds: int, conversation: str | None, customer: str = "c1") -> Cost:
    """Time exchanges of one thread."""
    guarded = guard(reply)
    with guard.context(customer=customer, conversation=conversation):
        for number in range(rounds // 10 + 20):
            guarded(question(number))
        guard.store.flush()
        cpu, wall = [], []
        process, began = time.process_time_ns(), time.perf_counter()
        for number in range(rounds):
            asked = question(10**6 + number)
            start, used = time.perf_counter_ns(), time.thread_time_ns()
            guarded(asked)
            cpu.append((time.thread_time_ns() - used) / 1000)
            wall.append((time.perf_counter_ns() - start) / 1000)
        took = time.perf_counter() - began
        guard.store.flush()
        every = (time.process_time_ns() - process) / 1000
    # Whatever this process used beside the calls is the writer's, and a little of this loop.
    share = max(0.0, every - sum(cpu)) / rounds
    return Cost(
        cpu_p50=statistics.median(cpu) + share,
        cpu_p99=statistics.quantiles(cpu, n=100)[98] + share,
        wall_p50=statistics.median(wall),
        per_s=rounds / took,
    )


def rate(guard: Guard, rounds: int, threads: int) -> float:
    """Return exchanges a second of some threads, each in conversations of its own."""
    guarded, barrier = guard(reply), threading.Barrier(threads + 1)

    def work(own: int) -> None:
        barrier.wait()
        with guard.context(customer=f"c{own}", conversation=f"v{own}"):
            for number in range(rounds // threads):
                guarded(question(own * 10**6 + number))

    running = [threading.Thread(target=work, args=(own,)) for own in range(threads)]
    for thread in running:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in running:
        thread.join()
    return rounds // threads * threads / (time.perf_counter() - start)


def first_after_reload_ms(guard: Guard, reloads: int = 5) -> float:
    """Return the most CPU milliseconds of an exchange right after a reload that scans for more."""
    file = resources.files("handrail_policies").joinpath("support.yaml").read_text("utf-8")
    guarded, took = guard(reply), []
    for number in range(reloads):
        guard.reload(loads(file.replace("terms: [", f"terms: [one more {number}, ", 1)))
        used = time.thread_time_ns()
        guarded(question(3 * 10**6 + number))
        took.append((time.thread_time_ns() - used) / 10**6)
    return max(took)


async def tasks_rate(guard: Guard, rounds: int, tasks: int) -> float:
    """Return exchanges a second of some tasks of one loop."""

    async def answered(asked: str) -> str:
        return reply(asked)

    guarded = guard(answered)

    async def work(own: int) -> None:
        with guard.context(customer=f"c{own}", conversation=f"a{own}"):
            for number in range(max(1, rounds // tasks)):
                await guarded(question(own * 10**6 + number))

    start = time.perf_counter()
    await asyncio.gather(*(work(own) for own in range(tasks)))
    return max(1, rounds // tasks) * tasks / (time.perf_counter() - start)


def processes_rate(opener: Opener, rounds: int, processes: int) -> float:
    """Return exchanges a second of some processes over one store."""
    barrier = FORK.Barrier(processes + 1)

    def work() -> None:
        guard = Guard.from_policy("support", store=opener())
        rate(guard, 40, 1)
        barrier.wait()
        rate(guard, rounds, 1)
        guard.store.flush()
        barrier.wait()
        guard.store.close()

    running: list[Any] = [FORK.Process(target=work) for _ in range(processes)]
    for process in running:
        process.start()
    barrier.wait()
    start = time.perf_counter()
    barrier.wait()
    took = time.perf_counter() - start
    for process in running:
        process.join()
    return rounds * processes / took


def fill(store: SqlStore, size: int) -> None:
    """Put tickets into a store, of which one in a hundred is open."""
    store.open(new_ticket())
    if not size:
        return
    with store.read("default") as tx:
        template = dict(tx.conn.execute(tickets.select().limit(1)).one()._mapping)
    template |= {"content": template["content"][:512], "sealed": template["sealed"][:256]}
    open_count = int(size * OPEN_SHARE)
    for batch in batches(template, open_count, size - open_count, NOW + timedelta(days=1)):
        with store.database.write("default") as conn:
            conn.execute(tickets.insert(), batch)


def give_history(store: SqlStore) -> None:
    """Give a customer earlier tickets, withdrawn by now, and as many refunds."""
    amounts = {"refund.amount": Money(amount=Decimal(5), currency="USD")}
    for _ in range(EARLIER):
        ticket = new_ticket(KNOWN)
        store.open(ticket)
        store.withdraw(Context(customer=KNOWN), ticket.id)
        entry = LedgerEntry(
            id=uuid.uuid4().hex,
            tenant="default",
            tool="issue_refund",
            at=now_utc(),
            customer=KNOWN,
            amounts=amounts,
        )
        store.reserve(entry, {})
        store.settle("default", entry.id, Settlement.DONE)


def read_us(store: SqlStore, rounds: int) -> float:
    """Return the microseconds on the wall of one indexed read of a PostgreSQL store's server."""
    wanted = "SELECT * FROM tickets WHERE tenant = 'default' AND id = %s"
    with store.database.read("default") as conn:
        conn.execute(text("SELECT 1"))
        cursor: Any = conn.connection.cursor()
        took = []
        for _ in range(rounds):
            start = time.perf_counter_ns()
            cursor.execute(wanted, (uuid.uuid4().hex,), prepare=False)
            cursor.fetchall()
            took.append((time.perf_counter_ns() - start) / 1000)
    return statistics.median(took)


@contextmanager
def _stores(name: str) -> Iterator[Callable[[], Opener]]:
    """Yield how to get a fresh, empty store of a kind."""
    if name == "sqlite":
        with sqlite() as opener:
            yield lambda: opener
    else:
        with postgres_server() as server:
            yield lambda: postgres_on(server)


def exchanges(*, quick: bool) -> tuple[dict[str, float], list[str]]:
    """Measure everything, showing it as it comes; return figures and the bars that were missed."""
    figures: dict[str, float] = {}
    rounds = 300 if quick else 2000
    print(f"\n{'us an exchange':46}{'cpu p50':>10}{'cpu p99':>10}{'wall p50':>10}{'a second':>10}")
    for size in SIZES[:2] if quick else SIZES:
        for name in ("sqlite", "postgresql"):
            with _stores(name) as fresh:
                _beside(name, size, fresh(), figures, rounds)
    figures["conversation_over_none"] = (
        figures["conversation_cpu_p50_us"] / figures["no_conversation_cpu_p50_us"]
    )
    short = [bar for bar, most in (BARS | MOST).items() if figures.get(bar, most) > most]
    short += [bar for bar, least in LEAST.items() if figures.get(bar, least) < least]
    return {name: round(value, 3) for name, value in figures.items()}, short


def _beside(name: str, size: int, opener: Opener, figures: dict[str, float], rounds: int) -> None:
    store = opener()
    fill(store, size)
    give_history(store)
    guard = Guard.from_policy("support", store=store)
    plain, named = measured(guard, rounds, None), measured(guard, rounds, "v1")
    known = measured(guard, rounds, "v1", KNOWN)
    shown = {"no conversation": plain, "named conversation": named, "customer with history": known}
    for label, cost in shown.items():
        each = (cost.cpu_p50, cost.cpu_p99, cost.wall_p50, cost.per_s)
        where = f"{name}, {size:,} tickets, {label}"
        print(f"{where:46}" + "".join(f"{value:10.1f}" for value in each), flush=True)
    if name == "postgresql":
        read = read_us(store, rounds)
        waited = max(0.0, named.wall_p50 - named.cpu_p50)
        figures[f"pg_conversation_cpu_p50_us_{size}"] = named.cpu_p50
        figures["pg_read_us"], figures["pg_wait_over_read"] = read, waited / read
        print(f"{'  waited beyond its CPU, and one read':46}{waited:10.1f}{read:10.1f}", flush=True)
    elif not size:
        figures["conversation_cpu_p50_us"] = named.cpu_p50
        figures["conversation_cpu_p99_us"] = named.cpu_p99
        figures["no_conversation_cpu_p50_us"] = plain.cpu_p50
        figures["history_over_none"] = known.cpu_p50 / named.cpu_p50
        _together(guard, opener, figures, rounds)
        first = figures["first_after_reload_ms"] = first_after_reload_ms(guard)
        print(f"{'  first after a reload, cpu ms':46}{first:10.2f}", flush=True)
    else:
        beside = min(named.cpu_p50, known.cpu_p50)
        figures[f"conversation_beside_{size}"] = beside / figures["conversation_cpu_p50_us"]
    guard.store.close()


def _together(guard: Guard, opener: Opener, figures: dict[str, float], rounds: int) -> None:
    """Compare threads, tasks and processes with one thread, in turns."""
    one, many, loop = [], [], []
    for _ in range(3):
        one.append(rate(guard, rounds, 1))
        many.append(rate(guard, rounds, THREADS))
        loop.append(asyncio.run(tasks_rate(guard, rounds, TASKS)))
    alone, both = processes_rate(opener, rounds, 1), processes_rate(opener, rounds, PROCESSES)
    figures["threads_8"] = statistics.median(many) / statistics.median(one)
    figures["tasks_200"] = statistics.median(loop) / statistics.median(one)
    figures["processes_2"] = both / alone
    for label in ("threads_8", "tasks_200", "processes_2"):
        print(f"{'  ' + label + ', times one':46}{figures[label]:10.2f}", flush=True)
