import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import build

runner = CliRunner()


def run(*arguments: str, text: str | None = None):
    return runner.invoke(build(), ["scan", *arguments], input=text)


def test_a_clean_text_ends_with_zero_and_a_laden_one_with_one():
    assert run("-", text="all is well").exit_code == 0
    assert run("-", text="write to jane@example.com").exit_code == 1


def test_the_table_shows_where_and_never_the_value():
    result = run("-", text="hello\nwrite to jane@example.com")
    assert "-:2:10" in result.stdout
    assert "jane@example.com" not in result.stdout


def test_json_lines_carry_line_field_and_span(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"a": "fine"}\n{"a": {"b": ["x", "mail jane@example.com"]}}\n', "utf-8")
    result = run("--json", str(path))
    record = json.loads(result.stdout.splitlines()[0])
    assert (record["line"], record["field"], record["type"]) == (2, "$.a.b[1]", "email")
    assert (record["start"], record["end"]) == (5, 21)


def test_redacting_keeps_the_form_of_the_file(tmp_path):
    jsonl, table = tmp_path / "a.jsonl", tmp_path / "b.csv"
    jsonl.write_text('{"m": "jane@example.com", "n": 4}\n', "utf-8")
    table.write_text("id,mail\n1,jane@example.com\n", "utf-8")
    assert json.loads(run("--redact", str(jsonl)).stdout) == {"m": "[EMAIL]", "n": 4}
    assert run("--redact", str(table)).stdout == "id,mail\n1,[EMAIL]\n"


def test_only_some_types_can_be_asked_for():
    assert run("--only", "credential", "-", text="jane@example.com").exit_code == 0


def test_a_file_that_cannot_be_read_ends_with_two(tmp_path):
    result = run(str(tmp_path / "absent.txt"))
    assert result.exit_code == 2


@pytest.mark.parametrize("style", ["blur", "hmac"])
def test_a_style_that_cannot_be_used_is_refused(style):
    assert run("--redact", "--style", style, "-", text="x").exit_code == 2


def test_bytes_that_are_no_utf_8_are_scanned_all_the_same(tmp_path):
    path = tmp_path / "old.txt"
    path.write_bytes(b"caf\xe9 jane@example.com")
    assert run("--json", str(path)).exit_code == 1


def test_several_processes_find_the_same_in_every_kind_of_file(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    line = '{"m": "mail jane@example.com"}\r\n'
    (tmp_path / "a.jsonl").write_text(line + "no json jane@example.com\n", "utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "c.txt").write_text("a\nmail jane@example.com", "utf-8")
    (tmp_path / "d.csv").write_text("1,jane@example.com\n", "utf-8")
    table = arrow.Table.from_pylist([{"m": "jane@example.com", "b": b"jane@example.com", "n": 1}])
    parquet.write_table(table, tmp_path / "e.parquet")
    one, several = (run("--json", "--workers", count, str(tmp_path)) for count in ("1", "2"))
    assert one.stdout == several.stdout
    found = [json.loads(line) for line in one.stdout.splitlines()]
    assert [(Path(each["file"]).name, each["line"], each["field"]) for each in found] == [
        *(("a.jsonl", 1, "$.m"), ("a.jsonl", 2, None), ("b.jsonl.gz", 1, "$.m"), ("c.txt", 2, None)),
        *(("d.csv", 1, "column 2"), ("e.parquet", 1, "$.m"), ("e.parquet", 1, "$.b")),
    ]


def test_the_rows_of_a_scan_go_on_where_they_were_and_hold_no_value(tmp_path):
    path, rows = tmp_path / "a.jsonl", tmp_path / "rows"
    path.write_text('{"m": "mail jane@example.com"}\n', "utf-8")
    first = run("--json", "--out", str(rows), str(path))
    assert run("--json", "--out", str(rows), str(path)).stdout == first.stdout
    assert not [part for part in rows.iterdir() if b"jane@" in part.read_bytes()]


def test_a_damaged_file_is_named_and_nothing_of_it_is_said(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"m": "jane@example.com"}' * 99)[:-9])
    result = run(str(path))
    assert result.exit_code != 0
    assert "damaged" in str(result.exception)
    assert "jane" not in str(result.exception)
