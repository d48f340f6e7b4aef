"""A policy without a mistake, for tests that put one in, and the first error of a text."""

import pytest

from handrail.errors import PolicyError
from handrail.policy import loads

GOOD = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {answer_within: 30 minutes, backup: supervisor}
  supervisor:
facts:
  tool.name: {type: one of, values: [issue_refund, reply]}
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount}
hand_offs:
  - id: big
    when: tool.name == "issue_refund" and refund.amount > 200 USD
    to: supervisor
    because: Large refunds are signed.
tests:
  - name: large
    given: {tool.name: issue_refund, refund.amount: 201 USD}
    expect: {hand_off: [supervisor]}
"""


def error_of(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        loads(text, file="p.yaml")
    return caught.value
