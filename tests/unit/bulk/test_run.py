"""A job's rows are the same to the byte in one process, in several, after a kill, from any kind of file."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handrail.bulk import BulkRun, RowJob, chunks, run
from handrail.bulk.chunks import chunks_of, records_in
from handrail.bulk.job import RowFunction
from handrail.errors import ConfigError

ROWS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    """Writes twice the number of each record; what is no record is left out."""

    by: int = 2

    def key(self) -> str:
        return f"doubling {self.by}"

    def prepared(self) -> RowFunction:
        def row(line: int, record: object) -> Mapping[str, Any] | None:
            return {"line": line, "n": record["n"] * self.by} if isinstance(record, dict) else None

        return row


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    lines = [json.dumps({"n": number, "text": "é" * (number % 50)}) for number in range(ROWS)]
    lines[7:7] = ["", "no json", "[1]"]
    path.write_text("\n".join(lines))
    return path


def bytes_of(found: BulkRun) -> bytes:
    return b"".join(part.read_bytes() for part in sorted(found.folder.glob("*.jsonl")))


def in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_BLOCK", 4096)
    monkeypatch.setattr(chunks.chunks_of, "__defaults__", (20_000,))


def test_every_line_is_in_one_chunk_and_keeps_its_number(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_chunks(monkeypatch)
    cut = chunks_of(log)
    assert len(cut) > 3
    found = [each for chunk in cut for each in records_in(chunk)]
    whole = [(number, line) for number, line in enumerate(log.read_text().split("\n"), 1) if line]
    assert [number for number, _ in found] == [number for number, _ in whole]
    assert [record for _, record in found if isinstance(record, dict)] == [
        json.loads(line) for _, line in whole if line.startswith("{")
    ]


def test_several_processes_write_the_same_bytes_as_one(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_chunks(monkeypatch)
    one = run(_doubling(), log, tmp_path / "one")
    several = run(_doubling(), log, tmp_path / "several", workers=2)
    assert bytes_of(one) == bytes_of(several)
    assert [row["n"] for row in several.rows()] == [2 * number for number in range(ROWS)]


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_bytes(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_chunks(monkeypatch)

    class Stop(Exception):
        pass

    def stopping(done: int, of: int, left_s: float) -> None:
        if done == 2:
            raise Stop

    whole = run(_doubling(), log, tmp_path / "whole")
    with pytest.raises(Stop):
        run(_doubling(), log, tmp_path / "stopped", progress=stopping)
    (tmp_path / "stopped" / "00002.unfinished").write_bytes(b'{"half')
    again = run(_doubling(), log, tmp_path / "stopped")
    assert again.resumed == 2
    assert bytes_of(again) == bytes_of(whole)


def test_rows_of_another_job_or_file_are_not_mixed(log: Path, tmp_path: Path) -> None:
    run(_doubling(), log, tmp_path / "rows")
    with pytest.raises(ConfigError, match="another job"):
        run(Doubling(by=3), log, tmp_path / "rows")
    log.write_text('{"n": 1}\n')
    with pytest.raises(ConfigError, match="another job"):
        run(_doubling(), log, tmp_path / "rows")


def test_gzip_and_parquet_hold_the_same_rows(log: Path, tmp_path: Path) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    table = arrow.Table.from_pylist([{"n": number} for number in range(ROWS)])
    parquet.write_table(table, tmp_path / "log.parquet", row_group_size=700)
    plain = [row["n"] for row in run(_doubling(), log, tmp_path / "a").rows()]
    assert [row["n"] for row in run(_doubling(), packed, tmp_path / "b").rows()] == plain
    found = run(_doubling(), tmp_path / "log.parquet", tmp_path / "c")
    assert [row["n"] for row in found.rows()] == plain
    assert found.chunks == 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_row_on_ray_is_the_same(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    in_small_chunks(monkeypatch)
    here = run(_doubling(), log, tmp_path / "here")
    there = run(_doubling(), log, tmp_path / "there", workers=2, engine="ray")
    assert bytes_of(here) == bytes_of(there)


def _doubling() -> RowJob:
    return Doubling()
