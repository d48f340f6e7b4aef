"""LangChain's own standard tests: the guarded model passes and skips exactly what its inner model does."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"\S+::Test(\w+?)(Plain|Guarded)::(\S+) (PASSED|SKIPPED|FAILED|ERROR)")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, str]]:
    """What each test came to, by the model it ran on."""
    options = ["-o", "python_files=langchain_suite.py", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"]
    listed = ["-v", "--no-header", "--benchmark-disable", "-n", "0"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *listed, "tests/support/langchain_suite.py"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found: dict[str, dict[str, str]] = {"Plain": {}, "Guarded": {}}
    for line in run.stdout.splitlines():
        if match := LINE.match(line):
            found[match[2]][f"{match[1]}::{match[3]}"] = match[4]
    return found


def test_the_guarded_model_passes_and_skips_what_its_inner_model_does(
    outcomes: dict[str, dict[str, str]],
) -> None:
    assert outcomes["Guarded"] == outcomes["Plain"]


def test_as_many_tests_run_as_ever(outcomes: dict[str, dict[str, str]]) -> None:
    counted = Counter(outcomes["Plain"].values())
    assert counted["PASSED"] >= 45
    assert counted["SKIPPED"] <= 15
    assert counted["FAILED"] == counted["ERROR"] == 0
