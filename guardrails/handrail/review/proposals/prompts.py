"""Notes for the prompt: edits that people make again and again, with what stood before and after."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from scipy.stats import binom

from handrail.review.changes.proposal import Grounds, Proposal, note
from handrail.review.figures.measure import share
from handrail.review.log.cases import ANSWER, ChangedValue, ReviewCase, TicketEnding, changes

FEWEST, SHOWN = 3, 3
OFTEN, LEVEL = 0.05, 0.01
"""An edit is worth a note if it is made in more than a twentieth of the tickets; and the chance, over all
kinds of edits, of a note on one that is not."""
LONGEST, LONGEST_VALUE = 120, 40
GETS, LOSES = "gets the word ", "loses the word "
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_Edit: TypeAlias = tuple[str, str, str]
_Made: TypeAlias = tuple[ReviewCase, ChangedValue]


def proposed_prompts(cases: Sequence[ReviewCase], *, weeks: int) -> Iterator[Proposal]:
    """Yield a note for each kind of edit that is made again and again, the most frequent first.

    A kind is counted within the decided tickets of its tool, or of answers: how likely so many are by chance
    is binomial, times all kinds that were seen. Of an answer it is one kind that it gets much shorter or
    longer, and one for each word that is put in or left out.
    """
    decided: dict[str, list[ReviewCase]] = defaultdict(list)
    made: dict[_Edit, list[_Made]] = defaultdict(list)
    for case in cases:
        if not case.is_decided:
            continue
        decided[case.tool].append(case)
        for change in changes(case) if case.ending is TicketEnding.EDITED else ():
            for kind in kinds_of(change):
                made[case.tool, change.path, kind].append((case, change))
    drafts = {tool: _Drafts.of(mine) for tool, mine in decided.items()}
    often = {edit: of for edit, of in made.items() if _count(of) >= FEWEST}
    told: set[str] = set()
    for edit, of in sorted(often.items(), key=lambda item: (-_count(item[1]), item[0])):
        tickets = {case.id for case, _ in of}
        by_chance = drafts[edit[0]].chance(edit[2], len(tickets)) * len(made)
        if by_chance > LEVEL or tickets <= told:
            continue
        told |= tickets
        yield _note(edit, of, len(decided[edit[0]]), weeks)


def _count(made: Sequence[_Made]) -> int:
    return len({case.id for case, _ in made})


def kinds_of(change: ChangedValue) -> tuple[str, ...]:
    """Return in a few words what was done to a value, one kind for each way to see it; pure."""
    before, after = _number(change.before), _number(change.after)
    if before is not None and after is not None and before > 0:
        by = round(float((after - before) / before) * 10) * 10
        return (f"is {'lowered' if after < before else 'raised'} by about {abs(by)} %",)
    if not change.before:
        return ("is filled in",)
    if not change.after:
        return ("is left out",)
    if change.path != ANSWER:
        return (f"becomes “{_short(change.after, LONGEST_VALUE)}”",)
    was, now = _words(change.before), _words(change.after)
    return (
        *_of_length(len(_WORD.findall(change.before)), len(_WORD.findall(change.after))),
        *(f"{GETS}“{word}”" for word in sorted(now - was)),
        *(f"{LOSES}“{word}”" for word in sorted(was - now)),
    )


def _of_length(was: int, now: int) -> tuple[str, ...]:
    if now < 0.7 * was:
        return ("is shortened",)
    return ("is made longer",) if was < 0.7 * now else ()


@dataclass(frozen=True, slots=True)
class _Drafts:
    """The decided tickets of one tool, or of answers: what an edit of them is measured by."""

    cases: Sequence[ReviewCase]
    words: Counter[str]
    lost: float

    @classmethod
    def of(cls, cases: Sequence[ReviewCase]) -> "_Drafts":
        words: Counter[str] = Counter()
        lost = 0
        for case in cases:
            held = _words(case.proposed)
            words.update(held)
            if case.ending is TicketEnding.EDITED:
                lost += len(held - _words(case.resolved))
        return cls(cases, words, lost / max(1, words.total()))

    def chance(self, kind: str, times: int) -> float:
        """Return how likely an edit of a kind is made so often by chance.

        A word that is put in is held against how often drafts hold it anyway, one that is left out against
        twice as often as words are.
        """
        total, usual = len(self.cases), OFTEN
        word = kind.partition("“")[2].rstrip("”")
        if kind.startswith(GETS):
            usual = max(usual, self.words[word] / total)
        elif kind.startswith(LOSES):
            total, usual = self.words[word], max(usual, 2 * self.lost)
        return float(binom.sf(times - 1, total, usual))


def _note(edit: _Edit, made: Sequence[_Made], total: int, weeks: int) -> Proposal:
    tool, path, kind = edit
    what = f"{tool}.{path}" if tool else "the answer"
    tickets = tuple(dict.fromkeys(case.id for case, _ in made))
    found = share(len(tickets), total)
    shown = dict.fromkeys(_shown(kind, change) for _, change in made)
    low, high = (bound * total / max(1, weeks) for bound in (found.low, found.high))
    return note(
        Grounds(
            kind="prompt",
            title=f"Say in the prompt: {what} {kind}",
            why=f"People did so in {found} decided tickets. {'; '.join(list(shown)[:SHOWN])}.",
            effect=f"{low:.1f} to {high:.1f} edits a week fewer, if the assistant follows it.",
            suggestion="Try the new prompt on these tickets: handrail export eval, handrail eval run.",
            tickets=tickets,
            about=what,
            worth=found.count / max(1, weeks),
        )
    )


def _shown(kind: str, change: ChangedValue) -> str:
    """Return what stood before and after; of a word the sentence that it stands in."""
    if not kind.startswith((GETS, LOSES)):
        return f"{_short(change.before)} → {_short(change.after)}"
    text = change.after if kind.startswith(GETS) else change.before
    word = kind.partition("“")[2].rstrip("”")
    return next(
        (_short(each.rstrip(".")) for each in _SENTENCE.split(text) if word in _words(each)), _short(text)
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _short(text: str, most: int = LONGEST) -> str:
    flat = " ".join(text.split()) or "(nothing)"
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
