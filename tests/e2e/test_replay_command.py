import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from handrail.cli.replay import replay
from handrail.errors import ConfigError

POLICY = """
policy: shop
version: "1"
if_unsure: queue
roles: {queue: {}, lead: {}}
facts:
  tool.name: {type: one of, values: [refund]}
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount}
  order.limit: {type: money, currencies: [USD]}
hand_offs:
  - {id: big, when: tool.name == "refund" and refund.amount > order.limit, to: lead, because: It is much.}
"""
FACTS = """
def of_record(record):
    return lambda names, evidence, now: {"order.limit": record["limit"], "at": now}
"""


def record(amount: int, reward: float) -> str:
    function = {"name": "refund", "arguments": json.dumps({"amount": amount})}
    messages = [
        {"role": "user", "content": f"refund {amount}"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "done"},
        {"role": "assistant", "content": "Done."},
    ]
    gold = [{"name": "refund", "kwargs": {"amount": 5}}]
    return json.dumps(
        {"task_id": amount, "reward": reward, "gold_actions": gold, "limit": 100, "messages": messages}
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "shop_facts", raising=False)
    Path("shop.yaml").write_text(POLICY)
    Path("shop_facts.py").write_text(FACTS)
    Path("runs.jsonl").write_text("\n".join([record(500, 0), "{broken", record(5, 1)]))
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(replay)
    return CliRunner().invoke(app, arguments)


def test_the_figures_come_as_json_and_the_bad_line_on_standard_error(shop: Path) -> None:
    done = run("runs.jsonl", "--policy", "shop.yaml", "--facts", "shop_facts:of_record", "--json")
    assert done.exit_code == 1
    figures = json.loads(done.stdout)
    assert "runs.jsonl:2: not JSON" in done.stderr
    assert (figures["runs"], figures["errors"]) == (2, 1)
    assert (figures["stopped_forbidden"], figures["stopped_forbidden_failed"]) == (1, 1)
    assert figures["gold_breaks"] == []
    assert figures["hand_offs"] == {"high_stakes": 1}
    assert set(figures) >= {
        "exchanges",
        "stopped_ci_low",
        "gold_transfer",
        "gold_transfer_caught",
        "p50_us",
        "p99_us",
    }


def test_the_figures_come_as_a_table(shop: Path) -> None:
    Path("runs.jsonl").write_text(record(500, 0))
    done = run(
        "runs.jsonl", "--policy", "shop.yaml", "--facts", "shop_facts:of_record", "--now", "2024-05-15T15:00"
    )
    assert done.exit_code == 0
    assert "runs stopped" in done.stdout
    assert "big" in done.stdout


def test_a_record_that_the_facts_cannot_read_is_reported_and_the_rest_goes_on(shop: Path) -> None:
    odd = json.loads(record(5, 1))
    del odd["limit"]
    Path("shop_facts.py").write_text(
        FACTS.replace('record["limit"]', "limit").replace(
            "    return", "    limit = record['limit']\n    return"
        )
    )
    Path("runs.jsonl").write_text("\n".join([json.dumps(odd), record(500, 0)]))
    done = run("runs.jsonl", "--policy", "shop.yaml", "--facts", "shop_facts:of_record", "--json")
    figures = json.loads(done.stdout)
    assert done.exit_code == 1
    assert "runs.jsonl:1: check failed at facts.make: KeyError" in done.stderr
    assert (figures["runs"], figures["errors"], figures["stopped_forbidden"]) == (1, 1, 1)


def test_without_facts_nothing_is_taken_for_forbidden(shop: Path) -> None:
    figures = json.loads(run("runs.jsonl", "--policy", "shop.yaml", "--json").stdout)
    assert figures["stopped_forbidden"] == 0
    assert figures["hand_offs"] == {"unsure": 2}


@pytest.mark.parametrize(
    "options",
    [("--now", "yesterday"), ("--facts", "none:none"), ("--policy", "none.yaml")],
    ids=lambda pair: pair[0],
)
def test_what_cannot_be_used_is_said_before_anything_runs(shop: Path, options: tuple[str, str]) -> None:
    done = run("runs.jsonl", "--policy", "shop.yaml", *options)
    assert isinstance(done.exception, ConfigError)


def test_the_shipped_airline_policy_replays_without_a_fact_source(shop: Path) -> None:
    figures = json.loads(run("runs.jsonl", "--policy", "airline", "--json").stdout)
    assert figures["runs"] == 2


def test_several_processes_and_a_second_run_write_the_same_rows(shop: Path) -> None:
    common = ("runs.jsonl", "--policy", "shop.yaml", "--facts", "shop_facts:of_record", "--json")
    for folder, workers in (("one", "1"), ("two", "2"), ("two", "1")):
        run(*common, "--now", "2024-05-15T15:00", "--out", folder, "--workers", workers)
    assert Path("one", "00000.jsonl").read_bytes() == Path("two", "00000.jsonl").read_bytes()
    figures = json.loads(run(*common, "--now", "2024-05-15T15:00", "--out", "one").stdout)
    assert (figures["runs"], figures["errors"], figures["stopped_forbidden"]) == (2, 1, 1)
    assert figures["p50_us"] > 0


def test_a_log_row_is_not_taken_for_a_conversation(shop: Path) -> None:
    Path("runs.jsonl").write_text('{"outcome": "passed", "stage": "input", "facts": {}}')
    done = run("runs.jsonl", "--policy", "shop.yaml")
    assert done.exit_code == 1
    assert "handrail policy backtest" in done.stderr


def test_what_one_record_did_counts_in_no_other_wherever_it_is_replayed(shop: Path) -> None:
    counted = "{type: whole number, from: ledger, count: true, where: refund, per: tenant, within: 30 days}"
    rule = '{id: twice, when: tool.name == "refund" and earlier >= 1, effect: block, because: Once.}'
    text = POLICY.replace("facts:\n", f"facts:\n  earlier: {counted}\n")
    Path("shop.yaml").write_text(text.replace("hand_offs:\n", f"hand_offs:\n  - {rule}\n"))
    Path("runs.jsonl").write_text("\n".join([record(5, 1)] * 3))
    done = run("runs.jsonl", "--policy", "shop.yaml", "--facts", "shop_facts:of_record", "--json")
    figures = json.loads(done.stdout)
    assert (figures["runs"], figures["stopped_forbidden"], figures["by_rule"]) == (3, 0, {})
