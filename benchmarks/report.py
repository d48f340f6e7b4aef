"""How every benchmark reads its data and closes."""

import gzip
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


def data(*parts: str) -> Path:
    """Return a path under the evaluation data; where it is absent the benchmark closes, short of it."""
    root = Path(os.environ.get("HANDRAIL_BENCH_DATA", "../shared/data"))
    path = root.joinpath(*parts)
    if not path.exists():
        print(f"no {path}; set HANDRAIL_BENCH_DATA to the folder of the evaluation data")
        spec = sys.modules["__main__"].__spec__
        close(spec.name.rpartition(".")[2] if spec else "", {}, [f"data/{'/'.join(parts)}"])
    return path


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON-lines file, gzip or plain."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in content.splitlines():
        yield json.loads(line)


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval (E. B. Wilson, 1927) of a rate; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    rate = hits / n
    middle = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def not_measured(bars: Iterable[str], figures: Mapping[str, object]) -> list[str]:
    """Return the bars without a figure: what was left out, or a peer that is not installed, did not pass."""
    return [name for name in bars if figures.get(name) is None]


def close(name: str, figures: Mapping[str, object], short: Sequence[str]) -> NoReturn:
    """Print the one JSON line and exit, with 1 if it falls short.

    Args:
        name: of the benchmark.
        figures: what was measured; None for what was not, for want of a peer, of data or of rounds.
        short: bars that were missed. What was not measured joins them: a bar is met or it is short.
    """
    unmeasured = [figure for figure, value in figures.items() if value is None and figure not in short]
    fallen = [*short, *unmeasured]
    print(json.dumps({"name": name, "figures": dict(figures), "short": fallen}))
    sys.exit(1 if fallen else 0)
