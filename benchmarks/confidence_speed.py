"""How long scoring takes."""

import json
import statistics
import time
from collections.abc import Callable

from handrail.confidence import score
from handrail.confidence.scorers.logprobs import Aligned, align
from handrail.confidence.scorers.structured import field_scores
from handrail.records import Draft, TokenLogprob

TOKEN_BAR_US, FIELDS_BAR_US = 1000.0, 2000.0


def run() -> tuple[dict[str, float], list[str]]:
    """Score 1,000 tokens with twenty rivals each; align a 5 kB JSON answer."""
    rivals = tuple((f"w{index}", -2.0 - index) for index in range(20))
    pieces = [f" word{index}" for index in range(1000)]
    draft = Draft(
        text="".join(pieces),
        logprobs=tuple(TokenLogprob(token=p, logprob=-0.1, data=p.encode(), top=rivals) for p in pieces),
    )
    text = json.dumps({f"field_{index}": {"name": f"value {index}", "count": index} for index in range(108)})
    cut = [text[at : at + 4] for at in range(0, len(text), 4)]
    structured = Draft(
        text=text, logprobs=tuple(TokenLogprob(token=p, logprob=-0.1, data=p.encode()) for p in cut)
    )
    tokens = _median_us(lambda: score(draft))
    fields = _median_us(lambda: field_scores(_aligned(structured)))
    print(f"\n1,000 tokens, top 20: {tokens:.0f} us; fields of {len(text)} bytes of JSON: {fields:.0f} us")
    short = ["us_per_1000_tokens"] if tokens > TOKEN_BAR_US else []
    short += ["us_per_json_5kb"] if fields > FIELDS_BAR_US else []
    return {"us_per_1000_tokens": tokens, "us_per_json_5kb": fields}, short


def _aligned(draft: Draft) -> Aligned:
    aligned = align(draft)
    assert not isinstance(aligned, str)
    return aligned


def _median_us(call: Callable[[], object], times: int = 101) -> float:
    # Processor time: what else the machine does is not the library's cost.
    spent = []
    for _ in range(times):
        began = time.process_time_ns()
        call()
        spent.append((time.process_time_ns() - began) / 1e3)
    return statistics.median(spent)
