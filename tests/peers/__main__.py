"""Runs packages' own tests plain and guarded: `PYTHONPATH=tests python -m peers [PACKAGE …]`.

Each suite is run three times: plain, with `stream: hold` and with `stream: release`. Every test has to come
out as it does plain, but for the exceptions that the table of suites names. Calls that went through the guard
are counted, because a run that intercepts nothing looks just as good.
"""

import argparse
import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from peers.pass_all import COUNT, STREAM
from peers.suites import SUITES, Suite

ROOT = Path(__file__).parents[2]
WAYS = ("plain", "hold", "release")
Outcomes = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What each test came to, and how many calls were intercepted."""

    outcomes: Outcomes
    intercepted: int


def main(given: Sequence[str] | None = None) -> int:
    """Run the suites, print a table; returns 1 if a test comes out otherwise for no known reason."""
    parser = argparse.ArgumentParser(prog="python -m peers")
    parser.add_argument("packages", nargs="*", help="names of packages; none for all")
    parser.add_argument("--sources", type=Path, help="folder for the source distributions; kept")
    options = parser.parse_args(given)
    with tempfile.TemporaryDirectory(prefix="handrail-peers-") as scratch:
        folder = options.sources or Path(scratch)
        folder.mkdir(exist_ok=True)
        wanted = [suite for suite in SUITES if not options.packages or suite.package in options.packages]
        faults = [fault for suite in wanted for fault in _judged(suite, folder)]
    for fault in faults:
        print(fault)
    return 1 if faults or not wanted else 0


def _judged(suite: Suite, folder: Path) -> list[str]:
    source = unpacked(suite.package, folder)
    runs = {way: run(suite, source, way) for way in WAYS}
    plain = runs["plain"].outcomes
    counted = Counter(plain.values())
    print(f"{suite.package}: plain {dict(counted)}")
    faults = []
    if counted["passed"] < suite.least:
        faults.append(f"{suite.package}: only {counted['passed']} tests pass plain")
    if len(suite.differ) > suite.most:
        faults.append(f"{suite.package}: {len(suite.differ)} exceptions")
    for way in WAYS[1:]:
        other = runs[way]
        differ = sorted(
            name
            for name in plain.keys() | other.outcomes.keys()
            if plain.get(name) != other.outcomes.get(name)
        )
        new = [name for name in differ if _function(name) not in suite.differ]
        print(
            f"  {way:8} {dict(Counter(other.outcomes.values()))}"
            f" · {other.intercepted} calls intercepted · {len(differ) - len(new)} known exceptions"
            f" · {len(new)} new differences"
        )
        if other.intercepted == 0:
            faults.append(f"{suite.package} ({way}): nothing was intercepted")
        faults += [
            f"{suite.package} ({way}): {name}: {plain.get(name)} plain, {other.outcomes.get(name)} guarded"
            for name in new
        ]
    return faults


def _function(name: str) -> str:
    return name.rpartition("::")[2].partition("[")[0]


def unpacked(package: str, folder: Path) -> Path:
    """Return the unpacked source distribution of the version that is installed."""
    version = importlib.metadata.version(package)
    found = list(folder.glob(f"{package.replace('-', '_')}-{version}"))
    if found:
        return found[0]
    wanted = [f"{package}=={version}", "--no-deps", "--no-binary", package, "-q", "-d", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *wanted], check=True)
    (archive,) = folder.glob(f"{package.replace('-', '_')}-{version}.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def run(suite: Suite, source: Path, way: str) -> Run:
    """Run a suite in one way, in a process of its own."""
    report, count = source / f".{way}.xml", source / f".{way}.count"
    count.unlink(missing_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    command += ["-o", "addopts=", "-n", "0", "--no-header", "--tb=no", f"--junitxml={report}"]
    command += ["-p", suite.plugin] if way != "plain" else []
    paths = [str(ROOT / "tests"), *(str(ROOT / name) for name in ("guardrails", "adapters", "policies"))]
    # The package that is tested is the one installed; only its tests come from the source distribution.
    env = {**os.environ, STREAM: way, COUNT: str(count), "PYTHONPATH": os.pathsep.join(paths)}
    log = source / f".{way}.log"
    with log.open("w") as file:
        subprocess.run(
            [*command, *suite.options, *files_of(suite, source)],
            cwd=source,
            env=env,
            stdout=file,
            stderr=file,
            check=False,
        )
    return Run(outcomes=outcomes_in(report), intercepted=int(count.read_text()) if count.exists() else 0)


def files_of(suite: Suite, source: Path) -> list[str]:
    """Return what of a suite is run."""
    found = sorted(path for pattern in suite.paths for path in source.glob(pattern))
    if suite.holding:
        found = [path for path in found if any(word in path.read_text() for word in suite.holding)]
    return [str(path.relative_to(source)) for path in found]


def outcomes_in(report: Path) -> Outcomes:
    """Return what each test came to."""
    if not report.exists():
        return {}
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = next((kind for kind in ("error", "failure", "skipped") if kind in kinds), "passed")
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return found


if __name__ == "__main__":
    raise SystemExit(main())
