"""Words that people hear and no signal does: those of messages that they pass on to the signal's role."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from handrail.guard.opening import scanner_of
from handrail.policy import Policy
from handrail.policy.language.ir import Holds, Truth, atoms
from handrail.policy.language.sources import SignalSeen
from handrail.records import Speaker
from handrail.review.changes.patched_lists import word_added
from handrail.review.changes.patches import NotPatchable
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.figures.measure import share
from handrail.review.log.cases import ReviewCase
from handrail.review.log.review_log import ReviewLog
from handrail.review.proposals.text_search import JudgedText, Suspect, proved, weeks_of, without_text
from handrail.scan import Scanner
from handrail.scan.wordlists import lexicon, signs
from handrail.signals.listening import NAMES, WITHOUT_BLANKS, Listening, OwnWords
from handrail.signals.wordlists import plain

KIND = "word"
LONGEST_PHRASE, SHORTEST_WORD, LONGEST_GRAM = 3, 2, 4
_LONG_ENDING = 4
_MASKED = re.compile(r"\[[^\[\]\n]{1,80}\]|<[A-Z][A-Z_]*_\d+>|\S*[\d@_/\\]\S*")
"""Labels and pseudonyms of what was masked, and whatever holds a digit or is an address."""


def proposed_words(log: ReviewLog, cases: Sequence[ReviewCase], now: PolicyInForce) -> Iterator[Proposal]:
    """Yield a word for each signal that people hear in texts in which the policy does not.

    That a person heard it is on record where a ticket that came for another reason was decided in a role that
    the policy gives the signal to, or where the reason code that they gave is the signal's name.

    Args:
        log: the decisions, with who decided them.
        cases: tickets of the same weeks, their texts masked.
        now: the policy in force.
    """
    scanner = scanner_of(now.policy)
    told: set[str] = set()
    for signal in _signals(now.policy):
        texts = list(_judged(log, cases, now.policy, signal))
        found = sorted(proved(texts), key=lambda one: (one[1] - len(one[0].tickets), -len(one[0].tickets)))
        for suspect, count in found:
            if set(suspect.tickets) <= told or not _may_be_shown(suspect.feature, scanner):
                continue
            told |= set(suspect.tickets)
            grounds = _grounds(signal, suspect, count, weeks_of(texts))
            try:
                patch = now.tried(word_added(now.text, signal.name, suspect.feature))
            except NotPatchable as error:
                yield now.by_hand(grounds, str(error))
                continue
            yield replace(now.change(grounds, patch), replay=_replay(suspect, log, cases))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    """A signal or topic, with the rules that read it and the roles to which they hand off.

    `roles` are those of them whose tickets speak for it, none where another signal stands before it.
    """

    name: str
    rules: frozenset[str]
    to: frozenset[str]
    roles: frozenset[str]


def _signals(policy: Policy) -> list[_Signal]:
    """Return what the policy hands off, in its order; a role that several lead to stands for the first."""
    rules: dict[str, dict[str, str]] = {}
    for rule in policy.hand_offs:
        if rule.role and not rule.is_shadow:
            for atom in atoms(rule.when.formula):
                for name in _named(policy, atom):
                    rules.setdefault(name, {})[rule.id] = rule.role
    found, taken = list[_Signal](), set[str]()
    for name, by_rule in rules.items():
        roles = frozenset(by_rule.values()) - taken
        taken |= roles
        to = frozenset(by_rule.values())
        found.append(_Signal(name=name, rules=frozenset(by_rule), to=to, roles=roles))
    return found


def _named(policy: Policy, atom: object) -> Iterator[str]:
    if isinstance(atom, Truth) and atom.fact in policy.facts:
        source = policy.facts[atom.fact].source
        if isinstance(source, SignalSeen):
            yield str(source.kind)
    elif isinstance(atom, Holds) and atom.item in NAMES and atom.item != "financial":
        # `financial` is a category, too: a card that was found is no topic.
        yield atom.item


def _judged(
    log: ReviewLog, cases: Sequence[ReviewCase], policy: Policy, signal: _Signal
) -> Iterator[JudgedText[str]]:
    places = {ticket: place for place, ticket in enumerate(log.ticket) if ticket}
    own: Mapping[str, OwnWords] = {
        name: OwnWords(words=one["words"]) for name, one in policy.signals.items() if name == signal.name
    }
    listening = Listening(own=own)
    for case in cases:
        place, text = places.get(case.id), said(case)
        if place is None or not case.is_decided or not text or signal.rules & set(case.rules):
            continue
        opened, decided = log.role[place], log.decided_by[place]
        if opened in signal.roles or any(listening.own_words(plain(text))):
            continue
        by_clock = len(log.is_escalated) > place and bool(log.is_escalated[place])
        is_hit = (decided in signal.roles and not by_clock) or _code(case) == signal.name
        yield JudgedText(
            ticket=case.id,
            week=int(log.week[place]),
            subject=log.customer[place],
            hits=dict.fromkeys(phrases(text), is_hit),
        )


def _code(case: ReviewCase) -> str:
    return case.reason.split(" · ", 1)[0]


def said(case: ReviewCase) -> str:
    """Return what the person wrote since the assistant last did, masked; pure."""
    found: list[str] = []
    for speaker, text in reversed(case.lines):
        if speaker == str(Speaker.USER):
            found.append(text)
        elif found and speaker == str(Speaker.ASSISTANT):
            break
    return "\n".join(reversed(found))


def phrases(text: str) -> frozenset[str]:
    """Return the phrases of one to three words that a masked text holds, in any script; pure.

    No phrase goes over a mark, a number or what was masked. Of scripts without blanks between words it is
    runs of two to four letters.
    """
    found: set[str] = set()
    for run in _runs(plain(_MASKED.sub(" . ", text))):
        for start in range(len(run)):
            for end in range(start + 1, min(len(run), start + LONGEST_PHRASE) + 1):
                found.add(" ".join(run[start:end]))
        for word in filter(WITHOUT_BLANKS.search, run):
            found |= {
                word[at : at + size]
                for size in range(SHORTEST_WORD, LONGEST_GRAM + 1)
                for at in range(len(word) - size + 1)
            }
    return frozenset(each for each in found if len(each) >= SHORTEST_WORD)


def _runs(text: str) -> Iterator[list[str]]:
    """Yield words that stand beside one another with nothing but blanks between them."""
    marked = "".join(
        char if _is_letter(char) else " " if char.isspace() and char != "\n" else "\n" for char in text
    )
    for line in marked.split("\n"):
        words = [word for part in line.split() if (word := part.strip("'-"))]
        if words:
            yield words


def _is_letter(char: str) -> bool:
    return char in "'-" or unicodedata.category(char)[0] in "LM"


def _may_be_shown(phrase: str, scanner: Scanner) -> bool:
    """Tell whether a phrase is none that a scanner would mask, as a name is."""
    if any(map(_is_surname, phrase.split())):
        return False
    return not any(scanner.scan(form) for form in (phrase, phrase.title()))


def _is_surname(word: str) -> bool:
    """Tell whether a word is built as surnames are; by itself it is none that a scanner knows."""
    parts = (part for part in word.split("-") if part not in lexicon("ordinary"))
    return any(part.endswith(_surname_endings()) for part in parts)


@cache
def _surname_endings() -> tuple[str, ...]:
    # Shorter ones also end many words that are none: `-son`, `-ich`.
    found = (ending for ending in signs("surname_endings") if ending not in signs("shared_endings"))
    return tuple(plain(ending) for ending in found if len(ending.encode()) >= _LONG_ENDING)


def _grounds(signal: _Signal, suspect: Suspect[str], count: int, weeks: int) -> Grounds:
    found = share(len(suspect.tickets), count)
    role = " or ".join(sorted(signal.to))
    low, high = (bound * count / weeks for bound in (found.low, found.high))
    return Grounds(
        kind=KIND,
        title=f"Hear {signal.name} in “{suspect.feature}”",
        why=(
            f"Of the customers who wrote it, people passed {found} on to {role}, and no signal had told them "
            f"to. {suspect.bet.hits} of {suspect.bet.cases} came in weeks after it was first suspected."
        ),
        effect=(
            f"{low:.1f} to {high:.1f} customers a week would come to {role} at once. How many answers that "
            "go out now would stop is not known: their texts are not kept."
        ),
        tickets=tuple(suspect.tickets),
    )


def _replay(suspect: Suspect[str], log: ReviewLog, cases: Sequence[ReviewCase]) -> str:
    texts = [case for case in cases if said(case)]
    heard = sum(suspect.feature in phrases(said(case)) for case in texts)
    return f"It is heard in {heard} of {len(texts)} past texts{without_text(log, texts)}."
