"""A small policy that the tests of the policy tools share."""

from decimal import Decimal

from handrail.records import Money

SHOP = """\
policy: shop
version: "1"
if_unsure: queue
roles:
  queue: {capacity_per_day: 1}
  lead: {capacity_per_day: 5}
facts:
  tool.name: {type: text}
  amount: {type: money, currencies: [USD], from: tool.args.amount}
  vip: {type: yes/no, from: context.vip}
hand_offs:
  - {id: big, when: tool.name == "pay" and amount > 100 USD, to: lead, because: Signed.}
  - {id: vip, when: vip and tool.name == "pay", effect: redact}
  - {id: close, when: tool.name == "close", effect: block}
tests:
  - {name: large, given: {tool.name: pay, amount: 101 USD, vip: no}, expect: {hand_off: [lead]}}
  - {name: small, given: {tool.name: pay, amount: 1 USD, vip: no}, expect: {effect: pass}}
"""


def usd(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="USD")
