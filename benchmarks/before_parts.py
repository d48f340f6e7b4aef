"""The parts of `benchmarks.before`, each by the command that people and tests run."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
RUNS = ("tau", "tau1", "airline_gpt4o_runs.jsonl.gz")
FACTS, NOW = "benchmarks.airline_facts:from_tau", "2024-05-15T15:00-05:00"
TIMES = ("p50_us", "p99_us")
ADAPTERS = ("agents_sdk", "anthropic", "gateway", "langchain", "litellm", "openai", "pydantic_ai")
KILLED = (
    "tests/prove/test_chaos.py",
    "tests/prove/test_simulation.py",
    "tests/e2e/test_once_only.py",
)
AGREEMENT = (
    "differential_cases",
    "differential_mismatches",
    "conflicts_compared",
    "conflict_sets_that_differ",
    "bad_witnesses",
)
OVERHEAD = ("decorator_us", "openai_create_us", "stream_chunk_us", "langchain_us", "check_us")
OVERHEAD_EXCHANGE = ("no_conversation_cpu_p50_us", "conversation_cpu_p50_us", "conversation_cpu_p99_us")


@dataclass
class Found:
    """Figures that may not change, what is told beside them, and the parts that were left out."""

    figures: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def collect(*, quick: bool) -> Found:
    """Run every part, or the quick ones."""
    found = Found()
    folder = Path(os.environ.get("HANDRAIL_BENCH_DATA", "../shared/data")).absolute()
    if folder.joinpath(*RUNS).exists():
        _replay(found, folder)
        _scanner(found, folder)
    else:
        found.skipped += ["replay", "scanner"]
    _policies(found)
    _evaluators(found)
    if quick:
        found.skipped += ["bypass", "killed"]
    else:
        _bypass(found)
        _killed(found)
    _overhead(found)
    return found


def _output(*arguments: str, **environment: str) -> str:
    """Run a module of this interpreter from the root of the repository and return what it prints."""
    print(f"python -m {' '.join(arguments)}", file=sys.stderr)
    ran = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    return ran.stdout


def _closing(*arguments: str, **environment: str) -> dict[str, Any]:
    """Return the figures with which a benchmark closes."""
    figures: dict[str, Any] = json.loads(_output(*arguments, **environment).splitlines()[-1])["figures"]
    return figures


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _replay(found: Found, folder: Path) -> None:
    """What the airline policy makes of recorded runs, in sum and run by run."""
    runs = folder.joinpath(*RUNS)
    options = ("--policy", "airline", "--facts", FACTS, "--now", NOW, "--json")
    told = json.loads(_output("handrail", "replay", str(runs), *options, HANDRAIL_BENCH_DATA=str(folder)))
    for name, value in told.items():
        if isinstance(value, dict):
            found.figures |= {f"replay.{name}.{key}": count for key, count in value.items()}
        elif isinstance(value, list):
            found.figures[f"replay.{name}"] = _digest(value)
        elif name in TIMES:
            found.beside[f"replay.{name}"] = value
        else:
            found.figures[f"replay.{name}"] = value
    found.figures["replay.decisions"] = _digest(list(_decisions(runs, folder)))


def _decisions(runs: Path, folder: Path) -> Iterator[list[object]]:
    """Yield what each run came to; the command prints their sum only."""
    from benchmarks.airline_facts import from_tau

    from handrail.policy import load
    from handrail.replay import Replayer, read_records
    from handrail.store import open_store

    os.environ["HANDRAIL_BENCH_DATA"] = str(folder)
    store = open_store("sqlite://", allow_volatile=True)
    replayer = Replayer(load("airline"), store=store, now=datetime.fromisoformat(NOW), facts=from_tau)
    for record in read_records(runs):
        run: Any = replayer.run(record)  # type: ignore[arg-type] # this file has no bad lines
        stop = [run.stop.message, run.stop.tool, run.stop.rules] if run.stop else None
        counted = [
            sorted((str(name), count) for name, count in c.items()) for c in (run.hand_offs, run.rules)
        ]
        gold = sorted(run.gold_rules or ())
        yield [
            record.line,
            run.exchanges,
            *counted,
            run.blocks,
            run.is_handed_off,
            stop,
            gold,
            run.gold_unsure,
        ]
    store.close()


def _scanner(found: Found, folder: Path) -> None:
    """How well the scanner finds, on data from elsewhere and of its own."""
    figures = _closing("benchmarks.scan_quality", HANDRAIL_BENCH_DATA=str(folder))
    # Another scanner's figure depends on whether it is installed.
    found.figures |= {f"scanner.{name}": value for name, value in figures.items() if "presidio" not in name}


def _policies(found: Found) -> None:
    """Tests and strict checks of every shipped policy."""
    folder = Path(str(import_module("handrail_policies").__file__)).parent
    for path in sorted(folder.glob("*.yaml")):
        if path.stem.endswith("_people"):
            continue
        tests = json.loads(_output("handrail", "policy", "test", path.stem, "--json"))
        remarks = json.loads(_output("handrail", "policy", "check", path.stem, "--format", "json"))[0][
            "remarks"
        ]
        levels = Counter(remark["level"] for remark in remarks)
        found.figures |= {
            f"policies.{path.stem}.tests": len(tests),
            f"policies.{path.stem}.passed": sum(test["passed"] for test in tests),
            f"policies.{path.stem}.errors": levels["error"],
            f"policies.{path.stem}.warnings": levels["warning"],
            f"policies.{path.stem}.notes": levels["note"],
            f"policies.{path.stem}.strict_exit": _exit("policy", "check", "--strict", path.stem),
        }


def _exit(*arguments: str) -> int:
    command = [sys.executable, "-m", "handrail", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


def _evaluators(found: Found) -> None:
    """How often the policy's evaluators disagree."""
    figures = _closing("benchmarks.policy", "--quick")
    found.figures |= {f"evaluators.{name}": figures[name] for name in AGREEMENT}
    found.beside |= {
        f"policy.{name}": figures[name] for name in figures if name.endswith(("_s", "_rule", "0"))
    }


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One test that ran: its id, how it ended, and the counts that it put on record."""

    id: str
    ending: str
    counts: Counter[str]


def _cases(*arguments: str) -> list[_Case]:
    """Run tests and return them."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name, "report.xml")
        # `record_property` is known to this family only.
        options = ("-p", "no:cacheprovider", "-q", "-o", "junit_family=xunit1", f"--junitxml={report}")
        _output("pytest", *options, *arguments)
        found = ElementTree.parse(report).iter("testcase")
        # A module that needs another environment is skipped as a whole, and has no class.
        return [_case(element) for element in found if element.get("classname")]


def _case(element: ElementTree.Element) -> _Case:
    ending = next((child.tag for child in element if child.tag in ("failure", "error", "skipped")), "passed")
    counts = Counter[str]()
    for each in element.iter("property"):
        counts[each.get("name", "")] += int(each.get("value", "0"))
    return _Case(id=f"{element.get('classname')}::{element.get('name')}", ending=ending, counts=counts)


def _bypass(found: Found) -> None:
    """Every way past an adapter that a test tries; names may change, so they are told beside."""
    cases = _cases("-k", "bypass", "tests/contract")
    counts = Counter((_adapter(case.id), case.ending) for case in cases)
    found.figures |= {f"bypass.{adapter}.{ending}": count for (adapter, ending), count in counts.items()}
    found.beside["bypass.ids"] = _digest(sorted(case.id for case in cases))


def _adapter(test: str) -> str:
    return next((adapter for adapter in ADAPTERS if f"_{adapter}" in test.partition("::")[0]), "shared")


def _killed(found: Found) -> None:
    """Killed processes, races and random histories; `broken` are promises that did not hold."""
    cases = _cases("-m", "not slow", *KILLED)
    totals = sum((case.counts for case in cases), Counter[str]())
    found.figures |= {f"killed.{name}": count for name, count in totals.items()}
    found.figures["killed.broken"] = totals["broken"]
    for ending, count in Counter(case.ending for case in cases).items():
        found.figures[f"killed.tests_{ending}"] = count


def _overhead(found: Found) -> None:
    """Times, for a look only; machines and neighbours differ."""
    figures = _closing("benchmarks.overhead", "--quick")
    found.beside |= {f"overhead.{name}": figures[name] for name in (*OVERHEAD, *OVERHEAD_EXCHANGE)}
