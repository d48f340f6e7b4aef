"""Facts that an answer states, read next to the words that the policy names for them. Pure.

A fact declared with `says:` has the value that the answer gives it. Values are looked for in the clause that
holds one of its words, in the clause beside it, and in the sentence after it where that goes on about it.
What is asked, reported or denied is not stated, nor is a quote of the person. Two values, a range, or a count
that is left open make the fact *ambiguous*. An answer that gives none does not say the fact.
"""

import bisect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handrail.pipeline.stated_values import Candidate, candidates
from handrail.policy import Policy
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.sources import StatedBy
from handrail.records import AMBIGUOUS, NOT_SAID, FactValue, Finding, Unknown
from handrail.signals.language import language_of
from handrail.text.clauses import Clause, clauses_of, without_quotes
from handrail.text.numbers import tokens_of
from handrail.text.polarity import denies_value, negations
from handrail.text.word_forms import Phrase, phrases_of, places_of
from handrail.tickets.masking import STATED, UNMASKED

MOST_READ = 20_000
"""Most characters of an answer that are read; of a longer one every stated fact is unknown."""

LOOK_BACK = 300
"""So many characters before a value may deny it."""

READ_LANGUAGE = "en"
"""The language that is read."""

OTHER_LANGUAGE = "language_not_read"
"""Why stated facts are unknown in an answer in another language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What an answer states of a fact; `spans` are the words in question, in characters, ends exclusive."""

    value: FactValue
    spans: tuple[tuple[int, int], ...] = ()


_GOES_ON = re.compile(
    r"(?i)^\W*(?:it|that|this|they|these|those|you have|you['’]ve|you['’]d have|you get|up to|until|till"
    r"|within|only"
    r"|by|at most|there is|there['’]s|the (?:deadline|limit|window|period|term|last day|cut-?off|maximum"
    r"|rate|amount"
    r"|price|date|number|cost|charge|time limit|rule)|(?:an?|one) \w+ is (?:enough|fine|required|needed)"
    r"|\W*\d)\b"
)
_TAKES = re.compile(
    r"(?i)\b(?:takes?|took|taking|process\w*|arriv\w*|appear\w*|credit(?:ed|s)?|deliver(?:y|ed|s)?"
    r"|ship(?:s|ped|ping)?"
    r"|dispatch\w*|reach(?:es)?|respon\w*|repl(?:y|ies)|write to|writ(?:es|ing)|get back to|hear (?:from"
    r"|back)|contact\w*|be with you"
    r"|show up|repair\w*|turnaround|wait(?:ing)?|confirm\w*|received?|issued|completed?)\b"
)
_FROM_THEN = re.compile(
    r"(?i)\b(?:after|of|from|following|upon|on|once|when|day|since"
    r"|receive)\s+(?:\w+\s+){0,3}?(?:deliver\w*|arriv\w*|ship\w*|receiv\w*|dispatch\w*)"
)
_ABOUT_TIME = re.compile(
    r"(?i)tak(?:e|ing)|process|deliver|arriv|ship|receiv|time|wait|respon|reply|credit|appear|dispatch"
    r"|repair|speed|answer"
)
_CLAIM = re.compile(
    r"(?i)\b(?:cover\w*|includ\w*|allow\w*|accept\w*|permit\w*|offer\w*|possible|available|eligible"
    r"|entitle\w*|qualif\w*"
    r"|honou?r\w*|reimburs\w*|compensat\w*|waiv\w*|pays? for|extends? to|comes? with"
    r"|falls? (?:within|outside)"
    r"|refund\w*|free|fine|ok(?:ay)?|apply|applies|falls? under|under (?:the )?(?:warranty|guarantee)"
    r"|valid|guarante\w*"
    r"|exclud\w*|except\w*|refus\w*|den(?:y|ied|ies)|declin\w*|reject\w*|prohibit\w*|forbid\w*"
    r"|impossible|unavailable"
    r"|ineligible|voids?|outside|unable|required?|needed|necessary|mandatory|provid\w*|support\w*"
    r"|agree\w*|approv\w*"
    r"|can|may|cannot|can['’]t|will|won['’]t|do|does|is|are|isn['’]t|aren['’]t|don['’]t|doesn['’]t)\b"
)
_WEAK_CLAIM = re.compile(
    r"(?i)^(?:can|may|cannot|can['’]t|will|won['’]t|do|does|is|are|isn['’]t|aren['’]t|don['’]t|doesn['’]t)$"
)
_PRONOUN = re.compile(r"(?i)^\W*(?:yes\W+|no\W+)?(?:it|that|this|they|these|those)\b")
_CONDITION = re.compile(r"(?i)^\W*(?:(?:and|but|so)\s+)?(?:if|in case|should|unless)\b")


def stated(fact: FactDeclaration, text: str, today: date) -> Stated:
    """Return what an answer states of a fact; its value is `Unknown` where it is ambiguous or not said.

    Args:
        fact: declared with `says:`.
        text: the answer, without its tool calls.
        today: decides which year a date without one is of.
    """
    assert isinstance(fact.source, StatedBy)
    phrases = phrases_of(fact.source.says)
    plain = without_quotes(text)
    if fact.type is Kind.YES_NO:
        return _polarity(_Answer(plain, (), phrases))
    found = candidates(fact, plain, today)
    if not found:
        return Stated(value=Unknown(why=NOT_SAID))
    answer = _Answer(plain, found, phrases)
    if fact.type in (Kind.NUMBER, Kind.WHOLE):
        linked = answer.counted()
    else:
        linked = answer.linked(_is_span_of_work(fact))
    return _one_value(fact, linked, answer)


def all_stated(
    policy: Policy, text: str, now: datetime
) -> tuple[Mapping[str, FactValue], tuple[Finding, ...]]:
    """Return what an answer states of each fact that some rule reads, and findings for the words it rests on.

    A text in a language that is not read leaves every one of them unknown.
    """
    facts = policy.stated_facts
    if not facts or not text.strip():
        return {fact.name: Unknown(why=NOT_SAID) for fact in facts}, ()
    if len(text) > MOST_READ:
        return {fact.name: Unknown(why="too_long") for fact in facts}, ()
    if language_of(text) not in (None, READ_LANGUAGE):
        return {fact.name: Unknown(why=OTHER_LANGUAGE) for fact in facts}, ()
    today = now.astimezone(ZoneInfo(policy.time_zone)).date()
    values: dict[str, FactValue] = {}
    spans: list[Finding] = []
    for fact in facts:
        found = stated(fact, text, today)
        values[fact.name] = found.value
        spans += in_question(fact, found)
    return values, tuple(spans)


def in_question(fact: FactDeclaration, found: Stated) -> Iterator[Finding]:
    """Yield findings for the words on which a stated fact rests."""
    for start, end in found.spans:
        yield Finding(type=STATED, category=UNMASKED, start=start, end=end, note=fact.name)


def _one_value(fact: FactDeclaration, linked: Sequence[Candidate], answer: "_Answer") -> Stated:
    spans = tuple(dict.fromkeys(answer.around(one) for one in linked))
    values = [one.value for one in linked]
    if not values:
        return Stated(value=Unknown(why=NOT_SAID))
    first = values[0]
    if first is None or any(value is None or value != first for value in values):
        return Stated(value=Unknown(why=AMBIGUOUS), spans=spans)
    return Stated(value=fact.read(first), spans=spans)


def _is_span_of_work(fact: FactDeclaration) -> Callable[[str], bool]:
    """Return a test for clauses on how long something takes; no clause where the fact is about just that."""
    assert isinstance(fact.source, StatedBy)
    is_of_interest = any(
        _ABOUT_TIME.search(word) for word in (*fact.source.says, fact.name.partition(".")[2])
    )
    if fact.type is not Kind.DURATION or is_of_interest:
        return lambda words: False
    return lambda words: bool(_TAKES.search(_FROM_THEN.sub(" ", words)))


_JOINT = re.compile(r"(?i)\s*,?\s*(?:and|or|to|-|–)\s*(?:even |up to )?")


def _stretches(text: str, found: Sequence[Candidate]) -> Iterator[tuple[int, int]]:
    """Yield the spans of values; those of `between 10 % and 30 %` are one with what joins them."""
    start, end = -1, -1
    for one in found:
        if start >= 0 and _JOINT.fullmatch(text, end, one.start):
            end = one.end
            continue
        if start >= 0:
            yield start, end
        start, end = one.start, one.end
    if start >= 0:
        yield start, end


class _Answer:
    """An answer's clauses, with the words of a fact and the values in each."""

    def __init__(self, text: str, found: Sequence[Candidate], phrases: Sequence[Phrase]) -> None:
        self.text = text
        self.found = found
        self.clauses = clauses_of(text, whole=[*_stretches(text, found)])
        self.tokens = tokens_of(text)
        self.starts = [token.start for token in self.tokens]
        self.anchors = [self._anchors(clause, phrases) for clause in self.clauses]

    def _anchors(self, clause: Clause, phrases: Sequence[Phrase]) -> list[tuple[int, int]]:
        first = bisect.bisect_left(self.starts, clause.start)
        tokens = self.tokens[first : bisect.bisect_left(self.starts, clause.end)]
        places = (place for phrase in phrases for place in places_of(phrase, tokens))
        return [(tokens[first].start, tokens[last].end) for first, last in places]

    def around(self, one: Candidate) -> tuple[int, int]:
        """Return the span of the clause that a value stands in."""
        inside = (clause for clause in self.clauses if clause.start <= one.start < clause.end)
        clause = next(inside)
        return clause.start, max(clause.end, one.end)

    def words(self, at: int) -> str:
        """Return the words of a clause."""
        return self.text[self.clauses[at].start : self.clauses[at].end]

    def _live(self, at: int, is_other: Callable[[str], bool]) -> list[Candidate]:
        """Return the values that a clause asserts."""
        clause = self.clauses[at]
        if not clause.is_asserted or is_other(self.words(at)):
            return []
        inside = [one for one in self.found if clause.start <= one.start < clause.end]
        return [one for one in inside if not denies_value(self._before(clause, one))]

    def _before(self, clause: Clause, one: Candidate) -> str:
        return self.text[max(clause.start, one.start - LOOK_BACK) : one.start]

    def linked(self, is_other: Callable[[str], bool]) -> list[Candidate]:
        """Return the values that are about the fact.

        Args:
            is_other: tells of a clause's words that its values are about something else.
        """
        live = [self._live(at, is_other) for at in range(len(self.clauses))]
        return [
            one for at, inside in enumerate(live) if inside and self._is_about(at, live) for one in inside
        ]

    def _is_about(self, at: int, live: Sequence[Sequence[Candidate]]) -> bool:
        if self.anchors[at]:
            return True
        own = self.clauses[at].sentence
        same = [i for i, clause in enumerate(self.clauses) if clause.sentence == own]
        named = [i for i in same if self.anchors[i]]
        if named:
            nearest = min(named, key=lambda i: abs(i - at))
            return not live[nearest] and not self._is_reported(nearest)
        before = [i for i, clause in enumerate(self.clauses) if clause.sentence == own - 1]
        is_open = bool(before) and any(self.anchors[i] for i in before)
        if not is_open or any(live[i] for i in before if self.anchors[i]):
            return False
        is_topic = any(self.clauses[i].is_topic for i in before)
        first = self.text[self.clauses[same[0]].start : self.clauses[same[-1]].end]
        return is_topic or bool(_GOES_ON.search(first)) or bool(_GOES_ON.search(self.words(at)))

    def _is_reported(self, at: int) -> bool:
        return not self.clauses[at].is_asserted and not self.clauses[at].is_topic

    def counted(self) -> list[Candidate]:
        """Return the numbers that count what the fact names: before its word, or after `is` or a colon."""
        chosen = []
        for at, clause in enumerate(self.clauses):
            chosen += [
                one
                for one in self._live(at, lambda words: False)
                if self._counts(at, one) or (not self.anchors[at] and self._follows_name(at, clause, one))
            ]
        return chosen

    def _counts(self, at: int, one: Candidate) -> bool:
        for start, end in self.anchors[at]:
            between = self.text[one.end : start] if one.end <= start else self.text[end : one.start]
            words = between.split()
            if (
                one.end <= start
                and len(words) <= 3
                and not any(mark in between for mark in ",;.")
                and not any(one.end <= other.start < start for other in self.found)
            ):
                return True
            if (
                end <= one.start
                and len(words) <= 3
                and re.search(r"(?i)\b(?:is|are|be|to|of|=)\s*$|:\s*$", between)
            ):
                return True
        return False

    def _follows_name(self, at: int, clause: Clause, one: Candidate) -> bool:
        named = at > 0 and self.clauses[at - 1].sentence == clause.sentence and self.anchors[at - 1]
        return bool(named) and self.text[self.clauses[at - 1].end : clause.start].strip() == ":"


def _polarity(answer: _Answer) -> Stated:
    """Return yes or no as the clauses with the fact's words say, ambiguous where they say both."""
    said: dict[bool, list[tuple[int, int]]] = {}
    for at, clause in enumerate(answer.clauses):
        if not answer.anchors[at] or not (clause.is_asserted or clause.is_topic):
            continue
        spot = _claiming(answer, at)
        if spot is None or _CONDITION.search(answer.words(spot)):
            continue
        words = answer.words(spot) if spot == at else f"{answer.words(at)} {answer.words(spot)}"
        said.setdefault(negations(words) % 2 == 0, []).append((clause.start, clause.end))
    spans = tuple(span for found in said.values() for span in found)
    if len(said) == 1:
        return Stated(value=next(iter(said)), spans=spans)
    return Stated(value=Unknown(why=AMBIGUOUS if said else NOT_SAID), spans=spans)


def _claiming(answer: _Answer, at: int) -> int | None:
    """Return the clause that claims something of what a clause names: itself, or one beside it."""
    clause = answer.clauses[at]
    if not clause.is_topic and _claims(answer, at):
        return at
    following = at + 1
    if following < len(answer.clauses) and answer.clauses[following].is_asserted:
        goes_on = clause.is_topic or answer.clauses[following].sentence == clause.sentence
        is_reply = _PRONOUN.search(answer.words(following)) is not None or clause.is_topic
        if goes_on and is_reply and not answer.anchors[following] and _CLAIM.search(answer.words(following)):
            return following
    before = at - 1
    if before >= 0 and answer.clauses[before].is_asserted and not answer.anchors[before]:
        words = answer.words(before)
        if _PRONOUN.search(words) and _strong(words):
            return before
    return None


def _claims(answer: _Answer, at: int) -> bool:
    words = answer.words(at)
    if _strong(words) or negations(words):
        return True
    # `You can return it`: a weak verb claims something where the fact's own words come right after it.
    for found in _CLAIM.finditer(words):
        end = answer.clauses[at].start + found.end()
        for start, stop in answer.anchors[at]:
            near = answer.text[end:start] if end <= start else answer.text[stop : end - len(found.group())]
            if len(near.split()) <= 1 and end <= start and _WEAK_CLAIM.match(found.group()):
                return True
    return False


def _strong(words: str) -> bool:
    return any(not _WEAK_CLAIM.match(found.group()) for found in _CLAIM.finditer(words))
