from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.policy import loads
from handrail.policy.tools.upgrade import upgrade
from handrail.records import Stage

OLD = """\
# The shop's rules.
policy: shop   # a label
version: "1"
if_unsure: lead
roles: {lead: }

facts:
  tool.name: {type: one of, values: [issue_refund, pay, get_order]}
  # What is given back.
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount, currency: "tool.args.currency"}
  sum:
    type: money   # in dollars
    currencies: [USD]
    from: tool.args.items[0].total   # the first item
  tool.args.reason: {type: text}
  vip: {type: yes/no}   # a good customer
hand_offs:
  - id: refunds
    when: tool.name == "issue_refund" and refund.amount > 200 USD
    to: lead
  - {id: sums, when: 'tool.name in ["pay", "issue_refund"] and sum > 5 USD', to: lead}
  - {id: reasons, when: 'tool.name == "pay" and tool.args.reason == "x"', to: lead}
  - {id: vips, when: vip, to: lead}   # every one
tests:
  - name: large
    given: {tool.name: issue_refund, refund.amount: 300 USD, sum: 1 USD, vip: no}
    expect: {hand_off: [lead]}
"""


def test_an_old_policy_is_rewritten_where_it_changes_and_nowhere_else() -> None:
    found = upgrade(OLD)
    assert not found.left
    assert not found.failing
    assert [line for line in found.text.splitlines() if line not in OLD.splitlines()] == [
        "# `reads` for a tool that changes nothing: doubt about it costs no ticket.",
        "tools:",
        "  issue_refund: acts",
        "  pay: acts",
        "  get_order: acts",
        "unlisted: hand_off",
        "  refund.amount: {type: money, currencies: [USD], from: issue_refund.args.amount,"
        ' currency: "issue_refund.args.currency"}',
        "    from: [issue_refund.args.items.0.total, pay.args.items.0.total]   # the first item",
        "  tool.args.reason: {type: text, from: pay.args.reason}",
        "  vip: {type: yes/no, from: caller}   # a good customer",
    ]
    assert [line for line in OLD.splitlines() if "#" in line and line not in found.text.splitlines()] == [
        "    from: tool.args.items[0].total   # the first item",
        "  vip: {type: yes/no}   # a good customer",
    ]


def test_a_rewritten_policy_no_longer_hands_off_calls_that_no_rule_speaks_of() -> None:
    new = loads(upgrade(OLD).text)
    call = {"tool.name": "get_order", "vip": False}
    assert not new.decide(call, Stage.TOOL).reasons
    assert not upgrade(upgrade(OLD).text).changes


def test_what_no_rule_ties_to_a_tool_is_left_to_a_person() -> None:
    text = OLD.replace('tool.name == "issue_refund" and refund.amount > 200 USD', "refund.amount > 200 USD")
    found = upgrade(text)
    assert found.left == (
        "refund.amount: no rule that reads it names a tool; write `from: <tool>.args.…` by hand",
    )
    assert "from: tool.args.amount" in found.text


def test_what_is_no_policy_is_not_rewritten(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        upgrade("policy: p\n", folder=tmp_path)
