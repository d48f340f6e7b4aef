"""A thousand malformed or hostile requests: no failure of the gateway's own, no leak, flat memory."""

import statistics
from pathlib import Path

import pytest

from support.hostile_gateway import attacked
from support.hostile_requests import from_types, ours

pytestmark = pytest.mark.slow

REQUESTS = 1_000
GROWTH = 1.05


def test_a_thousand_hostile_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", "up-key")
    listed = ours(size=300_000)
    requests = [*listed, *from_types(REQUESTS - len(listed))]
    assert len(requests) == REQUESTS
    # Once to fill caches and pools, and once more: after that nothing may pile up.
    report = attacked(tmp_path, [*requests, *requests], weighs=True)
    assert report.own_failures == []
    assert report.leaks == []
    seconds, name = report.longest
    assert seconds < 1.0, f"{name} kept the loop for {seconds:.2f} s"
    first, second = report.memory[REQUESTS // 2 : REQUESTS], report.memory[-REQUESTS // 2 :]
    early, late = statistics.median(first), statistics.median(second)
    assert late <= early * GROWTH, f"{early:.0f} MB became {late:.0f} MB"
    print(f"{REQUESTS} requests: {report.statuses}, loop {seconds:.3f} s, {early:.0f} MB then {late:.0f} MB")
