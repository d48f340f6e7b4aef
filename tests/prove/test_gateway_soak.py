"""Hundreds of callers for minutes: no unguarded byte, no failure, memory that does not grow."""

import asyncio
import os
import statistics
import time
from pathlib import Path

import pytest
from benchmarks import gateway_load
from benchmarks.gateway_load import Load, gateway, load, memory_mb, provider, ready

CALLERS = 500
SECONDS = float(os.environ.get("HANDRAIL_SOAK_SECONDS", "600"))
GROWTH = 1.05

pytestmark = pytest.mark.slow


async def soak(folder: Path, port: int) -> tuple[Load, list[float]]:
    """Ask without a pause; returns what the callers saw and the gateway's memory over time, in MB."""
    seen, memory = Load(), list[float]()
    async with provider() as upstream:
        with gateway(folder, upstream, port, guard=True) as pid:
            await ready(port)
            end = time.monotonic() + SECONDS
            asking = asyncio.create_task(load(port, callers=CALLERS, until=end, seen=seen))
            while not asking.done():
                await asyncio.wait({asking}, timeout=min(5.0, SECONDS / 40))
                memory.append(memory_mb(pid))
            await asking
    return seen, memory


def test_a_gateway_keeps_its_memory_and_its_word(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen, memory = asyncio.run(soak(tmp_path, free_port))
    assert seen.leaks == 0
    assert seen.failures == 0
    assert len(seen.seconds) > CALLERS
    # The first quarter fills caches and pools; after it nothing may pile up.
    quarter = len(memory) // 4
    early = statistics.median(memory[quarter : 2 * quarter])
    late = statistics.median(memory[-quarter:])
    assert late <= early * GROWTH, f"{early:.0f} MB became {late:.0f} MB"


def test_the_load_would_see_a_leak(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_load, "SECRET_EVERY", 2)

    async def unguarded() -> Load:
        seen = Load()
        async with provider() as upstream:
            with gateway(tmp_path, upstream, free_port, guard=False):
                await ready(free_port)
                await load(free_port, callers=10, until=time.monotonic() + 1, seen=seen)
        return seen

    assert asyncio.run(unguarded()).leaks > 0
