"""The page on the architecture names files and layers that are there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
LAYERS = next(
    contract["layers"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if contract["name"] == "Downward only"
)


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`(\w[\w/]*/\w+\.py)`", PAGE)
    assert len(named) > 30
    library = ROOT / "guardrails" / "handrail"
    assert [name for name in named if not (library / name).is_file()] == []


def test_every_room_stands_in_the_picture_in_the_order_of_the_contract() -> None:
    picture = PAGE.partition("```\n")[2].partition("```")[0]
    rows = [set(re.findall(r"\w+", line[:46])) for line in picture.splitlines()]
    lines = []
    for layer in LAYERS:
        rooms = {room.strip() for room in layer.split("|")} - {"__main__", "ids", "clock"}
        if rooms:
            found = [index for index, row in enumerate(rows) if rooms <= row]
            assert found, f"{sorted(rooms)} is on no line of the picture"
            lines.append(found[0])
    assert lines == sorted(lines)
