"""The reference pages are what the code says."""

import importlib
import re
import runpy
from pathlib import Path

import pytest

from handrail.cli import deferred

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
GENERATOR = runpy.run_path(str(REFERENCE / "generate.py"))
PAGES: dict[str, str] = GENERATOR["pages"]()
IMPORT = re.compile(r"^ *from (handrail[\w.]*) import (?:\(([^)]*)\)|([^\n(]+))", re.MULTILINE)
ELSEWHERE = ("handrail.errors", "handrail_adapters.demo", "handrail_adapters.litellm")
"""Errors have a page of their own, the demo is no library, litellm needs an environment of its own."""


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name], "run: python docs/reference/generate.py"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_says_what_is_stable(name: str) -> None:
    assert "**Stable:**" in PAGES[name]
    assert "**Deprecation:**" in PAGES[name]


def test_the_page_of_commands_has_every_subcommand_with_every_option_and_an_example() -> None:
    stand_ins = deferred.Commands(name="handrail")
    found = 0
    for name in stand_ins.list_commands(None):
        made = stand_ins.get_command(None, name).loaded()
        for inner, command in getattr(made, "commands", {"": made}).items():
            path = f"handrail {name} {inner}".rstrip()
            _, heading, section = PAGES["cli.md"].partition(f"\n## {path}\n")
            section = section.partition("\n## ")[0]
            assert heading, path
            assert f"- `{path}" in section
            for option in command.params:
                assert option.opts[0] in section or f"| `{option.name.upper()}`" in section, (
                    path,
                    option.name,
                )
            found += 1
    assert found > 30


def test_what_pages_and_examples_import_is_on_the_page_of_the_api() -> None:
    imported = set()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.py")):
        for module, several, one in IMPORT.findall(page.read_text()):
            names = (several or one.partition("#")[0]).split(",")
            imported |= {(module, name.strip()) for name in names if name.strip()}
    imported = {(module, name) for module, name in imported if not module.startswith(ELSEWHERE)}
    assert len(imported) > 20
    areas, public = GENERATOR["AREAS"], GENERATOR["public_names"]
    assert {module for module, _ in imported} - areas.keys() == set()
    assert [(m, n) for m, n in sorted(imported) if n not in public(importlib.import_module(m))] == []
