"""Finds people's names by rules: known given names, forms of surnames, titles and what stands around."""

import itertools
import re
from functools import cached_property
from typing import TYPE_CHECKING

from handrail.scan.expressions import compiled, encode
from handrail.scan.rule import NAME_WINDOW, Candidate, Rule
from handrail.scan.wordlists import lexicon, sign_set, signs
from handrail.text.edges import is_apart

if TYPE_CHECKING:
    import re2

_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"
_WORD = re.compile(rf"[{_LATIN}](?:['’-]*[{_LATIN}])*|[^\W\d_{_LATIN}](?:['’-]*[^\W\d_{_LATIN}])*")
_CAPITAL, _LETTER = r"[A-Z\xc0-\xde\xff]", r"[A-Za-z\xc0-\xff]"

_COMPOUND = re.compile(r"[a-z\xdf-\xff][A-Z]")
_COMPOUND_NAMES = ("Mc", "Mac", "De", "Di", "Du", "La", "Le", "Fitz", "Van", "Von", "Da", "Del", "San", "O'")

_HOUSE_NUMBER = re.compile(r"\d{2}[ ]\Z")
_OF_A_FIRM = re.compile(
    r"[ ](?:and|&)[ ](?:Sons|Co|Partners|Associates|Brothers)\b"
    r"|(?:(?:,|[ ]and)[ ][A-Z][\w'-]+){0,2}[ ](?:LLP|LLC|Inc|Ltd|GmbH|AG|Group|Holdings|Orchestra|Bank)\b"
)
_SHOP = re.compile(
    r"[ ](?:Bakery|Bar|Caf[e\xe9]|Coffee|Deli|Diner|Garage|Grill|Kitchen|Market|Pizza|Pub|Restaurant|Salon"
    r"|Shop|Store)\b"
)
_PARTNER_BEFORE, _PARTNER_BEHIND = re.compile(r"([A-Z][\w'-]+)[ ]&[ ]$"), re.compile(r"[ ]&[ ]([A-Z][\w'-]+)")
_LISTED_BEFORE = re.compile(r"(?:\b[A-Z][\w'-]+,[ ])+(?:[A-Z][\w'-]+,?[ ])?(?:(?:and|&)[ ])?$")
_LISTED_BEHIND = re.compile(r"(?:,[ ][A-Z][\w'-]+){1,3}(?:,?[ ](?:and|&)[ ][A-Z][\w'-]+)?")

CODE_WINDOW = 48
"""How many characters before a name tell whether it is a name in code."""

_DECLARES = re.compile(
    r"(?:^|[\s;{(])(?:const|struct|enum|impl|typedef|namespace|extends|implements|fn|func|def|trait|interface)"
    r"[ ]\w*$"
    r"|\bimpl[ ][\w:<>]+[ ]for[ ]$|\bfrom[ ][\w.]+[ ]import[ ][\w, ]*$"
)
_MAKES = re.compile(
    r"(?:^|[\s;{(])(?:new|class|import|type|final|public|private|protected|static|val|var|let|package|module|using|const|enum"
    r"|struct|return|from)\b[^.!?]*$"
)
_CODE_AFTER = re.compile(
    r"[ ]?(?:[=;{(<}\[]|::|:[ ](?:public|private|protected)\b|\.[a-z]|,[^;{}]*\}|[ ]*from[ ]['\"]"
    r"|[ ][a-z]\w*[ ]?[=;(,)]|[ ](?:extends|implements|struct|interface)\b)"
)

UNKNOWN = 0.52
"""Score of a word that nothing but what follows it makes a name."""

_SENTENCE_ENDS = frozenset('.!?:;>"“(\n')


def _is_filler(word: str) -> bool:
    return word in sign_set("particles") or word in lexicon("ordinary")


class NameRule(Rule):
    """Judges runs of capitalised words."""

    @cached_property
    def expression(self) -> "re2._Regexp":
        """The pattern for the standard library's engine.

        It is linear there too, having nothing to fall back from, and quicker at the many short matches of
        prose.
        """
        return re.compile(self.pattern.encode("latin-1"))

    @cached_property
    def gate_pattern(self) -> str:
        """Where a name can be at all: all that `judge` accepts has one of these forms."""
        initials: dict[str, list[str]] = {}
        for name in lexicon("given"):
            initials.setdefault(name[0].upper(), []).append(re.escape(name[1:]))
        given = "|".join(f"{first}(?i:{'|'.join(sorted(rest))})" for first, rest in sorted(initials.items()))
        given = encode(given).decode("latin-1")
        titles = "|".join(title for title in signs("titles") if title.isascii())
        endings = "|".join(sorted({encode(ending).decode("latin-1") for ending in signs("surname_endings")}))
        return "|".join(
            (
                rf"{_CAPITAL}(?:{_LETTER}+|\.)?[ ](?:[a-z]{{2,5}}[ ]){{0,2}}{_CAPITAL}[A-Za-z\xc0-\xff.]",
                rf"[^.!?;>\x22( \n*-][ \n*>-]{{1,6}}{_CAPITAL}{_LETTER}",
                rf"\b(?:{given})\b",
                rf"{_CAPITAL}{_LETTER}+(?:{endings})(?:'s|[ ](?:{'|'.join(signs('cues_after'))})\b)",
                rf"\b(?i:{titles})\.?[ ]{_CAPITAL}{_LETTER}",
                rf"{_CAPITAL}{_LETTER}+[ ](?:{'|'.join(signs('deeds'))})\b",
            )
        )

    @cached_property
    def _form(self) -> "re2._Regexp":
        return compiled(self.gate_pattern, self.spec)

    @cached_property
    def skipped(self) -> frozenset[bytes]:  # type: ignore[override]
        """Ordinary words as they begin a sentence."""
        words = lexicon("ordinary") - lexicon("given")
        return frozenset(word.capitalize().encode("latin-1", "replace") for word in words)

    @cached_property
    def _lists(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        return lexicon("given"), lexicon("ordinary"), lexicon("places")

    def prepare(self) -> None:
        """Compile now what would be compiled at the first match."""
        super().prepare()
        _ = (self._form, self.skipped, self._lists)

    def judge(
        self, text: str, data: bytes, start: int, end: int, *, near: bool = True, contrary: bool = True
    ) -> Candidate | None:
        """Return the part of a run that is a name, or None."""
        given, ordinary, _ = self._lists
        words = _words(text, start, end)
        if not words or not is_apart(text, words[0][0], words[-1][1]):
            return None
        if _is_code(text, words[0][0], words[-1][1], end):
            return None
        run = start
        has_title = text[max(0, start - 6) : start].rstrip(". ").rpartition(" ")[2].lower() in sign_set(
            "titles"
        )
        while words:
            low = text[words[0][0] : words[0][1]].lower()
            if low in sign_set("titles"):
                has_title = True
            elif has_title or low not in ordinary or (low in given and len(words) == 2):
                break
            words.pop(0)
            run = -1
        words = _without_fillers(text, words, given)
        if not words or len(words) > 5:
            return None
        written = [text[a:b] for a, b in words]
        score = self._score(text, words, written, has_title=has_title)
        if score <= 0 or (run < 0 and score < UNKNOWN + 0.01):
            return None
        if self._form.search(data, max(0, start - NAME_WINDOW), min(len(data), end + NAME_WINDOW)) is None:
            # A text of its own would not have been looked at: streams must judge alike.
            return None
        first, last = words[0][0], words[-1][1]
        if text[last - 2 : last] == "'s":
            last -= 2
        return Candidate(first, last, score, self.spec)

    def _score(
        self, text: str, words: list[tuple[int, int]], written: list[str], *, has_title: bool
    ) -> float:
        given, _, places = self._lists
        lower = [word.lower().removesuffix("'s") for word in written]
        if any(_is_no_name(word) for word in written) or _is_common(lower):
            return 0.0
        if any(word in sign_set("not_people") for word in lower) or (
            len(written[0]) < 2 and len(written) == 1
        ):
            return 0.0
        if has_title:
            return 0.85
        known = lower[0] in given
        are_places = [word in places for word in lower]
        if any(are_places) and not (known and len(lower) > 1 and not all(are_places)):
            return 0.0
        before = text[max(0, words[0][0] - NAME_WINDOW) : words[0][0]]
        after = text[words[-1][1] : words[-1][1] + NAME_WINDOW]
        cue = _is_cue(before)
        if all(word.isupper() and len(word) > 1 for word in written) and not (
            known and (cue or len(lower) > 1)
        ):
            return 0.0
        if _HOUSE_NUMBER.search(before):
            return 0.0
        if self._is_a_firm(lower, before, after, owns=written[-1].endswith("'s")):
            return 0.0
        if len(lower) == 3 and len(lower[1]) == 1:
            return 0.7
        if len(lower) > 1:
            return self._full_name(lower, known=known, cue=cue)
        return self._single(lower[0], before, after, known=known, cue=cue)

    def _is_a_firm(self, lower: list[str], before: str, after: str, *, owns: bool) -> bool:
        """Tell whether the names are those of a company: `Ernst & Young`, `Hall, Reyes and Cole LLP`."""
        given, _, _ = self._lists
        if _OF_A_FIRM.match(after) or " ".join(lower) in sign_set("firms"):
            return True
        if owns and _SHOP.match(after):
            return True
        partners = (_PARTNER_BEFORE.search(before), _PARTNER_BEHIND.match(after))
        return any(partner is not None and partner.group(1).lower() not in given for partner in partners)

    def _is_listed(self, before: str, after: str) -> bool:
        """Tell whether a word stands in a list that has a known given name."""
        given, _, _ = self._lists
        parts = (_LISTED_BEFORE.search(before), _LISTED_BEHIND.match(after))
        if parts[0] is not None and _is_cue(before[: parts[0].start()]):
            return True
        words = " ".join(part.group() for part in parts if part is not None)
        return any(word.strip(",").lower() in given for word in words.split())

    def _full_name(self, lower: list[str], *, known: bool, cue: bool) -> float:
        given, _, _ = self._lists
        if known:
            return 0.8
        if cue or any(word in given for word in lower[1:]):
            return 0.65
        return 0.6 if lower[-1].endswith(signs("surname_endings")) else 0.0

    def _single(self, word: str, before: str, after: str, *, known: bool, cue: bool) -> float:
        place = _last_word(before) in sign_set("places_before")
        if known:
            return 0.65 if cue or not place else 0.5
        if place:
            return 0.0
        if cue and not after.lstrip().startswith(":"):
            return 0.55
        if _next_word(after) in sign_set("deeds") or self._is_listed(before, after):
            return 0.55
        starts = not before.rstrip(" *-") or before.rstrip(" *-")[-1] in _SENTENCE_ENDS
        follows = after.startswith("'s") or _next_word(after) in sign_set("cues_after")
        if _has_own_ending(word):
            return 0.55 if follows or not starts else 0.0
        return UNKNOWN if follows and not starts else 0.0


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the words of a match as far as a possessive and of one script, Latin ones first."""
    found = [(m.start() + start, m.end() + start) for m in _WORD.finditer(text[start:end])]
    owner = next((i for i, (_, last) in enumerate(found[:-1]) if text[last - 2 : last] == "'s"), None)
    if owner is not None:
        found = found[: owner + 1]
    seams = [i for i in range(1, len(found)) if found[i - 1][1] == found[i][0]]
    if not seams:
        return found
    edges = [0, *seams, len(found)]
    parts = [found[a:b] for a, b in itertools.pairwise(edges)]
    return next((part for part in parts if text[part[0][0]] < "\u0250"), parts[0])


def _without_fillers(text: str, words: list[tuple[int, int]], given: frozenset[str]) -> list[tuple[int, int]]:
    """Leave out ordinary words behind a name; none are left where they make it a place or a company."""
    while words and _is_filler(low := text[words[-1][0] : words[-1][1]].lower()):
        if len(words) == 2 and _is_surname_after(text, words, given):
            break
        if low in sign_set("not_people"):
            return []
        words = words[:-1]
    return words


def _is_code(text: str, start: int, last: int, end: int) -> bool:
    """Tell whether a capitalised word is a handle or a path, or declared, imported or made in code."""
    if start and text[start - 1] in "@/#&":
        return True
    line = text[max(0, start - CODE_WINDOW) : start].rpartition("\n")[2]
    if _DECLARES.search(line):
        return True
    return bool(_MAKES.search(line) and _CODE_AFTER.match(text[last : end + NAME_WINDOW]))


def _is_no_name(word: str) -> bool:
    """Tell whether a word is a contraction (`I'm`), an abbreviation in the plural (`ATMs`) or a compound
    (`PostgreSQL`).
    """
    if _COMPOUND.search(word) and not word.startswith(_COMPOUND_NAMES):
        return True
    stem, apostrophe, tail = word.partition("'")
    if apostrophe and tail.lower() in ("m", "d", "ve", "ll", "re", "t") and len(stem) > 1 - len(tail):
        return len(stem) < 2 or tail.lower() != "d" or stem.lower() in lexicon("ordinary")
    return len(word) > 2 and word[:2].isupper() and word[-1].islower() and word[2:3] != "'"


def _is_surname_after(text: str, words: list[tuple[int, int]], given: frozenset[str]) -> bool:
    """Tell whether a given name and an ordinary word that is a surname too stand together: `Ivan King`."""
    (a, b), (c, d) = words
    return text[a:b].lower() in given and text[c:d].lower() in sign_set("ordinary_surnames")


def _next_word(after: str) -> str:
    return after[1:].partition(" ")[0].lower()


def _last_word(before: str) -> str:
    return before.rstrip().rpartition(" ")[2].rpartition("\n")[2].lower()


def _is_cue(before: str) -> bool:
    """Tell whether what stands before leads up to a name."""
    low = before.rstrip(" \n,").lower()
    last = low.rpartition(" ")[2].rpartition("\n")[2]
    cues = sign_set("cues_before")
    return last in cues or last.rstrip(":") in cues or low.rstrip(":").endswith(signs("cue_phrases"))


def _is_common(lower: list[str]) -> bool:
    return len(lower) == 1 and lower[0] in lexicon("ordinary") and lower[0] not in lexicon("given")


def _has_own_ending(word: str) -> bool:
    """Tell whether a word ends as surnames do and other words do not."""
    return (
        len(word) > 4
        and word.endswith(signs("surname_endings"))
        and not word.endswith(signs("shared_endings"))
    )
