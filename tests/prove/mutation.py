"""Are the tests of the most delicate modules worth anything? `python -m tests.prove.mutation`.

mutmut alters the modules below one expression at a time and runs their own unit tests against each
alteration. It alters functions only, so what stands outside of them — the transition table, the names of
states and verbs — is altered here. A mutant is killed when a test fails. Those that no test could tell from
the original are listed in `mutants.toml`, each with the reason.

What is altered is a copy of this tree, never an installed package: the tests run with the copy first on the
path, its `conftest.py` refuses to run with any other, and only functions of the copy count as mutated.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import close
from tests.prove.mutation_tables import altered

ROOT = Path(__file__).parents[2]
MODULES = (
    "tickets.lifecycle",
    "tickets.action",
    "tickets.edit",
    "text.json_schema",
    "policy.runtime.merge",
    "records.decision",
    "scan.redact",
    "guard.fits",
    "guard.resolve",
    "guard.authorise",
)
PATHS = ("src", "adapters", "policies")
LEAST = 0.90
LONGEST_S = 40 * 60
KILLED = (1, 3, 24, -24, 36, 152, 255)
"""What mutmut writes down of a test run that noticed: a failure, an error of pytest, too much time."""
NOTICED = (1, 2, 4)
"""Exit codes of a pytest that noticed: a failure, or a test or `conftest.py` that cannot be imported."""
EQUIVALENT = Path(__file__).with_name("mutants.toml")
CONFTEST = """\
from pathlib import Path
import handrail
from hypothesis import settings
assert Path(handrail.__file__).is_relative_to(Path(__file__).parent / "src"), handrail.__file__
settings.register_profile("mutation", derandomize=True, deadline=None, database=None)
settings.load_profile("mutation")
"""
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider")
BARE = ("--noconftest", "--import-mode=importlib", "--rootdir=.", "-c", os.devnull)
"""Without conftest, plugins and settings, for tests that import little: a tenth of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One alteration of a module: where, what the line became, and whether a test noticed."""

    module: str
    name: str
    line: str
    is_killed: bool


def main() -> None:
    """Alter, test, subtract what is equivalent, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=MODULES, help="some of the modules; by default all")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="tests at a time")
    parser.add_argument("--folder", type=Path, help="keep the altered copy here, to look at")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        copy_tree(folder, options.modules)
        functions = list(altered_functions(folder, options.modules, options.children))
        tables = list(altered_tables(folder, options.modules, options.children))
        skipped = left_out(folder, options.modules)
    report(functions, tables, skipped, minutes=(time.monotonic() - began) / 60)


def copy_tree(folder: Path, modules: Sequence[str]) -> None:
    """Copy what the tests need; the library's root is called `src`, the one name that mutmut strips."""
    shutil.copytree(ROOT / "guardrails", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*PATHS[1:], "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{file_of(module)}" for module in modules],
        "also_copy": [*PATHS[1:], "conftest.py"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": [test_of(module) for module in modules],
    }
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{lines}", encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    # Python remembers that a folder of its path was missing, and would look in the installed packages only.
    for name in PATHS:
        (folder / "mutants" / name).mkdir(parents=True)


def file_of(module: str) -> str:
    """Return a module's file below the source root."""
    return f"handrail/{module.replace('.', '/')}.py"


def test_of(module: str) -> str:
    """Return the file of a module's unit tests."""
    room, _, name = module.partition(".")
    return f"tests/unit/{room}/test_{name}.py"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment in which the packages of a copy come before any that is installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(folder / name) for name in PATHS), **more}


def ran(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return its exit code and output."""
    return subprocess.run(
        command, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=LONGEST_S
    )


def altered_functions(folder: Path, modules: Sequence[str], children: int) -> Iterator[Mutant]:
    """Let mutmut alter the functions; what survives is tried once more in a new process.

    mutmut forks a process that has imported everything, so a function that runs at import does not run again.
    """
    mutmut, copy = str(Path(sys.executable).with_name("mutmut")), folder / "mutants"
    run = ran([mutmut, "run", "--max-children", str(children)], folder, environment(copy))
    if run.returncode != 0:
        raise SystemExit(f"mutmut stopped:\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}")
    for module in modules:
        results = json.loads((copy / "src" / f"{file_of(module)}.meta").read_text(encoding="utf-8"))
        for name, code in results["exit_code_by_key"].items():
            assert name.startswith(f"handrail.{module}."), name
            if code in KILLED:
                yield Mutant(module=module, name=name, line="", is_killed=True)
                continue
            shown = ran([mutmut, "show", name], folder, environment(copy))
            again = ran([*PYTEST, test_of(module)], copy, environment(copy, MUTANT_UNDER_TEST=name))
            line = " ".join(row[1:].strip() for row in shown.stdout.splitlines()[3:] if row.startswith("+"))
            yield Mutant(module=module, name=name, line=line, is_killed=again.returncode in NOTICED)


def left_out(folder: Path, modules: Sequence[str]) -> list[str]:
    """Return the functions that mutmut does not alter: those with a decorator."""
    found = []
    for module in modules:
        tree = ast.parse((folder / "src" / file_of(module)).read_text(encoding="utf-8"))
        functions = [
            item for item in ast.walk(tree) if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        found += [f"{module}.{item.name}" for item in functions if item.decorator_list]
    return found


def altered_tables(folder: Path, modules: Sequence[str], children: int) -> Iterator[Mutant]:
    """Alter what stands outside of functions, each alteration in a file of its own."""
    changes = [
        (module, line, text)
        for module in modules
        for line, text in altered((folder / "src" / file_of(module)).read_text(encoding="utf-8"))
    ]

    def tested(module: str, copy: Path) -> int:
        # Without bytecode: two files of one size, written within a second, would pass for one.
        bare = environment(copy, PYTHONDONTWRITEBYTECODE="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        bare["PYTHONPATH"] += f"{os.pathsep}{folder / 'tests'}"
        return ran([*PYTEST, *BARE, test_of(module)], folder, bare).returncode

    def tried(share: int) -> list[Mutant]:
        copy, found = folder / f"tables-{share}", []
        shutil.copytree(folder / "src", copy / "src")
        for module, line, text in changes[share::children]:
            file = copy / "src" / file_of(module)
            original = file.read_text(encoding="utf-8")
            file.write_text(text, encoding="utf-8")
            is_killed = tested(module, copy) in NOTICED
            file.write_text(original, encoding="utf-8")
            found.append(Mutant(module=module, name="", line=line, is_killed=is_killed))
        return found

    for module in dict.fromkeys(module for module, _, _ in changes):
        if tested(module, folder) != 0:
            raise SystemExit(f"{test_of(module)} fails before anything is altered")

    with ThreadPoolExecutor(children) as pool:
        for found in pool.map(tried, range(children)):
            yield from found


def report(
    functions: Sequence[Mutant], tables: Sequence[Mutant], skipped: Sequence[str], minutes: float
) -> None:
    """Print a line for each module and for each survivor, and close."""
    known = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    why = {(entry["module"], line): entry["why"] for entry in known for line in entry["becomes"]}
    same = [item for item in functions if not item.is_killed and (item.module, item.line) in why]
    alive = [item for item in functions if not item.is_killed and item not in same]
    figures: dict[str, object] = {}
    print(f"{'module':20}{'mutants':>9}{'equivalent':>12}{'killed':>9}{'rate':>8}")
    for module in (*dict.fromkeys(item.module for item in functions), "all"):
        chosen = [item for item in functions if module in (item.module, "all")]
        equivalent = sum(module in (item.module, "all") for item in same)
        killed = sum(item.is_killed for item in chosen)
        figures[module] = round(killed / (len(chosen) - equivalent), 3)
        print(f"{module:20}{len(chosen):>9}{equivalent:>12}{killed:>9}{figures[module]:>8}")
    for item in same:
        print(f"equivalent {item.name}: {item.line}\n  {why[item.module, item.line]}")
    for item in (*alive, *(item for item in tables if not item.is_killed)):
        print(f"survived   {item.name or item.module}: {item.line}")
    for module, line in why.keys() - {(item.module, item.line) for item in same}:
        if module in figures:
            print(f"unused     {module}: {line} is listed as equivalent and no mutant is that")
    print(f"not altered, for their decorators: {', '.join(skipped) or 'none'}")
    figures["tables"] = round(sum(item.is_killed for item in tables) / max(1, len(tables)), 3)
    figures |= {"mutants": len(functions), "equivalent": len(same), "survived": len(alive)}
    figures |= {"altered_tables": len(tables), "not_altered": len(skipped), "minutes": round(minutes, 1)}
    bars = {"all": LEAST, "tables": 1.0}
    short = [name for name, least in bars.items() if float(str(figures[name])) < least]
    close("mutation", figures, [*short, *(["minutes"] if minutes > LONGEST_S / 60 else [])])


if __name__ == "__main__":
    main()
