import json

from handrail.policy import loads
from handrail.policy.runtime.record import write_decision
from handrail.policy.tools.backtest import backtest
from handrail.records import Stage, Unknown
from support.shop_policy import SHOP, usd


def test_a_backtest_counts_by_rule_role_and_change() -> None:
    old = loads(SHOP)
    cases = [
        {"tool.name": "pay", "amount": usd("50"), "vip": False},
        {"tool.name": "pay", "amount": usd("120"), "vip": False},
        {"tool.name": "close"},
        {"tool.name": "pay", "amount": Unknown(why="x"), "vip": False},
    ]
    lines = []
    for number, facts in enumerate(cases * 2):
        record = write_decision(old.decide(facts, Stage.TOOL)) | {"at": f"2026-11-2{number % 2}T10:00:00Z"}
        lines.append((number + 1, json.loads(json.dumps(record))))
    new = loads(SHOP.replace("> 100 USD", "> 40 USD").replace("effect: block", "effect: redact"))
    result = backtest([*lines, (9, None), (10, {"stage": "moon", "facts": {}})], new)
    assert (result.records, result.days, result.unreadable) == (8, 2, [9, 10])
    assert (result.newly, result.no_longer) == (2, 2)
    assert result.newly_by_rule == {"big": 2}
    assert result.no_longer_by_rule == {"close": 2}
    assert result.roles["lead"].hand_offs == 4
    assert result.unknown == {"amount": 2}
    assert result.roles["queue"].is_over
    assert not result.roles["lead"].is_over


def test_plain_facts_in_a_log_are_read_as_in_tests() -> None:
    record = {"stage": "tool", "facts": {"tool.name": "pay", "amount": "120 USD", "vip": "no", "gone": 1}}
    assert backtest([(1, record)], loads(SHOP)).by_rule == {"big": 1}
