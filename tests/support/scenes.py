"""A small policy, its people and a secret that tests share."""

POLICY = """\
policy: shop
version: "1"
owner: process_owner
if_unsure: queue_manager

roles:
  finance_lead:   {answer_within: 30 minutes, backup: process_owner}
  supervisor:     {answer_within: 30 minutes, backup: process_owner}
  billing:        {answer_within: 30 minutes, backup: process_owner}
  queue_manager:  {answer_within: 30 minutes, backup: process_owner}
  process_owner:  {answer_within: 1 days}

facts:
  tool.name:       {type: text, from: tool.name}
  refund.amount:   {type: money, currencies: [USD], from: tool.args.amount, optional: true}
  refunds_30d:
    {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund, per: customer,
     within: 30 days}
  input.findings:  {type: set, values: [card, email, credential]}
  output.findings: {type: set, values: [email, credential]}
  disputes:        {type: yes/no, from: signal.dispute}
  wants_human:     {type: yes/no, from: signal.asks_for_human}

hand_offs:
  - id: big-refund
    when: tool.name == "issue_refund" and refund.amount + refunds_30d > 500 USD
    to: finance_lead
    trigger: high_stakes
    severity: high
    because: Refunds above 500 USD are signed by finance.
  - id: card
    when: input.findings has card
    to: billing
    trigger: sensitive_data
    because: Only billing sees card numbers.
  - id: mask-email
    when: input.findings has email or output.findings has email
    effect: redact
    because: E-mail addresses stay out of the model and out of answers.
  - id: secret-out
    when: output.findings has credential
    to: supervisor
    trigger: sensitive_data
    because: A key in an answer is a leak.
  - id: dispute
    when: disputes
    to: supervisor
    trigger: complaint
    because: A disputed answer goes to a supervisor.
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
  supervisor: [sue]
  billing: [bill]
  queue_manager: [quinn]
  process_owner: [petra]
"""

KEY = "sk-proj-" + "Ab3dEf6hIj9kLmN0pQrStUvWxYz8Qw7Er5Ty2Ui4"
