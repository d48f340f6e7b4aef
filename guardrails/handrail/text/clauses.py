"""A text cut into sentences and clauses: what is asserted, what is asked, quoted or only reported. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_QUOTE = re.compile(r'"[^"\n]{1,400}"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]')
_ATTRIBUTED = re.compile(
    r"(?i)\b(?:you|he|she|they|someone|somebody|customers?|friend|colleague|neighbou?r|website|message"
    r"|e-?mail)\b"
    r"[^.!?\n]{0,40}\b(?:said|say|wrote|write|mention(?:ed)?|ask(?:ed)?|read|heard|thought|told|saw|quoted?"
    r"|claim(?:ed)?|stated?|put it)\b[^.!?\n]{0,30}$"
)
_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*|[。！？])(?=\s|$)|\n+")
_ABBREVIATION = re.compile(
    r"(?i)(?:\b(?:mr|mrs|ms|dr|no|nr|approx|e\.g|i\.e|etc|incl|excl|vs|st|jan|feb|mar|apr|jun|jul|aug|sept?"
    r"|oct|nov|dec|max|min)|\b[a-z])\.$"
)
_CLAUSE_EDGE = re.compile(
    r"(?i)\s*(?:[;:](?=\s)|,(?!\d)(?!\s*but also\b)|\s[–—-]\s|—|\((?=\D)|\)|(?<=\w)\s+(?=but\b(?!\s+also\b))"
    r"|\s+(?=(?:while|whereas|although|though|because|unless|except that|so that)\b)"
    r"|\s+(?=and\s+(?:the|our|your|a|an|it|they|we|you|i|he|she|for|someone|somebody|my|this|that)\b)"
    r"|\s+(?=and\s+(?:\d|one\b|two\b|three\b|four\b|five\b|six\b|seven\b|ten\b|fourteen\b|thirty\b"
    r"|sixty\b)))\s*"
)
_TOLD_AS_QUESTION = re.compile(
    r"(?i)^\W*(?:did|do) you know\b|^\W*(?:are|were) you aware\b|^\W*(?:is|was)n['’]t it\b"
)
_REPORTED = re.compile(
    r"(?i)^\W*(?:(?:and|but|so|as|since|because|if|when|although|though)\s+)?(?:you(?:['’]ve| have| had"
    r"| were|['’]d)?|the customer)\s+"
    r"(?:just |also |already |may have |might have )?(?:ask(?:ed)?|mention(?:ed)?|said|say|wrote|read"
    r"|heard|thought"
    r"|think|believed?|told|wanted|want|request(?:ed)?|expect(?:ed)?|hoped?|suggest(?:ed)?|quoted?|saw"
    r"|claim(?:ed)?"
    r"|refer(?:red)?|assumed?|wonder(?:ed)?|would like|were told|were hoping)\b"
)
_OPEN = re.compile(
    r"(?i)\b(?:whether|not sure if|know if|see if|check if|ask if|find out if|tell me if|let (?:you|me"
    r"|us) know if"
    r"|unsure if|wonder(?:ing)? if)\b"
)
_TOPIC_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A stretch of a text; `start` and `end` (exclusive) count characters.

    `sentence` numbers the sentences. `is_asserted` is False in what is asked, reported or left open: `you
    asked about …`, `whether …`. `is_topic`: a few words with a question mark that only name what comes next.
    """

    start: int
    end: int
    sentence: int
    is_asserted: bool = True
    is_topic: bool = False


def without_quotes(text: str) -> str:
    """Blank out what the text quotes from somebody, in place; a quote of the speaker's own rules stays."""
    parts = list(text)
    for quote in _QUOTE.finditer(text):
        if _ATTRIBUTED.search(text, max(0, quote.start() - 120), quote.start()):
            parts[quote.start() : quote.end()] = " " * (quote.end() - quote.start())
    return "".join(parts)


def clauses_of(text: str, *, whole: Iterable[tuple[int, int]] = ()) -> tuple[Clause, ...]:
    """Cut a text into clauses, in order.

    Args:
        text: the text; see `without_quotes`.
        whole: spans that no edge of a clause may cut: values such as `30 and 60 days`.
    """
    kept = tuple(whole)
    found: list[Clause] = []
    for number, (start, end) in enumerate(_sentences(text, kept)):
        found += _clauses(text, start, end, number, kept)
    return tuple(found)


def _sentences(text: str, whole: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    start = 0
    for edge in _SENTENCE_END.finditer(text):
        is_short = edge.group() == "." and _ABBREVIATION.search(text, max(0, edge.start() - 8), edge.end())
        followed = text[edge.end() :].lstrip()[:1]
        if (is_short and not followed.isupper()) or _is_inside(edge.start(), whole):
            continue
        if text[start : edge.end()].strip():
            yield start, edge.end()
        start = edge.end()
    if text[start:].strip():
        yield start, len(text)


def _clauses(
    text: str, start: int, end: int, number: int, whole: tuple[tuple[int, int], ...]
) -> Iterator[Clause]:
    sentence = text[start:end]
    is_question = sentence.rstrip(" \"'”’)").endswith("?") and not _TOLD_AS_QUESTION.search(sentence)
    is_topic = is_question and len(sentence.split()) <= _TOPIC_WORDS
    at = start
    edges = [edge for edge in _CLAUSE_EDGE.finditer(text, start, end) if not _is_inside(edge.start(), whole)]
    is_reported = False
    for cut, following in [*((edge.start(), edge.end()) for edge in edges), (end, end)]:
        clause = text[at:cut]
        if clause.strip(" ,;:.!?"):
            opened = _OPEN.search(clause)
            is_reported = bool(_REPORTED.search(clause))
            said = at + opened.start() if opened else cut
            is_asserted = not is_question and not is_reported
            if said > at:
                yield Clause(start=at, end=said, sentence=number, is_asserted=is_asserted, is_topic=is_topic)
            if opened:
                yield Clause(start=said, end=cut, sentence=number, is_asserted=False)
        at = following


def _is_inside(at: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= at < end for start, end in spans)
