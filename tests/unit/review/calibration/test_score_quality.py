import csv
import gzip
import json
from pathlib import Path

import pytest

from handrail.errors import ConfigError
from handrail.review.calibration.score_quality import Columns, figures, read_scored, write_plots

ROWS: list[dict[str, object]] = [
    {"score": 0.9, "right": True, "set": "a"},
    {"score": 0.8, "right": "yes", "set": "a"},
    {"score": 0.4, "right": 0, "set": "a"},
    {"score": 0.3, "right": "Correct", "set": "b"},
    {"score": None, "right": True, "set": "a"},
    {"score": 0.5, "right": "Unparseable", "set": "a"},
]


def written(folder: Path, name: str) -> Path:
    path = folder / name
    plain = name.removesuffix(".gz")
    if plain.endswith(".csv"):
        with (folder / "plain.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["score", "right", "set"])
            writer.writeheader()
            writer.writerows(ROWS)
        data = (folder / "plain.csv").read_bytes()
    elif plain.endswith(".jsonl"):
        data = "\n".join(map(json.dumps, ROWS)).encode()
    else:
        data = json.dumps({"predictions": ROWS}).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["s.jsonl", "s.csv", "s.csv.gz", "s.jsonl.gz", "s.json.gz"])
def test_every_format_is_read_alike(tmp_path: Path, name: str) -> None:
    scored = read_scored(written(tmp_path, name), Columns(records="predictions"))
    assert scored.scores.tolist() == [0.9, 0.8, 0.4, 0.3]
    assert scored.is_right.tolist() == [True, True, False, True]
    assert scored.left_out == 2


def test_conditions_and_comparisons_choose_records(tmp_path: Path) -> None:
    path = written(tmp_path, "s.jsonl")
    assert len(read_scored(path, Columns(where={"set": "a"})).scores) == 3
    assert read_scored(path, Columns(right="set==a")).is_right.tolist() == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("name", "content", "columns", "problem"),
    [
        ("s.jsonl", '{"score": 2, "right": 1}', Columns(), "outside 0..1"),
        ("s.jsonl", '{"a": 1}', Columns(), "no field right, score"),
        ("s.jsonl", '{"score": 0.5, "right": "hm"}', Columns(), "no record has both"),
        ("s.jsonl", "[1]", Columns(), "s.jsonl:1: not a JSON object"),
        ("s.jsonl", "{", Columns(), "not JSON"),
        ("s.json", '{"a": 1}', Columns(), "--records"),
        ("s.txt", "", Columns(), "expected .jsonl"),
        ("s.csv.gz", "not gzip", Columns(), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, content: str, columns: Columns, problem: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ConfigError, match=problem):
        read_scored(path, columns)


def test_plots_are_written_as_png_and_svg_and_do_not_change(tmp_path: Path) -> None:
    scored = read_scored(written(tmp_path, "s.jsonl"), Columns())
    assert figures(scored)["answers"] == 4
    paths = write_plots(scored, tmp_path / "plots", "s")
    assert {path.suffix for path in paths} == {".png", ".svg"}
    assert len(paths) == 4
    before = [path.read_bytes() for path in paths]
    assert before[0].startswith(b"\x89PNG")
    write_plots(scored, tmp_path / "plots", "s")
    assert [path.read_bytes() for path in paths] == before
