"""Does everything still come to what it came to? `python -m benchmarks.before [--quick] [--write]`.

Collects figures that no rebuilding may change and sets them against `before.json`: what the airline policy
makes of recorded runs, the tests and checks of the shipped policies, every way past the adapters, killed and
racing processes, how well the scanner finds, whether the policy's evaluators agree. Exit code 1 if a figure
differs. Times, and digests of names that may change, are printed beside and differ without harm.

`--quick` leaves out the ways past the adapters and the killed processes. `--write` makes `before.json` anew;
that is for a change that means to change a figure, and its commit says why.
"""

import argparse
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import before_parts as parts
from benchmarks.report import close

import handrail

FILE = Path(__file__).with_name("before.json")
MISSING = "–"


def main() -> None:
    """Collect, then write or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="without the parts that take a minute")
    parser.add_argument("--write", action="store_true", help="make before.json anew")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("before.json holds every part; write it without --quick")
    found = parts.collect(quick=options.quick)
    if options.write:
        if found.skipped:
            parser.error(f"before.json holds every part; skipped were {', '.join(found.skipped)}")
        _write(found)
    before = json.loads(FILE.read_text(encoding="utf-8"))
    short = _compared(before["figures"], found.figures, found.skipped)
    _beside(before["beside"], found.beside)
    close("before", found.figures, short)


def _write(found: parts.Found) -> None:
    made_with = {"handrail": handrail.__version__, "python": platform.python_version()}
    document = {"made_with": made_with, "figures": found.figures, "beside": found.beside}
    FILE.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _compared(before: Mapping[str, Any], now: Mapping[str, Any], skipped: list[str]) -> list[str]:
    """Print every figure beside what it was; return the names of those that differ."""
    names = [name for name in sorted({*before, *now}) if name.partition(".")[0] not in skipped]
    short = [name for name in names if before.get(name, MISSING) != now.get(name, MISSING)]
    print(f"{'figure':52}{'before':>22}{'now':>22}")
    for name in names:
        mark = "  differs" if name in short else ""
        print(f"{name:52}{_shown(before.get(name, MISSING)):>22}{_shown(now.get(name, MISSING)):>22}{mark}")
    for part in skipped:
        print(f"{part:52}{'skipped':>44}")
    return short


def _beside(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Print what may differ, numbers as a ratio."""
    print(f"\n{'beside':52}{'before':>22}{'now':>22}{'ratio':>9}")
    for name in sorted(now):
        was, value = before.get(name, MISSING), now[name]
        is_ratio = isinstance(was, int | float) and isinstance(value, int | float) and was > 0
        ratio = f"{value / was:9.2f}" if is_ratio else ""
        print(f"{name:52}{_shown(was):>22}{_shown(value):>22}{ratio}")


def _shown(value: object) -> str:
    return str(value)[:20]


if __name__ == "__main__":
    main()
