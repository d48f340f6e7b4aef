"""A real guard over a small shop's policy, for tests of adapters."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail import Guard

POLICY = """\
policy: shop
version: "1"
owner: process_owner
if_unsure: queue_manager

roles:
  finance_lead:   {answer_within: 30 minutes, backup: process_owner}
  queue_manager:  {answer_within: 30 minutes, backup: process_owner}
  privacy_lead:   {answer_within: 30 minutes, backup: process_owner}
  process_owner:  {answer_within: 1 days}

facts:
  tool.name:       {type: text, from: tool.name}
  refund.amount:   {type: money, currencies: [USD], from: tool.args.amount, optional: true}
  input.findings:  {type: set, values: [credential, email]}
  output.findings: {type: set, values: [credential, email]}
  tool.findings:   {type: set, values: [credential, email]}
  wants_human:     {type: yes/no, from: signal.asks_for_human}

hand_offs:
  - id: big-refund
    when: tool.name == "issue_refund" and refund.amount > 500 USD
    to: finance_lead
    trigger: high_stakes
    severity: high
    because: Refunds above 500 USD are signed by finance.
  - id: key-in-answer
    when: output.findings has credential
    to: privacy_lead
    trigger: sensitive_data
    because: A key in an answer is a leak.
  - id: key-in-call
    when: tool.findings has credential
    to: privacy_lead
    trigger: sensitive_data
    because: A key in a call is a leak.
  - id: mask-email
    when: input.findings has email or output.findings has email
    effect: redact
    because: Addresses stay out of the model and out of answers.
  - id: asks-for-human
    when: wants_human
    to: queue_manager
    trigger: asks_for_human
    because: Whoever asks for a person gets one.
  - id: no-deletion
    when: tool.name == "delete_account"
    effect: block
    because: Accounts are deleted by people only.
on_conflict: {to: process_owner}
tests: []
"""

PEOPLE = """\
roles:
  finance_lead: [fay]
  queue_manager: [quinn]
  privacy_lead: [priya]
  process_owner: [petra]
"""

KEY = "sk-proj-" + "Ab3dEf6hIj9kLmN0pQrStUvWxYz8Qw7Er5Ty2Ui4"
MAIL = "ann.smith@example.org"


@contextmanager
def shop_guard(folder: Path, policy: str = POLICY) -> Iterator[Guard]:
    """A guard with its store in a folder."""
    (folder / "shop.yaml").write_text(policy)
    (folder / "people.yaml").write_text(PEOPLE)
    store = f"sqlite:///{folder}/handrail.db"
    guard = Guard.from_policy(folder / "shop.yaml", people=folder / "people.yaml", store=store)
    try:
        yield guard
    finally:
        guard.close()
