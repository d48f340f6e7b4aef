"""Policies of one decision, and what a check says of them."""

from handrail.policy import Policy, loads
from handrail.policy.analyse import Remark, check, prove

HEAD = """\
policy: shop
version: "1"
if_unsure: queue
roles:
  queue: {answer_within: 1 hours, backup: owner}
  owner: {answer_within: 1 hours, backup: queue}
on_conflict: {to: owner}
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD, EUR]}
  limit: {type: money, currencies: [USD]}
  age: {type: duration}
  sale: {type: yes/no, optional: true}
  retries: {type: whole number, min: 0, max: 9}
  tier: {type: one of, values: [gold, silver]}
  marks: {type: set, values: [x, y]}
  now: {type: time of day}
"""


def of(text: str) -> Policy:
    return loads(HEAD + text)


def decision(*rules: str, applies: str = 'tool.name == "refund"', extra: str = "") -> Policy:
    lines = "".join(f"      - {{{rule}}}\n" for rule in rules)
    return of(
        f"{extra}decisions:\n  d:\n    applies_when: {applies}\n"
        f"    answers: {{yes: pass, no: block}}\n    rules:\n{lines}"
    )


def remarks(policy: Policy, code: str, *, z3: bool = False) -> list[Remark]:
    checked = check(policy, prover=prove.prover_for(policy) if z3 else None)
    assert checked.bad_witnesses == 0
    return [remark for remark in checked.remarks if remark.code == code]
