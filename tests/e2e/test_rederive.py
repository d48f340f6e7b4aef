"""A decision can be taken again exactly from what the log holds of it, and the log holds nobody's words."""

import json
from pathlib import Path

from handrail import Guard
from handrail.policy.runtime.record import rederive
from handrail.store import SqlStore
from handrail.testing import FrozenClock
from support.scenes import POLICY


def test_every_logged_decision_comes_out_the_same_again(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    guard = Guard.from_policy(
        tmp_path / "policy.yaml", store=f"sqlite:///{tmp_path}/handrail.db", clock=FrozenClock()
    )

    @guard.tool
    def issue_refund(order_id: str, amount: int) -> str:
        return "refunded"

    with guard.context(customer="c1"):
        guard(lambda question: "We open at nine.")("When do you open, dear shop?")
        guard(lambda question: "Thanks.")("My address is jane.doe@example.com")
        issue_refund("o1", 39)
        issue_refund("o2", 41)
    store = guard.store
    assert isinstance(store, SqlStore)
    store.flush()
    lines = list(store.export())
    guard.close()

    records = [line["data"] for line in lines if line["kind"].startswith("decision.")]
    assert len(records) == 4
    for record in records:
        again = rederive({key: record[key] for key in ("facts", "stage", "effect")}, guard.policy)
        assert again.differences == ()
    assert "jane.doe" not in json.dumps(lines)
    assert "dear shop" not in json.dumps(lines)
