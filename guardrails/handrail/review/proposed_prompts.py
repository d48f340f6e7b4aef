"""Notes for the prompt: edits that people make again and again, with what stood before and after."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from handrail.review.cases import ChangedValue, ReviewCase, changes
from handrail.review.measure import share
from handrail.review.policy_in_force import Grounds, note
from handrail.review.proposal import Proposal

FEWEST, SHOWN = 3, 3
LONGEST = 120
_WORD = re.compile(r"[^\W\d_]{4,}")


def proposed_prompts(cases: Sequence[ReviewCase], *, weeks: int) -> Iterator[Proposal]:
    """Yield a note for each kind of edit that was made at least three times, the most frequent first."""
    clusters: dict[tuple[str, str, str], list[tuple[ReviewCase, ChangedValue]]] = defaultdict(list)
    for case in cases:
        for change in changes(case):
            clusters[case.tool, change.path, kind_of(change)].append((case, change))
    for (tool, path, kind), made in sorted(clusters.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(made) < FEWEST:
            continue
        what = f"{tool}.{path}" if tool else "the answer"
        decided = [case for case in cases if case.is_decided and case.tool == tool]
        found = share(len({case.id for case, _ in made}), len(decided))
        shown = dict.fromkeys(f"{_short(one.before)} → {_short(one.after)}" for _, one in made)
        low, high = (bound * len(decided) / max(1, weeks) for bound in (found.low, found.high))
        yield note(
            Grounds(
                kind="prompt",
                title=f"Say in the prompt: {what} {kind}",
                why=f"People did so in {found} decided tickets. {'; '.join(list(shown)[:SHOWN])}.",
                effect=f"{low:.1f} to {high:.1f} edits a week fewer, if the assistant follows it.",
                suggestion="Try the new prompt on these tickets: handrail export eval, handrail eval run.",
                tickets=tuple(dict.fromkeys(case.id for case, _ in made)),
                about=what,
                worth=found.count / max(1, weeks),
            )
        )


def kind_of(change: ChangedValue) -> str:
    """Return in a few words what was done to a value; pure."""
    before, after = _number(change.before), _number(change.after)
    if before is not None and after is not None and before > 0:
        by = round(float((after - before) / before) * 10) * 10
        return f"is {'lowered' if after < before else 'raised'} by about {abs(by)} %"
    if not change.before:
        return "is filled in"
    if not change.after:
        return "is left out"
    if change.path == "answer":
        return _of_text(change.before, change.after)
    return "is another one"


def _of_text(before: str, after: str) -> str:
    """Tell edits of an answer apart by its length: which words they change is for people to see."""
    was, now = len(_WORD.findall(before)), len(_WORD.findall(after))
    if now < 0.7 * was:
        return "is shortened"
    return "is made longer" if was < 0.7 * now else "is put in other words"


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _short(text: str) -> str:
    flat = " ".join(text.split()) or "(nothing)"
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"
