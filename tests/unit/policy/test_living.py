"""Living with a policy: explain, compare, try on a log, decide again, reload, register."""

import json
import os
import threading
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from handrail.errors import PolicyError
from handrail.policy import load, loads, shipped
from handrail.policy.analyse.witness import format_case
from handrail.policy.file.document import Document
from handrail.policy.file.schema import schema
from handrail.policy.runtime.record import read_fact, rederive, write_decision, write_fact
from handrail.policy.tools.backtest import backtest
from handrail.policy.tools.diff import diff
from handrail.policy.tools.explain import explain
from handrail.policy.tools.reference import reference
from handrail.policy.tools.register import register
from handrail.policy.tools.watch import PolicyFile
from handrail.records import Money, Stage, Unknown

ROOT = Path(__file__).parents[3]
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


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="USD")


def test_an_explanation_has_a_line_for_every_rule() -> None:
    policy = load("support")
    facts = {"tool.name": "start_return", "order.opened": True, "order.faulty": True}
    found = explain(policy, facts, Stage.TOOL)
    verdicts = {line.rule: line.verdict for line in found.lines}
    assert verdicts["opened"] == "yes"
    assert verdicts["faulty-within-2-years"] == "unknown"
    assert verdicts["return"] == "yes"
    assert verdicts["refund-over-500"] == "no"
    assert verdicts["low-confidence"] == "skipped"
    assert found.decision == policy.decide(facts, Stage.TOOL)
    line = next(line for line in found.lines if line.rule == "faulty-within-2-years")
    assert line.facts == {"order.faulty": "yes", "order.age": "unknown (not_given)"}


def test_a_beaten_rule_is_explained_as_such() -> None:
    facts = {"tool.name": "start_return", "order.opened": False, "order.faulty": True}
    policy = load("support")
    age = policy.facts["order.age"].stated("300 days")
    verdicts = {
        line.rule: line.verdict for line in explain(policy, {**facts, "order.age": age}, Stage.TOOL).lines
    }
    assert verdicts["unopened-after-30-days"] == "beaten"


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


@pytest.mark.parametrize("name", shipped())
def test_a_decision_is_taken_again_exactly_from_its_record(name: str) -> None:
    policy = load(name)
    for case in policy.cases:
        decision = policy.decide(case.given, case.stage)
        record = json.loads(json.dumps(write_decision(decision)))
        again = rederive(record, policy)
        assert again.differences == ()
        assert again.decision == decision


def test_a_log_keeps_nobodys_words_and_still_decides_the_same() -> None:
    policy = load("hr")
    facts = {"tool.name": "look_up_pay", "pay.employee": "priya shah", "me": "lena"}
    for pay in ("priya shah", "lena"):
        decision = policy.decide({**facts, "pay.employee": pay}, Stage.TOOL)
        record = json.loads(json.dumps(write_decision(decision, policy)))
        assert not {"priya", "lena"} & set(json.dumps(record).replace('"', " ").split())
        again = rederive(record, policy)
        assert again.differences == ()
        assert again.decision.effect is decision.effect
    assert record["facts"]["tool.name"]["value"] == "look_up_pay"


def test_another_policy_shows_in_what_a_decision_differs() -> None:
    record = write_decision(loads(SHOP).decide({"tool.name": "close"}, Stage.TOOL))
    again = rederive(record, loads(SHOP.replace("effect: block", "to: lead")))
    assert set(again.differences) == {"policy", "effect", "role", "reasons"}


def test_a_fact_that_cannot_be_read_back_is_unknown() -> None:
    for data in (
        {},
        {"kind": "money", "value": "x"},
        {"kind": "number", "value": "x"},
        {"kind": "time", "value": 5},
    ):
        assert isinstance(read_fact(data), Unknown)
    assert write_fact(Unknown(why="x")) == {"kind": "unknown", "value": "x"}


def test_a_bad_edit_keeps_the_last_good_policy(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(SHOP)
    file = PolicyFile(path)
    first = file.current
    assert not file.refresh()
    path.write_text(SHOP.replace("> 100 USD", "> 100"))
    assert not file.refresh()
    assert file.current is first
    assert "write a currency" in file.problems[0].problem
    path.unlink()
    assert not file.refresh()
    assert "cannot be read" in file.problems[0].problem
    path.write_text(SHOP.replace("> 100 USD", "> 90 USD"))
    assert file.refresh()
    assert file.current.ref != first.ref
    assert file.problems == ()


def test_a_file_that_was_never_good_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: x\n")
    with pytest.raises(PolicyError):
        PolicyFile(path)


def test_readers_never_see_half_a_policy_while_it_is_reloaded(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(SHOP)
    file = PolicyFile(path)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            decision = file.current.decide({"tool.name": "pay", "amount": usd("95")}, Stage.TOOL)
            seen.add(str(decision.effect))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(20):
        path.write_text(SHOP.replace("> 100 USD", f"> {100 - number} USD"))
        os.utime(path, ns=(number, number))
        file.refresh()
    done.set()
    thread.join()
    assert seen <= {"pass", "hand_off"}


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


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_policy_fits_the_schema_that_editors_use(name: str) -> None:
    path = ROOT / "policies" / "handrail_policies" / f"{name}.yaml"
    content = json.loads(json.dumps(Document(path.read_text(), name).value, default=float))
    jsonschema.validate(content, schema())
    jsonschema.validate(content, schema(load(name)))


def test_the_schema_with_a_policy_knows_its_facts_and_roles() -> None:
    content = json.loads(json.dumps(Document(SHOP, "p").value, default=float))
    jsonschema.validate(content, schema(loads(SHOP)))
    content["if_unsure"] = "nobody"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(loads(SHOP)))
    content["if_unsure"] = "queue"
    content["tests"][0]["given"]["amount"] = 101
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(loads(SHOP)))


def test_the_committed_reference_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "reference" / "policy.md").read_text() == reference()
