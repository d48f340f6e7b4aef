"""What starting costs: CPU seconds (user and system) of whole processes, the interpreter's start included.

    python -m benchmarks.startup [--quick]

Each command runs in a process of its own with its byte code compiled; the median of the runs counts. The size
is that of `site-packages` after the core wheel is installed in a new environment without pip.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import close

ROOT = Path(__file__).parents[1]
BARS = {
    "import_cpu_s": 0.10,
    "guard_import_cpu_s": 0.30,
    "first_answer_cpu_s": 0.90,
    "cli_list_cpu_s": 0.50,
    "site_packages_mb": 112.0,
}
FIRST_ANSWER = """
import tempfile
from handrail import Guard
with tempfile.TemporaryDirectory() as folder:
    guard = Guard.from_policy("support", store=f"sqlite:///{folder}/handrail.db")
    answer = guard(lambda question: "We are open from 9 to 17.")
    with guard.context(customer="ben", conversation="chat-1"):
        assert answer("When do you open?") == "We are open from 9 to 17."
    guard.close()
"""
MAKE_STORE = (
    "from handrail.store import open_store; s = open_store('sqlite:///handrail.db'); s.counts('a'); s.close()"
)


def cpu_s(words: list[str], folder: Path, runs: int) -> float:
    """Return the median CPU seconds of a process, after one run that compiles."""
    # An installed package has its byte code; here it is kept aside, whatever the caller's environment says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "byte-code")
    spent = []
    for _ in range(runs + 1):
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
        spent.append(used.ru_utime + used.ru_stime)
    return statistics.median(spent[1:])


def site_packages_mb(folder: Path) -> float | None:
    """Return what the core wheel and its dependencies take, None where they cannot be installed."""
    home = folder / "core"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(home / "bin" / "python"),
    ]
    options = ["-q", "-c", str(ROOT / "constraints.txt")]
    done = subprocess.run([*pip, "install", *options, str(ROOT)], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        return None
    return sum(file.stat().st_blocks * 512 for file in site.rglob("*") if file.is_file()) / 2**20


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, and no environment is made")
    options = parser.parse_args()
    runs = 3 if options.quick else 11
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cpu_s(["-c", MAKE_STORE], folder, 1)
        bare = cpu_s(["-c", "pass"], folder, runs)
        measured = {
            "import_cpu_s": cpu_s(["-c", "import handrail"], folder, runs),
            "guard_import_cpu_s": cpu_s(["-c", "from handrail import Guard"], folder, runs),
            "first_answer_cpu_s": cpu_s(["-c", FIRST_ANSWER], folder, runs),
            "cli_list_cpu_s": cpu_s(["-m", "handrail", "tickets", "list"], folder, runs),
        }
        figures: dict[str, float | None] = {name: round(value, 3) for name, value in measured.items()}
        size = None if options.quick else site_packages_mb(folder)
    figures["site_packages_mb"] = None if size is None else round(size, 1)
    print(f"{'bare interpreter':22}{bare:8.3f}")
    for name, value in figures.items():
        print(f"{name:22}{'-' if value is None else format(value, '8.3f'):>8}  bar {BARS[name]}")
    close("startup", figures, [name for name, bar in BARS.items() if (figures[name] or 0.0) > bar])


if __name__ == "__main__":
    main()
