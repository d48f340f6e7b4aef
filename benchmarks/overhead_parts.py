"""Where the microseconds of an exchange go, by room: `python -m benchmarks.overhead_parts`.

The running thread is looked at each millisecond of processor time, so that nothing is slower for being
measured; a profiler that counts calls would charge a room for its many small ones. What a room calls outside
handrail counts for the room.
"""

import signal
import tempfile
from collections import Counter
from types import FrameType

from benchmarks.overhead_exchange import measured, question, reply
from benchmarks.report import close

from handrail import Guard

ROUNDS = 1000
SAMPLED = 8000
EACH_S = 0.001
ROOMS = {
    "store/audit": "the decision's entry queued for the log",
    "store": "the conversation's state read",
    "signals": "signals, topics and language of the question",
    "scan": "findings in question and answer",
    "policy": "rules decided on facts, twice",
    "pipeline": "facts read, findings placed, decisions merged",
    "confidence": "what is known of the answer's confidence",
    "text": "texts normalised, numbers and edges read",
    "guard": "the call driven, its context and its outcome",
    "records": "frozen values made",
}


def room_of(frame: FrameType | None) -> str:
    """Return the room that runs or has called what runs."""
    while frame is not None:
        _, found, rest = frame.f_code.co_filename.partition("/handrail/")
        if found and "site-packages" not in rest:
            return next((room for room in ROOMS if rest.startswith((f"{room}/", f"{room}.py"))), "guard")
        frame = frame.f_back
    return "elsewhere"


def shares(guard: Guard) -> dict[str, float]:
    """Return each room's share of exchanges in a named conversation."""
    guarded, found = guard(reply), Counter[str]()
    before = signal.signal(signal.SIGPROF, lambda _, frame: found.update((room_of(frame),)))
    with guard.context(customer="c1", conversation="v1"):
        asked = [question(2 * 10**6 + number) for number in range(SAMPLED)]
        signal.setitimer(signal.ITIMER_PROF, EACH_S, EACH_S)
        for one in asked:
            guarded(one)
        signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    total = sum(found.values())
    return {room: part / total for room, part in found.most_common()}


def main() -> None:
    """Look at exchanges in a named conversation on SQLite and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        guard = Guard.from_policy("support", store=f"sqlite:///{folder}/store.db")
        cost = measured(guard, ROUNDS, "v1")
        found = shares(guard)
        guard.close()
    print(f"{'room':14}{'us':>8}{'share':>8}")
    for room, share in found.items():
        print(f"{room:14}{share * cost.cpu_p50:8.1f}{share:8.0%}  {ROOMS.get(room, 'the benchmark itself')}")
    print(f"{'in all':14}{cost.cpu_p50:8.1f}")
    close("overhead_parts", {room: round(share * cost.cpu_p50, 1) for room, share in found.items()}, [])


if __name__ == "__main__":
    main()
