import pytest

from handrail.policy import loads
from handrail.policy.language.format import format_case
from handrail.policy.tools.diff import diff
from support.shop_policy import SHOP


def test_a_difference_is_shown_by_a_case_on_either_side() -> None:
    old, new = loads(SHOP), loads(SHOP.replace("amount > 100 USD", "amount > 150 USD"))
    found = diff(old, new)
    assert found.edits == ("rule 'big' changed",)
    (change,) = found.changes
    assert (change.before, change.after, change.rules) == ("hand_off to lead", "pass", ("big",))
    assert "amount 101 USD" in format_case(change.witness)
    assert old.decide(change.witness, change.stage).role == "lead"
    assert new.decide(change.witness, change.stage).role is None
    assert "version is still 1" in found.remarks[0]


def test_no_difference_is_none_and_a_new_label_alone_is_said() -> None:
    assert diff(loads(SHOP), loads(SHOP)).is_empty
    relabelled = diff(loads(SHOP), loads(SHOP.replace('version: "1"', 'version: "2"')))
    assert relabelled.is_empty
    assert "content did not" in relabelled.remarks[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("to: lead, because", "to: queue, because"),
        ("effect: block", "to: queue"),
        ('tool.name == "close"', 'tool.name == "shut"'),
        ("vip and ", ""),
        ('  - {id: vip, when: vip and tool.name == "pay", effect: redact}\n', ""),
        ("if_unsure: queue", "if_unsure: lead"),
        ("hand_offs:\n", "mode: shadow\nhand_offs:\n"),
        ("because: Signed.}", "because: Signed., mode: shadow}"),
    ],
)
def test_every_kind_of_change_shows_a_changed_outcome(old: str, new: str) -> None:
    assert old in SHOP
    found = diff(loads(SHOP), loads(SHOP.replace(old, new, 1)))
    assert found.changes
    assert found.edits
