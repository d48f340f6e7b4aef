"""Other libraries, each in an environment of its own, in the folder that HANDRAIL_BENCH_VENVS names.

By default that is `.venv-peers`; `make bench` installs them.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

SCANNERS = {
    "presidio": "presidio-analyzer==2.2.366",
    "langchain": "langchain==1.5.2",
    "datafog": "datafog==4.9.0",
}
PEERS = tuple(SCANNERS)
START_S, ANSWER_S = 120, 300

Span = tuple[str, int, int]


class Peer:
    """One peer's process; use as a context manager."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("peers_worker.py")), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._read(START_S) is None:
            raise OSError(f"{name} did not start")

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def spans(self, texts: Sequence[str], *, limit_s: float = ANSWER_S) -> list[list[Span]] | None:
        """Return the spans of each text; None when it takes too long."""
        answer = self._ask(texts, 0.0, limit_s)
        return None if answer is None else [[tuple(span) for span in found] for found in answer["spans"]]

    def seconds(self, texts: Sequence[str], least_s: float, *, limit_s: float = ANSWER_S) -> float | None:
        """Return the CPU seconds per text over rounds of at least `least_s`; None when it takes too long."""
        answer = self._ask(texts, least_s, limit_s)
        return None if answer is None else answer["seconds"]

    def _ask(self, texts: Sequence[str], seconds: float, limit_s: float) -> dict | None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"texts": list(texts), "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        return self._read(limit_s)

    def _read(self, limit_s: float) -> dict | None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        line = self._process.stdout.readline() if ready else ""
        return json.loads(line) if line.startswith("{") else None


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment, there or not."""
    return Path(os.environ.get("HANDRAIL_BENCH_VENVS", ".venv-peers")) / name / "bin" / "python"


def install(packages: Mapping[str, str] = SCANNERS) -> None:
    """Make the environments, name to package; one that cannot be made is reported and left out."""
    for name, package in packages.items():
        python = python_of(name)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        done = subprocess.run([str(python), "-m", "pip", "install", "-q", package], check=False)
        print(f"{package}: {'installed' if done.returncode == 0 else 'cannot be installed here'}")


def start(name: str) -> Peer | None:
    """Start a peer, or say why it is left out."""
    python = python_of(name)
    if not python.exists():
        print(f"skipped {name}: no environment; see benchmarks/peers.py")
        return None
    try:
        return Peer(name, python)
    except OSError as error:
        print(f"skipped {name}: {error}")
        return None
