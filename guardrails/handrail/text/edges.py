"""Where a value ends: what may stand beside it without making it part of something longer. Pure.

A value ends where its own alphabet ends. Blanks, punctuation, markup, quotes, number signs and letters of
another script never belong to it. What is left to decide depends on the kind of value:

- `word`: an identifier of letters and digits; a letter or digit of its own script touches it, nothing else.
- `digits`: digits with groups; also a decimal point, and a separator of its own kind that leads to another
  digit.
- `number`: digits without a check of their own; also a sign of quantity and any separator that leads to
  another digit.
- `token`: a key; letters and digits, and marks of emphasis that stand on both sides are not its own.
- `atom`: a mail address or host; its local part ends where the script changes, and after a written-out
  escape.
- `link`: a web address; marks, quotes and full stops at its end belong to the sentence.
- `assigned`: what is given to a name such as `password`; an expression that is looked up or called is no
  value.
- `none`: anything may touch it.

A name glued to its value (`visa4111…`, `ssn536-…`, `IBANDE89…`) is no part of it: letters that end in one
of the value's own names do not touch it, and behind such a value letters do not either.

Words of a language (`is_apart`) differ from identifiers in one point: an underscore that leads on makes
them a part of a name in code, and so does a dot or a bracket that reads as one.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeAlias

Edge: TypeAlias = Literal["word", "digits", "number", "token", "atom", "link", "assigned", "none"]
"""The kind of a value; see the module."""

EDGES: tuple[Edge, ...] = ("word", "digits", "number", "token", "atom", "link", "assigned", "none")

REACH = 8
"""How many characters behind a value may decide whether it ends there."""

_QUANTITY_BEFORE = "$\u20ac\u00a3\u00a5"
_QUANTITY = _QUANTITY_BEFORE + "%#+"
_EMPHASIS = "*_~=|^"
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbfv0])|%[0-9A-Fa-f]{2}")
_COLOUR = re.compile(r"(?:\x1b|\\(?:033|e|x1[bB]|u001[bB]))\[[0-9;]{0,12}[A-Za-z]")
_LONGEST_NAME = 24
_AFTER_NAME = " .:=#\t\"'"
_LETTERS = re.compile(r"[A-Za-z]+")
_UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"})
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})


@cache
def script(character: str) -> str:
    """Return the script of a letter by its Unicode name (`LATIN`, `CYRILLIC`); empty for what is no
    letter.
    """
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "").partition(" ")[0]
    return "CJK" if name in _EAST_ASIAN else name


def _touches(neighbour: str, own: str) -> bool:
    """Tell whether a neighbour makes the letter beside it part of a longer word: one of the same script, or
    a digit.
    """
    if not neighbour.isalnum():
        return False
    if neighbour.isascii() and own.isascii():
        return True
    theirs, ours = script(neighbour), script(own)
    if theirs in _UNSPACED or ours in _UNSPACED:
        return False
    return (theirs or ours or "LATIN") == (ours or "LATIN")


def _joins(neighbour: str, own: str) -> bool:
    """Tell whether a neighbour makes the character of an identifier beside it part of something longer."""
    if own.isascii():
        return neighbour.isascii() and neighbour.isalnum()
    return _touches(neighbour, own)


def is_apart(text: str, start: int, end: int) -> bool:
    """Tell whether a word of a language stands by itself, not inside a longer word nor inside a name of
    code; pure.
    """
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if _touches(before, text[start]) or _touches(after, text[end - 1]):
        return False
    if before == "_" and (start > 1 and text[start - 2].isalnum()):
        return False
    if after == "_" and text[end + 1 : end + 2].isalnum():
        return False
    return not _is_code(text, start, end, before, after)


def _is_code(text: str, start: int, end: int, before: str, after: str) -> bool:
    """Tell whether a word is looked up, called or qualified, as names in code are."""
    if after == "(":
        return text[end : end + 3] != "(s)"
    if after == ":" and text.startswith("::", end):
        return True
    if before == "." and start > 1 and (text[start - 2].isalnum() or text[start - 2] in ")]"):
        return True
    return before in ":>" and start > 1 and text[start - 2 : start] in ("::", "->")


def is_named(text: str, start: int, end: int, names: tuple[str, ...]) -> bool:
    """Tell whether one of a value's names stands directly before it, or is glued to its end; pure.

    Args:
        text: any text.
        start: where the value begins.
        end: where it ends.
        names: in lower case without blanks; a short one counts where a word begins with it (`mySSN536…`).
    """
    run = text[max(0, start - _LONGEST_NAME) : start].rstrip(_AFTER_NAME)
    low = run.lower()
    for name in names if low.endswith(names) else ():
        if low.endswith(name):
            at = len(run) - len(name)
            if (
                len(name) > 3
                or at == 0
                or not run[at - 1].isalnum()
                or run[at].isupper() > run[at - 1].isupper()
            ):
                return True
    return text[end : end + 1].isalpha() and text[end : end + REACH].lower().startswith(names)


def _is_freed(text: str, start: int, end: int, names: tuple[str, ...], *, is_led: bool) -> bool:
    """Tell whether the letters that touch a value are its name, or stand behind a value that has one."""
    before = text[start - 1] if start else " "
    if (
        _joins(before, text[start])
        and not is_led
        and not (before.isalpha() and is_named(text, start, end, names))
    ):
        return False
    after = _LETTERS.match(text, end)
    if after is None or not text[end - 1].isdigit():
        return not _joins(text[end : end + 1] or " ", text[end - 1])
    return (is_named(text, start, end, names) or (is_led and before.isalpha())) and not (
        after.end() == end + 1 and text[after.end() : after.end() + 1].isdigit()
    )


def is_whole(
    text: str, start: int, end: int, edge: Edge, *, names: tuple[str, ...] = (), is_led: bool = False
) -> bool:
    """Tell whether nothing touches a span that would make it part of something longer; pure.

    Args:
        text: any text.
        start: where the span begins.
        end: where it ends.
        edge: the kind of the value.
        names: what the value is called, see `is_named`.
        is_led: what stands before the span was recognised as leading up to it.
    """
    if edge == "none":
        return True
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if edge == "assigned":
        return not _is_expression(text, start, end, before, after)
    is_touched = _joins(before, text[start]) or _joins(after, text[end - 1])
    if is_touched and not _is_freed(text, start, end, names, is_led=is_led):
        return False
    if edge == "digits":
        return not (
            (before in _QUANTITY_BEFORE and after != before)
            or _leads_on(text, start - 1, -1, text[start:end].replace(",", ""))
            or _leads_on(text, end, 1, text[start:end].replace(",", ""))
            or _is_listed(text, start, end)
        )
    if edge == "number":
        marks = "-/:_," if text[start:end].isdigit() else "-/:_"
        return not (
            (before in _QUANTITY and not (before == "#" and start > 1 and text[start - 2].isalpha()))
            or after in _QUANTITY_BEFORE + "%"
            or (text[start] != "(" and _leads_on(text, start - 1, -1, marks))
            or _leads_on(text, end, 1, marks.replace(":", ""))
        )
    return not (
        edge == "word" and before == "." and text[start].isdigit() and _leads_on(text, start - 1, -1, "")
    )


_LISTING = re.compile(r"(?<=\d)[ ]?[,;|\t\n][ \t\n]?(?=\d)")


def _is_listed(text: str, start: int, end: int) -> bool:
    """Tell whether groups parted as in a list go on in that list: `1757, 1807, 6158, 8204, 8205`."""
    found = _LISTING.search(text, start, end)
    if found is None:
        return False
    separator, size = found.group(), found.start() - start
    before = text[max(0, start - len(separator) - size) : start]
    after = text[end : end + len(separator) + size]
    return (before.endswith(separator) and before[:size].isdigit() and len(before) > size) or (
        after.startswith(separator)
        and after[len(separator) :].isdigit()
        and len(after) == len(separator) + size
    )


def _leads_on(text: str, at: int, step: int, marks: str) -> bool:
    """Tell whether a separator beside a value continues it: a decimal point before a digit, or one of the
    marks.
    """
    if not (0 <= at < len(text) and 0 <= at + step < len(text) and text[at + step].isdigit()):
        return False
    if step < 0 and text[max(0, at - 4) : at].rstrip("0123456789")[-1:].isalpha():
        return False
    return text[at] == "." or (text[at] in "-/,:_" and text[at] in marks)


def extent(text: str, start: int, end: int, edge: Edge) -> tuple[int, int]:
    """Return the part of a match that is the value itself; start equals end where none is left. Pure."""
    if edge in ("none", "link", "assigned"):
        return (start, end) if edge == "none" else _LAST[edge](text, start, end)
    start = after_escape(text, start)
    if edge == "atom":
        return _atom(text, start, end)
    if edge == "token":
        return start, _without_emphasis(text, start, end)
    return start, end


def _without_emphasis(text: str, start: int, end: int) -> int:
    """Leave out marks at the end that stand before the value as well: `_key_`."""
    at = start
    while at and end > start + 1 and text[at - 1] == text[end - 1] and text[at - 1] in _EMPHASIS:
        at, end = at - 1, end - 1
    return end


def _atom(text: str, start: int, end: int) -> tuple[int, int]:
    at = text.rfind("@", start, end)
    middle = at if at >= 0 else start
    if at > start:
        start = _same_script(text, at, start, -1)
    while start < middle and text[start] in "._'+-":
        start += 1
    return start, _without_emphasis(
        text, start, _same_script(text, max(text.rfind(".", start, end), middle), end, 1)
    )


def _same_script(text: str, at: int, limit: int, step: int) -> int:
    """Return how far letters of one script go from `at` (exclusive) towards `limit`; other characters go
    along.
    """
    seen = ""
    place = at + step if step > 0 else at - 1
    while place != (limit if step > 0 else limit - 1):
        own = script(text[place])
        if own and seen and own != seen:
            break
        seen = own or seen
        place += step
    return place if step > 0 else place + 1


def after_escape(text: str, start: int) -> int:
    r"""Return where a value begins whose match took in the rest of a written-out escape (`\nann@…`,
    `%20ann@…`).
    """
    at = start - (start > 0 and text[start - 1] in "\\%")
    if text[at] in "\\%":
        escape = _ESCAPE.match(text, at)
        if escape is not None:
            return escape.end()
    if start and text[start - 1] in "[;":
        for colour in _COLOUR.finditer(text, max(0, start - 2 * REACH), start + REACH):
            if colour.start() < start < colour.end():
                return colour.end()
    return start


def _link(text: str, start: int, end: int) -> tuple[int, int]:
    for place in range(start + 8, end):
        if (
            not text[place].isascii()
            and text[place - 1].isascii()
            and text[place - 1].isalnum()
            and script(text[place]) != "LATIN"
        ):
            end = place
            break
    while end > start:
        last = text[end - 1]
        if (
            last in ".,;:!?'*~|…"
            or (last == ")" and text.count("(", start, end) < text.count(")", start, end))
            or (last == "_" and start and text[start - 1] == "_")
        ):
            end -= 1
        else:
            break
    return start, end


def _assigned(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out what closes the sentence, the bracket or the markup around an assigned value, unless it is
    quoted.
    """
    if start and text[start - 1] in "\"'`":
        return start, end
    while end > start + 1:
        last = text[end - 1]
        closes = last in "])}>" and "[({<"["])}>".index(last)] not in text[start:end]
        is_mark = last in "*~|_" and text[end - 2] == last
        if not (last in ".,;:?\\/&" or closes or is_mark):
            break
        end -= 2 if is_mark else 1
    return start, end


_LAST: dict[str, Callable[[str, int, int], tuple[int, int]]] = {"link": _link, "assigned": _assigned}

_REFERENCE = re.compile(
    r"""(?x)
    [$@%&]\w* | [$%\#]?[{(<\[].* | :[A-Za-z_]\w* | %s | \?+ | ![A-Za-z]+ | (?:/[\w.-]+){2,}
    | [A-Za-z]+(?:_[A-Za-z]+)+
    | [A-Za-z_$]+(?:(?:\.|::|->|\?\.)[A-Za-z_$]+)+
    |
    (?:os|process|self|this|config|cfg|settings|env|args|var|local|data|module|secrets|app|request|req|ctx|state|props|params
      |options|opts)(?:\.[A-Za-z_]\w*)+
    """
)
"""What is looked up elsewhere: a variable, a placeholder, a path, a tag, a name with dots or underscores
but no digits."""

_FILLED_IN = ("${", "{{", "$(", "%(", "%s", "<%", "#{", "$", "{")


def _is_expression(text: str, start: int, end: int, before: str, after: str) -> bool:
    """Tell whether what is assigned is looked up, called, typed or filled in, not written out."""
    value = text[start:end]
    if before in "\"'`":
        return value.startswith(_FILLED_IN)
    if after in "([" or text.startswith("::", end):
        return True
    if after == "<" and text[end + 1 : end + 2].isalpha() and value.replace("::", "").isalpha():
        return True
    return _REFERENCE.fullmatch(value) is not None


def holds_whole(text: str, value: str) -> bool:
    """Tell whether a value stands in a text as a whole word; thousands separators and `.00` do not count.

    Args:
        text: any text.
        value: in lower case, a number without separators and trailing zeros.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold())
    return re.search(rf"(?<![\w.]){re.escape(value)}(?:\.0+)?(?![\w]|\.\d)", plain) is not None
