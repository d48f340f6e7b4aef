"""An event loop waits for no log: neither for a durable one, nor for a batched one that is slow."""

import asyncio
from pathlib import Path

import pytest

from handrail import Guard
from handrail.records import Draft, Message, Speaker
from handrail.store import SqlStore
from support.shop_guard import POLICY, shop_guard
from support.watched_store import watched

ASKED = (Message(speaker=Speaker.USER, text="Where is my parcel?"),)


async def answered(guard: Guard) -> None:
    for number in range(3):
        call = await guard.abegin(ASKED, exchange=f"e{number}")
        assert (await call.afinish([Draft(text="It comes on Friday.")])).is_released


@pytest.mark.parametrize("policy", [POLICY, f"log: durable\n{POLICY}"], ids=["batched", "durable"])
def test_the_store_is_never_written_in_the_loop_s_thread(tmp_path: Path, policy: str) -> None:
    with shop_guard(tmp_path, policy) as guard:
        assert isinstance(guard.store, SqlStore)
        store = watched(guard.store)
        asyncio.run(answered(guard))
        store.flush()
        assert store.uses > 0
        assert store.stalls == []


def test_a_log_that_has_not_written_yet_is_said_to_wait(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:
        store = guard.store
        assert store.log_waits
        assert guard.begin(ASKED).finish([Draft(text="It comes on Friday.")]).is_released
        assert not store.log_waits
