"""People's corrections as test cases for the next prompt or model, with masked texts only. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping

from handrail.review.log.cases import ReviewCase, TicketEnding, changes

TAUGHT_BY = (TicketEnding.EDITED, TicketEnding.ANSWERED, TicketEnding.REJECTED)


def evaluation_cases(cases: Iterable[ReviewCase]) -> Iterator[Mapping[str, object]]:
    """Yield one test case per ticket that a person corrected, answered or rejected.

    `expect` holds the action or the answer that should have come, or `not` the one that should not.
    """
    for case in cases:
        if case.ending not in TAUGHT_BY:
            continue
        if case.ending is TicketEnding.EDITED and not changes(case):
            continue
        yield {
            "ticket": case.id,
            "trigger": str(case.trigger),
            "rules": list(case.rules),
            "messages": [{"role": speaker, "content": text} for speaker, text in case.lines],
            "proposed": _shape(case, case.proposed),
            "expect": {"not": _shape(case, case.proposed)}
            if case.ending is TicketEnding.REJECTED
            else {"answer": case.resolved}
            if case.ending is TicketEnding.ANSWERED
            else _shape(case, case.resolved),
            "reason": case.reason,
        }


def evaluation_lines(cases: Iterable[ReviewCase]) -> str:
    """Return the test cases as JSON Lines."""
    return "".join(f"{json.dumps(case, ensure_ascii=False)}\n" for case in evaluation_cases(cases))


def _shape(case: ReviewCase, text: str) -> Mapping[str, object]:
    if not case.tool:
        return {"answer": text}
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        arguments = text
    return {"tool": case.tool, "arguments": arguments}
