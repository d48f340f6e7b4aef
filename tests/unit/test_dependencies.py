"""What is imported is declared, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Where the name that is imported is not the name that is installed.
IMPORTED_AS = {
    "google-re2": "re2",
    "openai-agents": "agents",
    "opentelemetry-api": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
    "phonenumberslite": "phonenumbers",
    "pydantic-ai-slim": "pydantic_ai",
    "ruamel.yaml": "ruamel",
    "z3-solver": "z3",
}
# Never imported by name: the data of zoneinfo, and what uvicorn takes where it is installed.
UNNAMED = {"tzdata", "httptools", "uvloop"}
# Not ours to install: a vendor's client brings it, and then its transport is guarded.
BROUGHT = {"httpx2"}


def imported(folder: str) -> set[str]:
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    return {name for name in found if name not in sys.stdlib_module_names and not name.startswith("handrail")}


def names_of(requirements: list[str]) -> set[str]:
    names = {re.split(r"[\[<>=~! ]", line)[0] for line in requirements} - {"handrail"} - UNNAMED
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


CORE = names_of(PROJECT["dependencies"])
EXTRAS = {name: names_of(lines) for name, lines in PROJECT["optional-dependencies"].items()}


def test_every_dependency_of_the_core_is_imported_by_the_library() -> None:
    assert CORE - imported("guardrails/handrail") == set()


def test_every_package_of_an_extra_is_imported() -> None:
    used = imported("guardrails/handrail") | imported("adapters/handrail_adapters")
    assert {name: packages - used for name, packages in EXTRAS.items() if packages - used} == {}


def test_every_import_is_declared() -> None:
    declared = CORE | BROUGHT | set().union(*EXTRAS.values())
    assert (imported("guardrails") | imported("adapters") | imported("policies")) - declared == set()


def test_no_package_of_an_extra_is_in_the_core_too() -> None:
    assert {name: packages & CORE for name, packages in EXTRAS.items() if packages & CORE} == {}


def test_the_pins_hold_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.!+-]+", line)] == []
