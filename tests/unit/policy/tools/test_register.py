from handrail.policy import load, loads
from handrail.policy.tools.register import register
from support.shop_policy import SHOP


def test_the_register_names_reason_role_and_test_and_marks_what_lacks() -> None:
    entries = {entry.rule: entry for entry in register(loads(SHOP))}
    assert entries["big"].roles == ("lead",)
    assert entries["big"].tests == ("large",)
    assert entries["big"].marks == ()
    assert entries["close"].marks == ("no reason", "no test")
    assert "vip" not in entries
    assert entries["if_unsure"].roles == ("queue",)


def test_the_register_of_a_business_policy_names_its_conflicts() -> None:
    entries = {entry.rule: entry for entry in register(load("support"))}
    assert entries["return"].roles == ("process_owner_returns",)
    assert entries["return"].tests == ("opened but broken - two policies disagree",)
    assert entries["opened"].outcome == "block"
