"""What handrail adds to a call: `python -m benchmarks.overhead [--quick] [--json] [--install-peers]`.

First what the ways in cost by themselves, with a guard that lets everything pass unread; then a whole
exchange of a named conversation with its log, beside stores of several sizes, in threads, tasks and
processes; then one check beside other libraries', each in an environment of its own. `--json` prints the last
line alone.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import cycle
from pathlib import Path

from benchmarks.overhead_cases import Case, Passing, cases
from benchmarks.overhead_exchange import exchanges
from benchmarks.overhead_peers import PEERS, install, measure
from benchmarks.report import close

from handrail import Guard
from handrail.records import Draft, Message, Speaker
from handrail.text.values import read

TEXT = (
    "Thank you for your message about the order that you placed with us last week. The parcel left our "
    "warehouse on the next working day and is now with the carrier, who will bring it to your door. You can "
    "follow its way with the link in the letter that we sent when it left. Should it not arrive within five "
    "working days, write to us again and we will look for it together with the carrier at once. "
)
ANSWER = (TEXT * 3)[:1024]
BARS_US = {
    "decorator_us": 5.5,
    "openai_create_us": 60.0,
    "stream_chunk_us": 10.0,
    "nested_read_us": 60.0,
}
# Of what LangChain itself spends on a model that asks another and does nothing else.
BAR_LANGCHAIN = 0.6
# What the peers look for: addresses and keys in an answer.
SAME_CHECK = """\
policy: same_check
version: "1"
owner: process_owner
if_unsure: process_owner
roles:
  process_owner: {answer_within: 1 days}
facts:
  output.findings: {type: set, values: [email, credential]}
hand_offs:
  - id: address
    when: output.findings has email
    effect: redact
    because: Addresses stay out of answers.
  - id: key
    when: output.findings has credential
    to: process_owner
    trigger: sensitive_data
    because: A key in an answer is a leak.
on_conflict: {to: process_owner}
tests: []
"""


def answer(question: str) -> str:
    """Stand for a model; free of any cost of its own."""
    return ANSWER


def paired(case: Case, rounds: int) -> tuple[float, float, float]:
    """Return CPU microseconds of a bare call, what the guard adds, and what nothing adds (control)."""
    bare, added, control = [], [], []
    for call in (case.bare, case.guarded):
        _block(call, case.calls)
    for _ in range(rounds):
        first, with_guard, again = (_block(call, case.calls) for call in (case.bare, case.guarded, case.bare))
        bare.append(first)
        added.append(with_guard - (first + again) / 2)
        control.append(again - first)
    per = case.per
    return statistics.median(bare) / per, statistics.median(added) / per, statistics.median(control) / per


def _block(call: Callable[[], object], count: int) -> float:
    start = time.process_time_ns()
    for _ in range(count):
        call()
    return (time.process_time_ns() - start) / count / 1000


def check_us(folder: Path, calls: int) -> float:
    """CPU microseconds of judging one answer of 1 kB: scan for everything, two rules, log."""
    (folder / "check.yaml").write_text(SAME_CHECK)
    guard = Guard.from_policy(folder / "check.yaml", store=f"sqlite:///{folder}/check.db")
    # Another text each time, so that nothing can be remembered.
    texts = cycle([[Draft(text=f"{number} {ANSWER}", finish_reason="stop")] for number in range(997)])
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="Where is my order?")])
        blocks = [_block(lambda: call.finish(next(texts)), calls) for _ in range(7)]
    guard.close()
    return statistics.median(blocks[1:])


def nested() -> dict[str, object]:
    """Return a result of 1 kB as a program's own records are: mappings, lists, numbers and texts."""
    parcels = [
        {"id": f"parcel {number}", "weight": 1.25 * number, "at": {"city": "Bergen", "street": TEXT[:60]}}
        for number in range(5)
    ]
    return {"order": 4711, "state": "on its way", "parcels": parcels, "note": TEXT[:300], "gift": False}


def nested_read_us(calls: int) -> float:
    """CPU microseconds of reading a nested result of 1 kB, every leaf with its path."""
    value = nested()
    return statistics.median(_block(lambda: read(value), calls) for _ in range(7))


def main() -> None:
    """Run the benchmark; exit 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="print the last line alone")
    parser.add_argument("--install-peers", action="store_true", help="make the peers' environments with pip")
    options = parser.parse_args()
    if options.install_peers:
        install()
    with redirect_stdout(io.StringIO() if options.json else sys.stdout):
        figures, short = measure_all(quick=options.quick)
    close("overhead", figures, short)


def measure_all(*, quick: bool) -> tuple[dict[str, float | None], list[str]]:
    """Measure everything, showing it as it comes; return figures and the bars that were missed."""
    figures: dict[str, float | None] = {}
    print(f"{'CPU us a call':24}{'bare':>10}{'added':>10}{'control':>10}")
    for case in cases(Passing(), ANSWER):
        plain, added, control = paired(case, 15 if quick else 60)
        print(f"{case.name:24}{plain:10.2f}{added:10.2f}{control:10.2f}", flush=True)
        figures[case.figure] = round(added, 2)
        if case.figure == "langchain_us":
            figures["langchain_of_pass_through"] = round(added / plain, 3)
    figures["nested_read_us"] = round(nested_read_us(500 if quick else 2000), 1)
    print(f"{'reading 1 kB, nested':24}{figures['nested_read_us']:20.2f}", flush=True)
    in_chat, short = exchanges(quick=quick)
    figures |= in_chat
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        check = check_us(Path(folder), 200 if quick else 1000)
    figures["check_us"] = round(check, 1)
    print(f"\n{'CPU us a check of 1 kB':30}{'handrail':>10}{check:10.1f}", flush=True)
    for peer in PEERS:
        theirs = measure(peer, ANSWER, quick=quick)
        figures[peer.figure] = None if theirs is None else round(theirs / check, 1)
        if theirs is not None:
            print(f"{peer.name:40}{theirs:10.1f}{theirs / check:9.1f}x", flush=True)
    short += [name for name, bar in BARS_US.items() if (figures.get(name) or 0.0) > bar]
    short += [name for name in ("langchain_of_pass_through",) if (figures.get(name) or 0.0) > BAR_LANGCHAIN]
    short += [p.figure for p in PEERS if (ratio := figures[p.figure]) is not None and ratio < p.bar]
    return figures, short


if __name__ == "__main__":
    main()
