"""The decision log for other programs: exported, counted, pruned once exported, without who was erased."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail import Guard
from handrail.bulk import BacktestJob
from handrail.bulk.chunks import Chunk, chunks_of, records_in
from handrail.bulk.on_ray import on_ray
from handrail.bulk.tombstones import tombstones_of
from handrail.cli import build
from handrail.errors import ConfigError, MissingExtra
from handrail.policy import load_people, loads
from handrail.policy.runtime.log_row import LogRow, read_row
from handrail.policy.runtime.record import rederive
from handrail.records import Draft, Message, Speaker
from handrail.store import Actor, SqlStore
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.shop_guard import POLICY, shop_guard

ASKED = (Message(speaker=Speaker.USER, text="Where is my parcel?"),)
WANTS_PERSON = (Message(speaker=Speaker.USER, text="I want to talk to a human."),)


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as guard:
        for customer in ("ann", "bob"):
            with guard.context(customer=customer, conversation=f"c-{customer}"):
                call = guard.begin(ASKED, exchange=f"e-{customer}")
                assert call.finish([Draft(text="It comes on Friday.")]).is_released
                assert guard.begin(WANTS_PERSON, exchange=f"t-{customer}").outcome is not None
        yield guard


def command(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(
        build(),
        [*arguments],
        env={"HANDRAIL_STORE": f"sqlite:///{folder}/handrail.db"},
        catch_exceptions=True,
    )
    assert (result.exit_code or int(result.exception is not None)) == code, result.output
    return result.output if result.exception is None else f"{result.output}{result.exception}"


def rows(path: Path) -> list[LogRow]:
    records = [record for chunk in chunks_of(path) for _, record in records_in(chunk)]
    return [row for record in records if (row := read_row(record)) is not None]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_export_holds_every_decision_to_be_taken_again_and_no_id(
    tmp_path: Path, guard: Guard, kind: str
) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    guard.close()
    out = tmp_path / f"log.{kind}"
    assert "4 rows" in command(tmp_path, "log", "export", "--format", kind, "--out", str(out))
    found = rows(out)
    assert sorted(row.outcome for row in found) == ["handed_off", "handed_off", "passed", "passed"]
    for row in found:
        assert rederive(row.record(), loads(POLICY)).differences == ()
        assert row.sources["wants_human"] == "signal.asks_for_human"
    written = repr(found)
    assert not [word for word in ("ann", "bob", "e-", "t-", "parcel") if f"'{word}" in written]
    opened = [row for row in found if row.outcome == "handed_off"]
    assert all(row.ticket == row.exchange for row in opened)


def test_decisions_are_pruned_once_they_are_exported_and_the_chain_is_intact(
    tmp_path: Path, guard: Guard
) -> None:
    guard.close()
    assert "no export holds it" in command(tmp_path, "log", "prune", "--days", "1", code=1)
    command(tmp_path, "log", "export", "--out", str(tmp_path / "log.jsonl"))
    assert "0 decisions removed" in command(tmp_path, "log", "prune", "--days", "1")
    assert "intact" in command(tmp_path, "audit", "verify")


def test_counts_are_by_kind_and_of_an_export_by_outcome(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    counted = {
        line["kind"]: line["entries"] for line in json.loads(command(tmp_path, "log", "stats", "--json"))
    }
    assert (counted["decision.pass"], counted["decision.hand_off"], counted["ticket.open"]) == (2, 2, 2)
    pytest.importorskip("duckdb")
    out = tmp_path / "log.jsonl"
    command(tmp_path, "log", "export", "--out", str(out))
    of_export = json.loads(command(tmp_path, "log", "stats", str(out), "--json"))
    assert {line["outcome"]: line["rows"] for line in of_export} == {"passed": 2, "handed_off": 2}


def test_every_form_of_the_log_is_counted_by_outcome(tmp_path: Path, guard: Guard) -> None:
    pytest.importorskip("duckdb")
    guard.close()
    audit, played, none = (tmp_path / f"{name}.jsonl" for name in ("audit", "played", "none"))
    audit.write_text(command(tmp_path, "audit", "export"), encoding="utf-8")
    command(tmp_path, "simulate", "support", "--weeks", "1", "--weekly", "60", "--out", str(played))
    of_audit = json.loads(command(tmp_path, "log", "stats", str(audit), "--json"))
    assert {line["outcome"]: line["rows"] for line in of_audit} == {"passed": 2, "handed_off": 2}
    assert all(0 < line["exchanges"] <= line["rows"] and line["first"] <= line["last"] for line in of_audit)
    of_played = json.loads(command(tmp_path, "log", "stats", str(played), "--json"))
    assert {"passed", "handed_off", "resolved"} <= {line["outcome"] for line in of_played}
    none.write_text('{"a": 1}\n', encoding="utf-8")
    done = CliRunner().invoke(build(), ["log", "stats", str(none)])
    assert isinstance(done.exception, ConfigError)


def test_whoever_was_erased_is_read_in_no_export_of_before_or_after(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    before, after, gone = (tmp_path / f"{name}.jsonl" for name in ("before", "after", "gone"))
    command(tmp_path, "log", "export", "--out", str(before))
    command(tmp_path, "log", "export", "--out", str(gone))
    gone.unlink()
    said = command(tmp_path, "store", "erase", "ann", "--yes")
    assert f"not reached: {gone}" in said
    assert str(before) not in said
    assert tombstones_of(before).exists()
    assert len([row for row in rows(before) if row.is_decision]) == 2
    command(tmp_path, "log", "export", "--out", str(after))
    assert len([row for row in rows(after) if row.is_decision]) == 2


def test_a_policy_is_tried_on_an_export(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    out = tmp_path / "log.jsonl"
    command(tmp_path, "log", "export", "--out", str(out))
    said = command(
        tmp_path, "policy", "backtest", str(out), "--policy", str(tmp_path / "shop.yaml"), "--json"
    )
    figures = json.loads(said)
    assert (figures["records"], figures["recorded_hand_offs"], figures["unreadable_lines"]) == (4, 2, [])
    assert (figures["newly"], figures["no_longer"]) == (0, 0)


def decided(guard: Guard, folder: Path) -> None:
    people = load_people(folder / "people.yaml", guard.policy)
    store = guard.store
    assert isinstance(store, SqlStore)
    for name, verdict in (("ann", Verdict.ANSWER), ("bob", Verdict.REJECT)):
        quinn = Actor(person="quinn", people=people, now=datetime.now(UTC))
        view = store.claim("default", f"t-{name}", quinn)
        answer = "It comes today." if verdict is Verdict.ANSWER else ""
        said = Resolution(verdict=verdict, message_to_user="Sorry.", answer=answer, digest=view.digest)
        store.resolve("default", f"t-{name}", said, quinn)


def test_a_moment_with_a_zone_is_meant_in_that_zone(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    elsewhere = datetime.now(timezone(timedelta(hours=5))) - timedelta(minutes=5)
    since = elsewhere.isoformat(timespec="seconds")
    said = command(tmp_path, "log", "export", "--since", since, "--out", str(tmp_path / "a.jsonl"))
    assert said.startswith("4 rows")
    later = (elsewhere + timedelta(minutes=30)).isoformat(timespec="seconds")
    said = command(tmp_path, "log", "export", "--since", later, "--out", str(tmp_path / "b.jsonl"))
    assert said.startswith("0 rows")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_review_of_an_export_counts_what_a_review_of_its_store_counts(
    tmp_path: Path, guard: Guard, workers: str
) -> None:
    decided(guard, tmp_path)
    guard.close()
    out = tmp_path / "log.jsonl"
    command(tmp_path, "log", "export", "--out", str(out))
    of_store = json.loads(command(tmp_path, "review", "--json"))
    of_log = json.loads(command(tmp_path, "review", "--log", str(out), "--json", "--workers", workers))
    assert of_log["all"]["endings"] == of_store["all"]["endings"] == {"rejected": 1, "answered": 1}
    for name in ("by_trigger", "by_role", "by_rule"):
        assert {one: group["tickets"] for one, group in of_log[name].items()} == {
            one: group["tickets"] for one, group in of_store[name].items()
        }
    page = tmp_path / "review"
    command(tmp_path, "review", "--log", str(out), "--out", str(page))
    assert "talk to a human" not in (page / "review.html").read_text()


@pytest.fixture(scope="module")
def cut_off() -> list[str]:
    """What runs a command where there is no network but this machine's own."""
    alone = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("no network namespace of one's own can be had here")
    return alone


def test_readers_of_a_log_need_no_way_out(tmp_path: Path, guard: Guard, cut_off: list[str]) -> None:
    pytest.importorskip("duckdb")
    guard.close()
    out = tmp_path / "log.parquet"
    command(tmp_path, "log", "export", "--format", "parquet", "--out", str(out))
    backtest = ["policy", "backtest", str(out), "-p", str(tmp_path / "shop.yaml")]
    for arguments in (["log", "stats", str(out)], backtest, ["review", "--json", "--log", str(out)]):
        run = [*cut_off, sys.executable, "-m", "handrail", *arguments]
        assert subprocess.run(run, capture_output=True, timeout=60, check=False).returncode == 0


def test_ray_needs_no_way_out(tmp_path: Path, guard: Guard, cut_off: list[str]) -> None:
    pytest.importorskip("ray")
    guard.close()
    out = tmp_path / "log.jsonl"
    command(tmp_path, "log", "export", "--out", str(out))
    backtest = ["policy", "backtest", str(out), "-p", str(tmp_path / "shop.yaml"), "--engine", "ray"]
    run = [*cut_off, sys.executable, "-m", "handrail", *backtest, "--json"]
    told = subprocess.run(run, capture_output=True, timeout=120, check=True, text=True)
    assert json.loads(told.stdout)["records"] == 4


def test_ray_is_told_to_report_nothing_before_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    chunk = Chunk(path="x", number=0, start=0, end=1, line=1)
    job = BacktestJob(policy="support", sha256="")
    with pytest.raises(MissingExtra, match="ray"):
        next(on_ray(job, [chunk], 1))
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_two_policies_are_compared_on_an_export(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    out, old, new = tmp_path / "log.jsonl", tmp_path / "shop.yaml", tmp_path / "next.yaml"
    command(tmp_path, "log", "export", "--out", str(out))
    new.write_text(POLICY.replace("to: queue_manager\n    trigger", "to: privacy_lead\n    trigger"))
    assert "0 of 4 decisions change" in command(
        tmp_path, "policy", "diff", str(old), str(old), "--on", str(out)
    )
    said = command(tmp_path, "policy", "diff", str(old), str(new), "--on", str(out), "--json", code=1)
    assert json.loads(said.partition("\n")[0])["changes"] == [
        {"before": "hand_off to queue_manager", "after": "hand_off to privacy_lead", "count": 2}
    ]


def test_an_export_whose_tombstones_cannot_be_read_is_not_read(tmp_path: Path, guard: Guard) -> None:
    guard.close()
    out = tmp_path / "log.jsonl"
    assert json.loads(command(tmp_path, "log", "export", "--out", str(out), "--json"))["rows"] == 4
    tombstones_of(out).write_text("no json\n")
    policy = str(tmp_path / "shop.yaml")
    assert "cannot be read" in command(tmp_path, "policy", "backtest", str(out), "-p", policy, code=1)
    tombstones_of(out).unlink()
    removed = json.loads(command(tmp_path, "log", "prune", "--days", "1", "--json"))
    assert removed["removed"] == 0
