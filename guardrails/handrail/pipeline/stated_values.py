"""Values that an answer names, by the type of fact they may be: amounts, durations, dates, numbers. Pure.

Each reader finds values with the words that hold them; which of them a fact is about is told by `stated`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.records import FactValue, Money
from handrail.text.amounts import read_amounts
from handrail.text.dates import read_dates
from handrail.text.durations import read_durations
from handrail.text.numbers import Token, number_at, tokens_of
from handrail.text.word_forms import phrases_of, places_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value in a text; `start` and `end` (exclusive) count characters. `value` is None if left open."""

    start: int
    end: int
    value: FactValue | None


_ELAPSED_AFTER = re.compile(r"(?i)^[\s-]*(?:ago|old|left|remaining|to go|earlier|overdue|into)\b")
_ELAPSED_BEFORE = re.compile(
    r"(?i)\b(?:(?:ha[sd]|have|['’]s|['’]ve) (?:already |now |only |just )?(?:been|passed|waited|had it)"
    r"|(?:last|past|previous))\s+(?:about |around |almost |nearly |over |roughly )?$"
)
_PAST_BEFORE = re.compile(
    r"(?i)\b(?:ordered|bought|purchased|shipped|paid|born|called|wrote|signed up|joined"
    r"|placed)\b[^.;,]{0,30}$"
)
_SUPERSEDED = re.compile(
    r"(?i)\b(?:used to|previously|formerly|in the past|until recently|no longer|last year)\b"
)
_FREE = re.compile(
    r"(?i)\b(?:free(?: of charge)?|no (?:extra |additional |late )?(?:fees?|charges?|costs?)"
    r"|without (?:any )?(?:fees?|charges?|costs?)"
    r"|nothing (?:to pay|extra)|at no (?:extra |additional )?(?:cost|charge)|for nothing|(?:is|are|been"
    r"|be|get) waived|complimentary"
    r"|costs? (?:you )?nothing|on the house)\b"
)
_NOT_FREE = re.compile(r"(?i)\b(?:not|n['’]t|never|feel|isn['’]t)\s+(?:\w+\s+)?$")
_LIMITLESS = re.compile(
    r"(?i)\b(?:no (?:time[- ])?(?:limit|deadline|cut-?off|end date|expiry(?: date)?)|without (?:any "
    r"|a )?(?:time[- ])?(?:limit|deadline)"
    r"|any ?time|whenever you (?:like|want|wish)|indefinite(?:ly)?|forever|for life|lifetime"
    r"|unlimited(?: time)?"
    r"|as long as you (?:like|want|need|wish))\b"
)
_CONTACT = re.compile(r"(?i)\b(?:contact|reach|ask|write|call|message|check|track|see|view|log in|chat)\b")
_PERCENT_SIGN = re.compile(r"(?i)\s*-?\s*(?:%|percent(?:age)?\b|per ?cent\b|pct\b)")
_SHARE_OFF = re.compile(r"(?i)\b(?:(?:a |one )?(half|quarter|third)[ -](?:off|price)|(twice|double))\b")
_SHARES = {"half": Decimal(50), "quarter": Decimal(25), "third": Decimal(100) / 3}
_MEASURE = re.compile(
    r"(?i)\s*-?\s*(?:kg|kgs|g|lbs?|kilos?|pounds?|cm|mm|km|m|gb|mb|tb|°|degrees?|inch(?:es)?|ft|am|pm"
    r"|o['’]?clock|st|nd|rd|th|x\b"
    r"|%|percent|per ?cent|dollars?|euros?|cents?)\b|\s*[%°€£$:/]"
)
_NUMBERED = re.compile(
    r"(?i)\b(?:flight|gate|order|ticket|number|no\.|room|seat|row|zone|step|page|line|case|option|#)\s*#?$"
)
_COUNT_WORDS = {
    "no": Decimal(0),
    "zero": Decimal(0),
    "single": Decimal(1),
    "couple": Decimal(2),
    "pair": Decimal(2),
}
_DOZEN = 12
LONGEST_NUMBER = 60
"""So many characters may hold a second number in words."""
_ALSO = re.compile(
    r"(?i)(?:\s+(?:off|discount|back|fee|charge|each|only))?\s*[,(–—-]?\s*\b(?:or|and|but|else|otherwise)\s+"
    r"(?:else |even |only |just |up to |as (?:much|many|little) as |maybe |perhaps )?"
)
_UNSAID_UNIT = re.compile(
    r"(?i)\s*(?:$|[.,;!?)]|(?:on|for|if|when|whenever|during|in|at|with|after|before|from|once|unless|where"
    r"|should|as|by|per|through|over|instead|otherwise)\b)"
)
_TOMORROW = re.compile(r"(?i)\b(?:(today|tonight)|(tomorrow))\b(?!['’]s)")
_DAY_LEFT_OPEN = re.compile(
    r"(?i)\b(?:(?:next|this coming|coming|the following)\s+(?:week(?:end)?|month|year|quarter|spring|summer"
    r"|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
    r"|(?:the )?(?:end|start|beginning|middle|last day) of (?:the |this |next |every )?(?:week|month|year"
    r"|quarter|season)"
    r"|the day after tomorrow)\b"
)


def candidates(fact: FactDeclaration, text: str, today: date) -> tuple[Candidate, ...]:
    """Return every value of the fact's type in a text, in order; pure.

    Args:
        fact: its declaration.
        text: the answer.
        today: decides which year a date without one is of.
    """
    match fact.type:
        case Kind.MONEY:
            found = [*_amounts(fact, text)]
        case Kind.DURATION:
            found = [*_durations(text)]
        case Kind.DATE:
            found = [*_dates(text, today)]
        case Kind.PERCENT:
            found = [*_percents(text)]
        case Kind.NUMBER | Kind.WHOLE:
            found = [*_numbers(text)]
        case Kind.ONE_OF | Kind.WEEKDAY:
            found = [*_choices(fact, text)]
        case _:
            found = []
    if fact.type in (Kind.MONEY, Kind.DURATION, Kind.PERCENT):
        found = [_with_second(one, text) for one in found]
    return tuple(sorted(found, key=lambda one: one.start))


def _with_second(one: Candidate, text: str) -> Candidate:
    """Return a value, left open where a second number shares its unit: `10 % off, or twenty on Fridays`."""
    joint = _ALSO.match(text, one.end)
    tokens = tokens_of(text[joint.end() : joint.end() + LONGEST_NUMBER]) if joint else ()
    number = number_at(tokens, 0) if tokens and tokens[0].start == 0 else None
    if joint is None or number is None:
        return one
    end = joint.end() + tokens[number.after - 1].end
    return Candidate(start=one.start, end=end, value=None) if _UNSAID_UNIT.match(text, end) else one


def _amounts(fact: FactDeclaration, text: str) -> Iterator[Candidate]:
    sole = fact.currencies[0] if len(fact.currencies) == 1 else ""
    for span in read_amounts(text):
        code = span.currency or sole
        value = Money(amount=span.amount, currency=code) if code in fact.currencies else None
        if not _SUPERSEDED.search(text, max(0, span.start - 30), span.start):
            yield Candidate(start=span.start, end=span.end, value=value)
    for free in _FREE.finditer(text):
        if not _NOT_FREE.search(text, max(0, free.start() - 20), free.start()):
            value = Money(amount=Decimal(0), currency=fact.currencies[0])
            yield Candidate(start=free.start(), end=free.end(), value=value)


def _durations(text: str) -> Iterator[Candidate]:
    for span in read_durations(text):
        before, after = text[max(0, span.start - 40) : span.start], text[span.end : span.end + 20]
        is_elapsed = _ELAPSED_AFTER.search(after) or _ELAPSED_BEFORE.search(before)
        is_within = re.search(r"(?i)within the (?:last|past)\s*$", before)
        if (is_elapsed and not is_within) or _SUPERSEDED.search(before):
            continue
        yield Candidate(start=span.start, end=span.end, value=span.value)
    for limitless in _LIMITLESS.finditer(text):
        around = text[max(0, limitless.start() - 40) : limitless.end() + 10]
        if not _CONTACT.search(around):
            yield Candidate(start=limitless.start(), end=limitless.end(), value=None)


def _dates(text: str, today: date) -> Iterator[Candidate]:
    taken: list[tuple[int, int]] = []
    for span in sorted(read_dates(text), key=lambda one: (one.start, -one.end)):
        if any(span.start < end and start < span.end for start, end in taken):
            continue
        taken.append((span.start, span.end))
        if _PAST_BEFORE.search(text, max(0, span.start - 60), span.start):
            continue
        days = span.on(today)
        yield Candidate(start=span.start, end=span.end, value=min(days) if len(days) == 1 else None)
    for near in _TOMORROW.finditer(text):
        days_on = timedelta(days=1 if near[2] else 0)
        if not any(near.start() < end and start < near.end() for start, end in taken):
            yield Candidate(start=near.start(), end=near.end(), value=today + days_on)
    for left_open in _DAY_LEFT_OPEN.finditer(text):
        if not any(left_open.start() < end and start < left_open.end() for start, end in taken):
            yield Candidate(start=left_open.start(), end=left_open.end(), value=None)


def _percents(text: str) -> Iterator[Candidate]:
    tokens = tokens_of(text)
    at, is_range = 0, False
    while at < len(tokens):
        number = number_at(tokens, at)
        if number is None:
            at += 1
            continue
        end = tokens[number.after - 1].end
        sign = _PERCENT_SIGN.match(text, end)
        joint = number.after < len(tokens) and tokens[number.after].low in ("to", "-", "–")
        if sign is None and joint and number.after + 1 < len(tokens):
            # In `10 to 20 %` the first number has its sign with the second.
            second = number_at(tokens, number.after + 1)
            sign = _PERCENT_SIGN.match(text, tokens[second.after - 1].end) if second else None
            is_range = sign is not None
            end = tokens[second.after - 1].end if second and sign else end
            number = second if second and sign else number
        if sign is not None:
            yield Candidate(start=tokens[at].start, end=sign.end(), value=None if is_range else number.amount)
            is_range = False
        at = number.after
    for share in _SHARE_OFF.finditer(text):
        if share[1]:
            yield Candidate(start=share.start(), end=share.end(), value=_SHARES[share[1].lower()])


def _numbers(text: str) -> Iterator[Candidate]:
    taken = [(one.start, one.end) for one in read_amounts(text)]
    taken += [(one.start, one.end) for one in read_durations(text)]
    taken += [(one.start, one.end) for one in read_dates(text)]
    tokens = tokens_of(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        value, after = _count_at(tokens, at)
        if value is None:
            at += 1
            continue
        end = tokens[after - 1].end
        is_other = any(token.start < stop and start < end for start, stop in taken)
        is_named = _NUMBERED.search(text, max(0, token.start - 12), token.start)
        if not is_other and not is_named and not _MEASURE.match(text, end):
            yield Candidate(start=token.start, end=end, value=value)
        at = after


def _count_at(tokens: Sequence[Token], at: int) -> tuple[Decimal | None, int]:
    words = [token.low for token in tokens[at : at + 3]]
    if words == ["half", "a", "dozen"]:
        return Decimal(_DOZEN) / 2, at + 3
    if words[:2] in (["a", "dozen"], ["one", "dozen"]):
        return Decimal(_DOZEN), at + 2
    if words[0] in _COUNT_WORDS:
        return _COUNT_WORDS[words[0]], at + 1
    number = number_at(tokens, at)
    return (None, at + 1) if number is None else (number.amount, number.after)


def _choices(fact: FactDeclaration, text: str) -> Iterator[Candidate]:
    tokens = tokens_of(text)
    for value in fact.values:
        for phrase in phrases_of((value,)):
            for first, last in places_of(phrase, tokens):
                yield Candidate(start=tokens[first].start, end=tokens[last].end, value=value)
