"""Trains the shipped heads: `python -m benchmarks.heads`. The same rows give the same file, byte for byte.

`shifts.json` says how far each head's logit is moved after it was fitted. With `--shifts` the command
prints the shifts with which, at the level .5, a head fires on at most its share of everyday lines from
given sets that it has not seen; those of the file are higher for heads that must not miss much, see the
model card.
"""

import json
import math
import sys
from pathlib import Path

from benchmarks.heads.evaluate import Scores, left_out, trained
from benchmarks.heads.given import TOPICS

from handrail.review.calibration.heads import Row, heads_of, packed

FILE = Path(__file__).parents[2] / "guardrails/handrail/signals/heads.json.gz"
SHIFTS = Path(__file__).with_name("shifts.json")
MOST = 600_000
EVERYDAY = ("clinc150", "banking77")

SHARES = {
    "asks_for_human": 0.0012,
    "complaint": 0.012,
    "aggrieved": 0.004,
    "emergency": 0.003,
    "dispute": 0.0015,
    **dict.fromkeys(TOPICS, 0.009),
}
"""Largest share of everyday lines on which a head may fire at the level .5; .001 for those not named."""

UP, DOWN = 1.5, -4.0
"""Bounds of a shift, in logits."""


def shifts_of(read: dict[str, list[tuple[Row, Scores]]]) -> dict[str, float]:
    """Return how far each head's logit is moved to keep to its share on every everyday source."""
    shifts: dict[str, float] = {}
    for head in next(iter(read.values()))[0][1]:
        moves = []
        for source in EVERYDAY:
            false = sorted(
                (s[head] for row, s in read[source] if head not in row.labels | row.open), reverse=True
            )
            if not false:
                continue
            at = min(false[math.floor(SHARES.get(head, 0.001) * len(false))], 1 - 1e-9)
            moves.append(-math.log(max(at, 1e-9) / (1 - at)) - 0.02)
        shifts[head] = round(max(DOWN, min([UP, *moves])), 2)
    return shifts


def main() -> None:
    """Train, and write the file of the heads; or say which shifts the left-out sets ask for."""
    if "--shifts" in sys.argv:
        print(json.dumps(shifts_of(left_out()), indent=1, sort_keys=True))
        return
    fitted, vocabulary, rows = trained()
    data = packed(heads_of(fitted, vocabulary, json.loads(SHIFTS.read_text("utf-8"))))
    if len(data) > MOST:
        raise SystemExit(f"{len(data)} bytes are more than {MOST}")
    FILE.write_bytes(data)
    print(f"{len(rows)} rows, {len(fitted.features)} features, {len(data)} bytes")


if __name__ == "__main__":
    main()
