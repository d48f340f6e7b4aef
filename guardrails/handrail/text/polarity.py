"""Whether words are affirmed or denied: negations, refusals, limits that a negation leaves standing. Pure."""

import re

_NO_NEGATION = re.compile(
    r"(?i)\bno (?:problem|worries|doubt|matter|rush|hurry|need to (?:worry|hurry|rush))\b|\bnot (?:only"
    r"|just|merely|to worry|a problem)\b"
    r"|\bdo(?:n['’]t| not) (?:worry|hesitate|panic|rush)\b|\bno longer than\b|\b(?:no|not) (?:more|later"
    r"|less|fewer) than\b"
    r"|\bwithout (?:a |any )?(?:doubt|question|problem|hassle|trouble|worry)\b"
    r"|\bnothing to worry about\b|\bwhy not\b"
    r"|\bcan(?:no|['’])t wait\b|\bnever ?mind\b|\bif not\b|\bno questions? asked\b|\bnot? yet sure\b"
)
_NEGATION = re.compile(
    r"(?i)\b(?:not|never|no|none|nothing|nobody|nowhere|neither|nor|cannot|without|hardly|no longer"
    r"|non)\b|n['’]t\b"
    r"|\b(?:cant|wont|dont|doesnt|isnt|arent|wasnt|didnt|couldnt|shouldnt|wouldnt)\b"
)
_REFUSAL = re.compile(
    r"(?i)\b(?:exclud\w*|except(?:ion|ions|ing)?|excepted|refus\w*|den(?:y|ies|ied|ying)|declin\w*"
    r"|reject\w*|prohibit\w*"
    r"|forbid\w*|forbidden|banned|unable|impossible|unavailable|ineligible|void(?:s|ed)?|outside"
    r"|uncovered|rather than"
    r"|instead of|lacks?|fails? to|against (?:our|the) (?:rules|policy)|ruled out|too late|other than"
    r"|apart from|beyond"
    r"|unfortunately no)\b"
)
_LIMIT = re.compile(
    r"(?i)\b(?:after|beyond|past|more than|longer than|later than|less than|fewer than|over|above"
    r"|exceed\w*|until after"
    r"|no longer than|but|only|except|older than|once|up to and including|other than|any later|unless"
    r"|before)\b"
)
_PRESUPPOSING = re.compile(
    r"(?i)\b(?:waive|remove|lower|reduce|drop|extend|shorten|alter|take off|lift|avoid|skip|bend"
    r"|make an exception)\w*\b"
)


def negations(words: str) -> int:
    """Count what denies in some words: `won't refuse` counts two. `No problem` denies nothing."""
    bare = _NO_NEGATION.sub(" ", words)
    return len(_negators(bare)) + len(_REFUSAL.findall(bare))


def denies_value(before: str) -> bool:
    """Tell whether the words before a value in its clause deny the value itself.

    `not 60 days` and `we don't offer a period of 60 days` do. `Not after 60 days` names a limit, and `we
    cannot waive the fee of $15` supposes that there is one.
    """
    bare = _NO_NEGATION.sub(" ", before)
    found = _negators(bare)
    if len(found) % 2 == 0:
        return False
    after = bare[found[-1].end() :]
    return not _LIMIT.search(after) and not _PRESUPPOSING.search(after)


def _negators(words: str) -> list[re.Match[str]]:
    """Return the negations; `neither … nor` is one."""
    found = list(_NEGATION.finditer(words))
    has_neither = any(one.group().casefold() == "neither" for one in found)
    return [one for one in found if not (has_neither and one.group().casefold() == "nor")]
