"""A change is held against the policy in force, whatever an earlier version did."""

from handrail.policy import loads
from handrail.policy.runtime.log_row import LogRow
from handrail.review.changes.patches import added, retired
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.promise import NOTHING_CERTIFIED
from handrail.review.changes.proposal import Grounds
from handrail.review.log.conditions import FactCondition, FactTest

BEFORE = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {}
facts:
  refund.amount: {type: whole number}
hand_offs:
  - id: large
    when: refund.amount > 100
    to: queue_manager
    because: A person decides large refunds.
  - id: every
    when: refund.amount > 0
    to: queue_manager
    because: A person decides every refund.
"""
NOW = retired(BEFORE, "every")
LARGE = FactCondition(tests=(FactTest(fact="refund.amount", operator=">", size=500),))


def log() -> list[LogRow]:
    """As the version before this one decided: every refund went to a person."""
    return [
        LogRow(outcome="handed_off", exchange=str(amount), effect="hand_off", rules=("every",), facts=facts)
        for amount in (50, 60, 200, 600)
        if (facts := {"refund.amount": {"kind": "number", "value": str(amount)}})
    ]


def in_force(text: str) -> PolicyInForce:
    return PolicyInForce.with_log(
        log(), policy=loads(text), text=text, file="shop.yaml", weeks=1, certified=NOTHING_CERTIFIED
    )


def test_a_change_is_not_charged_with_what_an_earlier_change_did() -> None:
    now = in_force(NOW)
    grounds = Grounds(kind="needless", title="t", why="w", wrong=0.0)
    one = now.change(grounds, now.tried(retired(NOW, "large")))
    assert one.replay == "On past decisions 2 hand-offs fewer (2 a week)."
    assert one.worth == 2
    same = now.change(grounds, now.tried(added(NOW, "huge", LARGE, to="queue_manager", because="b")))
    assert same.replay == "On past decisions nothing changes."


def test_the_first_change_has_its_own_effect() -> None:
    now = in_force(BEFORE)
    one = now.change(Grounds(kind="needless", title="t", why="w"), now.tried(NOW))
    assert one.replay == "On past decisions 2 hand-offs fewer (2 a week)."


def test_what_cannot_be_decided_again_is_neither_more_nor_fewer() -> None:
    row = LogRow(outcome="handed_off", exchange="1", effect="hand_off", rules=("every",))
    now = PolicyInForce.with_log(
        [row], policy=loads(NOW), text=NOW, file="shop.yaml", weeks=1, certified=NOTHING_CERTIFIED
    )
    one = now.change(Grounds(kind="needless", title="t", why="w"), now.tried(retired(NOW, "large")))
    assert one.replay == "On past decisions nothing changes."
