"""Where the microseconds of an exchange go, by room: `python -m benchmarks.overhead_parts`.

The calling thread's CPU under a profiler, whose own cost is spread by scaling the shares to what an exchange
takes without it. What a room calls outside handrail counts for the room.
"""

import cProfile
import pstats
import tempfile
import time
from collections import Counter

from benchmarks.overhead_exchange import measured, question, reply
from benchmarks.report import close

from handrail import Guard

ROUNDS = 1000
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


def room_of(file: str) -> str | None:
    """Return the room that a source file is in, None outside handrail."""
    _, found, rest = file.partition("/handrail/")
    if not found or "site-packages" in file:
        return None
    return next((room for room in ROOMS if rest.startswith(room + "/") or rest == f"{room}.py"), "guard")


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return each room's share of a profile; what others do counts for the room that calls them."""
    found: Counter[str] = Counter()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (file, _, _), (_, _, own, _, callers) in stats.items():
        room = room_of(file)
        if room is not None:
            found[room] += own
            continue
        for (caller, _, _), (_, _, part, _) in callers.items():
            found[room_of(caller) or "elsewhere"] += part
    total = sum(found.values())
    return {room: part / total for room, part in found.most_common()}


def main() -> None:
    """Profile exchanges in a named conversation on SQLite and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        guard = Guard.from_policy("support", store=f"sqlite:///{folder}/store.db")
        cost = measured(guard, ROUNDS, "v1")
        guarded = guard(reply)
        profile = cProfile.Profile(time.thread_time)
        with guard.context(customer="c1", conversation="v1"):
            asked = [question(2 * 10**6 + number) for number in range(ROUNDS)]
            profile.enable()
            for one in asked:
                guarded(one)
            profile.disable()
        guard.close()
    print(f"{'room':14}{'us':>8}{'share':>8}")
    found = shares(profile)
    for room, share in found.items():
        about = ROOMS.get(room, "SQLAlchemy and the driver")
        print(f"{room:14}{share * cost.cpu_p50:8.1f}{share:8.0%}  {about}")
    print(f"{'in all':14}{cost.cpu_p50:8.1f}")
    close("overhead_parts", {room: round(share * cost.cpu_p50, 1) for room, share in found.items()}, [])


if __name__ == "__main__":
    main()
