"""What is wrong with a file, a folder or a row is said by a typed error, and nothing is half written."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.bulk import BacktestJob, run
from handrail.bulk.chunks import chunks_of, records_in
from handrail.bulk.export import export_jsonl
from handrail.bulk.whole import whole
from handrail.cli import build
from handrail.errors import ConfigError
from handrail.policy.runtime.log_row import LogRow, UnreadableRow, read_row
from handrail.policy.tools.backtest import day_of

PASSED = {
    "outcome": "passed",
    "at": "2026-11-05T09:00:00+00:00",
    "tenant": "default",
    "exchange": "e",
    "stage": "answer",
    "effect": "pass",
    "facts": {},
    "v": 2,
}
JOB = BacktestJob(policy="support", sha256="0")


def command(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(build(), [*arguments])
    said = "" if isinstance(ran.exception, SystemExit | None) else f"{ran.exception}"
    return ran.exit_code, f"{ran.output}{said}"


@pytest.fixture
def damaged(tmp_path: Path) -> dict[str, Path]:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    whole_file = tmp_path / "whole.parquet"
    parquet.write_table(arrow.Table.from_pylist([{"outcome": "passed"}] * 999), whole_file)
    data = whole_file.read_bytes()
    files = {
        "cut.parquet": data[:-20],
        "changed.parquet": data[:40] + bytes(60) + data[100:],
        "cut.jsonl.gz": gzip.compress(json.dumps(PASSED).encode() * 99)[:-9],
        "changed.jsonl.gz": b"\x1f\x8b\x08\x00" + b"no gzip at all",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in files}


@pytest.mark.parametrize("name", ["cut.parquet", "changed.parquet", "cut.jsonl.gz", "changed.jsonl.gz"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("policy", "backtest", "FILE", "-p", "support", "--json"),
        ("policy", "diff", "support", "banking", "--on", "FILE"),
        ("review", "--json", "--log", "FILE"),
        ("samples", "list", "--log", "FILE"),
        ("calibrate", "FILE"),
        ("log", "stats", "FILE"),
        ("replay", "FILE", "--policy", "support"),
        ("scan", "FILE"),
    ],
    ids=lambda given: " ".join(given[:2]),
)
def test_every_reader_names_a_damaged_file(
    damaged: dict[str, Path], name: str, arguments: tuple[str, ...]
) -> None:
    code, said = command(*(str(damaged[name]) if each == "FILE" else each for each in arguments))
    assert code != 0
    assert name in said
    assert "damaged" in said


def test_an_empty_export_has_nothing_to_say(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert command("policy", "backtest", str(empty), "-p", "support")[0] == 2
    assert command("log", "stats", str(empty)) == (0, "nothing is on record\n")
    assert command("samples", "list", "--log", str(empty))[0] == 0


@pytest.mark.parametrize(
    "row",
    [
        {**PASSED, "v": 3},
        {**PASSED, "v": "2"},
        {"kind": "decision.pass", "data": {**PASSED, "v": 9}},
        {"stage": "answer", "facts": {}, "v": 3},
    ],
)
def test_what_a_later_version_wrote_is_unreadable_and_never_taken_for_less(
    row: object, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableRow):
        read_row(row)
    log = tmp_path / "log.jsonl"
    log.write_text(f"{json.dumps(PASSED)}\n{json.dumps(row)}\n")
    _, said = command("policy", "backtest", str(log), "-p", "support", "--json")
    assert json.loads(said)["unreadable_lines"] == [2]
    code, said = command("calibrate", str(log))
    assert code != 0
    assert "log.jsonl:2: cannot be read" in said


def test_rows_of_several_versions_stand_in_one_file(tmp_path: Path) -> None:
    old = {"kind": "decision.pass", "at": PASSED["at"], "tenant": "default"}
    old |= {"data": {"stage": "answer", "effect": "pass", "facts": {}, "exchange": "o", "rules": []}}
    log = tmp_path / "log.jsonl"
    log.write_text(f"{json.dumps(PASSED)}\n{json.dumps(old)}\n")
    figures = json.loads(command("policy", "backtest", str(log), "-p", "support", "--json")[1])
    assert (figures["records"], figures["unreadable_lines"]) == (2, [])


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-05T23:59:59.999999+00:00", "2026-11-05"),
        ("2026-11-06T00:00:00Z", "2026-11-06"),
        ("2026-11-06T01:30:00+02:00", "2026-11-05"),
        ("2026-11-05T22:30:00-05:00", "2026-11-06"),
        ("2026-11-05", "2026-11-05"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_a_day_is_one_in_utc_wherever_its_moment_was_written(at: str, day: str) -> None:
    assert day_of(at) == day


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log, file = tmp_path / "log.jsonl", tmp_path / "file"
    log.write_text(json.dumps(PASSED))
    file.touch()
    for folder in (file, file / "rows"):
        with pytest.raises(ConfigError, match="file"):
            run(JOB, log, folder)


def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("before")

    def rows() -> Iterator[LogRow]:
        yield LogRow(outcome="passed")
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigError, match="No space left"):
        export_jsonl(rows(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_only_a_file_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="no file"):
        export_jsonl(iter(()), tmp_path / name)


def test_two_exports_to_one_file_at_once_do_not_mix(tmp_path: Path) -> None:
    path, both = tmp_path / "log.jsonl", threading.Barrier(2)

    def write(letter: bytes) -> None:
        with whole(path) as file:
            both.wait()
            for _ in range(200):
                file.write(letter * 100 + b"\n")
            both.wait()

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in [(letter * 100 + b"\n") * 200 for letter in (b"a", b"b")]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("since", "until"), [("2026-12-01", "2026-11-01"), ("2026-11-01", "2026-11-01")], ids=["turned", "same"]
)
def test_a_period_without_a_moment_is_refused(since: str, until: str) -> None:
    code, said = command("log", "export", "--since", since, "--until", until)
    assert code != 0
    assert "--since must lie before --until" in said


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """Programs started meanwhile heed Ctrl-C, also where tests that run in a shell's background do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupted_run_ends_at_once_and_goes_on_later(tmp_path: Path) -> None:
    log, rows = tmp_path / "log.jsonl", tmp_path / "rows"
    line = json.dumps(PASSED) + "\n"
    log.write_text(line * (3 * 8_000_000 // len(line)))
    backtest = [*("policy", "backtest", str(log), "-p", "support", "--out", str(rows)), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "handrail", *backtest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (rows / "job.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert not list(rows.glob("*.unfinished"))


def test_rows_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{number}\n" for number in range(9)))
    assert [each for chunk in chunks_of(log) for each in records_in(chunk)] == [
        (number + 1, number) for number in range(9)
    ]
