from handrail.policy import loads
from handrail.policy.file.cases import run_cases

POLICY = """\
policy: why
version: "1"
if_unsure: q
roles: {q: , lead: }
facts:
  amount: {type: money, currencies: [USD], from: pay.args.amount}
  age: {type: duration, from: context.age}
hand_offs:
  - {id: large, when: amount > 200 USD, to: lead}
  - {id: old, when: age > 30 days, to: lead}
tests:
  - {name: unknown, given: {amount: 300 USD}, expect: {effect: pass}}
  - {name: quiet, given: {amount: 3 USD, age: 1 days}, expect: {effect: block}}
  - {name: fits, given: {amount: 300 USD, age: 1 days}, expect: {hand_off: [lead]}}
"""


def test_a_failed_test_says_which_rule_fired_and_which_fact_was_unknown() -> None:
    unknown, quiet, fits = run_cases(
        loads(
            POLICY.replace(
                "amount: 300 USD}, expect: {effect", "amount: 300 USD, age: null}, expect: {effect"
            )
        )
    )
    assert unknown.why == (
        "fired: large (hand_off to lead)",
        "unsure: old to q: unknown: age (missing)",
    )
    assert quiet.why == ("no rule fired",)
    assert fits.why == ()
