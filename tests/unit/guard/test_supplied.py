from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from handrail import Guard
from handrail.errors import PolicyError
from handrail.policy import loads
from handrail.records import Evidence

POLICY = """\
policy: sourced
version: "1"
if_unsure: lead
roles: {lead: }
facts:
  order.age: {type: duration}
  vip: {type: yes/no, from: caller}
  colour: {type: text}
  told: {type: yes/no, from: context.told}
hand_offs:
  - {id: old, when: order.age > 30 days and told, to: lead}
  - {id: vip, when: vip, to: lead}
"""


def no_facts(names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
    return {}


def test_facts_that_nothing_supplies_stop_a_guard_and_name_the_line_to_add(tmp_path: Path) -> None:
    path, store = tmp_path / "policy.yaml", f"sqlite:///{tmp_path / 'h.db'}"
    path.write_text(POLICY)
    with pytest.raises(PolicyError) as found:
        Guard.from_policy(path, store=store)
    assert "add `from: context.order_age` and state it in guard.context(facts={'order_age': …})" in str(
        found.value
    )
    assert [problem.line for problem in (found.value, *found.value.others)] == [6, 7]
    Guard.from_policy(path, store=store, facts=no_facts).close()


def test_a_guard_without_a_fact_source_takes_no_policy_that_needs_one_later_either(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("vip, to", "told, to").replace("order.age > 30 days and ", ""))
    guard = Guard.from_policy(path, store=f"sqlite:///{tmp_path / 'h.db'}")
    before = guard.policy.ref
    with pytest.raises(PolicyError):
        guard.reload(loads(POLICY))
    assert guard.policy.ref == before
    guard.close()
