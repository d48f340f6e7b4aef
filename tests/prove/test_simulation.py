"""Seeded histories of guard, store and desk against a plain model; a failure names its seed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.simulation import new_world, run

HISTORIES = int(os.environ.get("HANDRAIL_HISTORIES", "100000"))


def test_some_seeded_histories_keep_every_promise(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    world = new_world(tmp_path)
    for seed in range(150):
        run(world, seed)
    record_property("histories", 150)
    assert world.store.verify().is_intact
    world.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_a_hundred_thousand_seeded_histories_keep_every_promise(part: int, tmp_path: Path) -> None:
    world = new_world(tmp_path)
    size = HISTORIES // 20
    for seed in range(1000 + part * size, 1000 + (part + 1) * size):
        run(world, seed)
        if seed % 500 == 0:
            # A world that grows for ever would measure its tables, not the promises.
            world.store.close()
            world = new_world(tmp_path)
    world.store.close()
