"""What to write instead, for amounts, durations and expressions in a form that the language does not have."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from handrail.text.money import currencies

_COUNTED: Mapping[str, str] = {
    **dict.fromkeys(("s", "sec", "secs"), "seconds"),
    **dict.fromkeys(("m", "min", "mins"), "minutes"),
    **dict.fromkeys(("h", "hr", "hrs"), "hours"),
    "d": "days",
    **dict.fromkeys(("w", "wk", "wks"), "weeks"),
}
_MANY_DAYS: Mapping[str, int] = {
    **dict.fromkeys(("month", "months", "mo", "mon"), 30),
    **dict.fromkeys(("year", "years", "yr", "yrs", "y"), 365),
}
_NUMBER = r"\d[\d.,' _]*\d|\d"
_SIGN = r"[$€£¥₹₩₪]|[Uu][Ss]\$|zł"
_AMOUNT = re.compile(rf"(?P<before>{_SIGN})?\s*(?P<number>{_NUMBER})\s*(?P<after>{_SIGN}|[A-Za-z]+)?")
_CODE_FIRST = re.compile(rf"(?P<before>[A-Za-z]{{3}})\s+(?P<number>{_NUMBER})(?P<after>)\b")
_SPAN = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>[A-Za-z]+)\b")
_PERCENT = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)\s*(?:%|per\s?cent\b)", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(?![\d,])")
_SHORT = re.compile(r"\d+(\.\d+)?([kKmM]|[eE]\+?\d+)\b")
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}(?![\d,])")

_SIGNS: tuple[tuple[str, str], ...] = (
    ("===", "write '==' to compare"),
    ("=>", "write '>='"),
    ("=<", "write '<='"),
    ("<>", "write '!='"),
    *((sign, "write '>='") for sign in "≥⩾"),
    *((sign, "write '<='") for sign in "≤⩽"),
    ("≠", "write '!='"),
    *((quote, "write straight quotes: \" or '") for quote in "“”„‟‘’‚«»"),
    ("*", "there is no multiplication; what needs computing is a declared fact"),
    ("/", "there is no division; what needs computing is a declared fact"),
    ("|", "write 'or'"),
    ("&", "write 'and'"),
    ("{", "write a list in [ ]"),
)
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("contains", "includes", "include", "contain"), "write 'has'"),
    **dict.fromkeys(("equals", "equal", "eq"), "write '=='"),
    **dict.fromkeys(
        ("over", "above", "exceeds", "gt", "more", "greater", "larger", "bigger", "after"), "write '>'"
    ),
    **dict.fromkeys(("under", "below", "lt", "less", "fewer", "smaller", "before"), "write '<'"),
    **dict.fromkeys(("least", "minimum", "ge", "gte"), "write '>='"),
    **dict.fromkeys(("most", "maximum", "within", "le", "lte"), "write '<='"),
    **dict.fromkeys(("unknown", "null", "none", "empty", "absent", "undefined"), "write 'is missing'"),
    **dict.fromkeys(("present", "given", "set", "defined"), "write 'is known'"),
    **dict.fromkeys(("between", "from"), "write two comparisons, e.g. 'x >= 10 USD and x <= 20 USD'"),
    **dict.fromkeys(("unless", "except"), "write 'and not'"),
    **dict.fromkeys(("if", "when"), "leave it out; the whole is a condition already"),
    **dict.fromkeys(("matches", "like", "startswith"), "texts are compared whole; a detector can be a fact"),
}


def amount_hint(text: str) -> str | None:
    """Say how to write what looks like an amount: `$1,000` is `1000 USD`; None if it does not. Pure."""
    for form in (_AMOUNT, _CODE_FIRST):
        match = form.match(text.strip())
        if match is None:
            continue
        code = _code(match["before"] or "") or _code(match["after"] or "")
        number = _plain(match["number"])
        if code and number is not None:
            return f"write the amount as {number} {code}"
    return None


def duration_hint(text: str) -> str | None:
    """Say how to write what looks like a duration: `30d` is `30 days`; None if it does not. Pure."""
    match = _SPAN.match(text.strip())
    if match is None:
        return None
    number, unit = match["number"].replace(",", "."), match["unit"].lower()
    if unit in _COUNTED:
        return f"write the duration as {number} {_COUNTED[unit]}"
    if unit in _MANY_DAYS and number.isdigit():
        return (
            f"months and years have no fixed length; write days, e.g. {int(number) * _MANY_DAYS[unit]} days"
        )
    return None


def duration_problem(raw: object, example: str) -> str:
    """Say how to write a duration that cannot be read; pure."""
    said = duration_hint(raw) if isinstance(raw, str) else None
    return f"'{raw}': {said}" if said is not None else f"write a duration, e.g. {example}"


def percent_hint(text: str) -> str | None:
    """Say how to write what looks like a percentage: `90 %` is `0.9`; None if it does not. Pure."""
    match = _PERCENT.match(text.strip())
    if match is None:
        return None
    share = Decimal(match["number"].replace(",", ".")) / 100
    return f"write a share, e.g. {share.normalize():f}"


def expression_hint(text: str, at: int) -> str | None:
    """Say what to write where an expression is not understood; None if nothing looks familiar. Pure.

    Args:
        text: the expression.
        at: the offset at which it is not understood.
    """
    rest = text[at:].lstrip()
    said = _before_hint(text[: len(text) - len(rest)].split(), rest)
    if said is not None:
        return said
    for start in _starts(text, at):
        number = text[start:]
        for hint in (percent_hint, amount_hint, duration_hint):
            found = hint(number)
            if found is not None:
                return found
        if _THOUSANDS.match(number):
            return "write the number without separators"
        if _DECIMAL_COMMA.match(number):
            return "write a decimal point, e.g. 0.7"
        if _SHORT.match(number):
            return "write the number out, e.g. 2000"
    near = text[max(0, at - 1) : at].strip() + rest
    for sign, words in _SIGNS:
        if rest.startswith(sign) or (len(sign) > 1 and near.startswith(sign)):
            return words
    return _word_hint(text, rest)


def word_hint(word: str) -> str | None:
    """Say what a word of another language is in this one: `contains` is `has`; None if it is none. Pure."""
    small = word.lower()
    if word != small and small in ("and", "or", "not", "in", "has", "is", "yes", "no", "true", "false"):
        return f"write '{small}' in small letters"
    return _WORDS.get(small)


def _before_hint(before: list[str], rest: str) -> str | None:
    """Say what is wrong with the words before the place at which an expression is not understood."""
    last = before[-1] if before else ""
    if rest.startswith(",") and "in (" in " ".join(before):
        return "write a list in [ ]"
    if last == "if" or last != last.lower():
        said = amount_hint(f"{last} {rest}") if rest[:1].isdigit() else word_hint(last)
        return f"'{last}': {said}" if said is not None and not rest[:1].isdigit() else said
    return None


def _word_hint(text: str, rest: str) -> str | None:
    match = re.match(r"[A-Za-z]+", rest)
    if match is None:
        return None
    before = text[: len(text) - len(rest)].split()
    word = match[0]
    if word == "at":
        word = next(iter(re.findall(r"[A-Za-z]+", rest)[1:]), word)
    if before and before[-1] == "is":
        if word == "not":
            return "write '!=' to compare, or 'is known'"
        return word_hint(word) or "write '==' to compare; 'is' goes with 'missing' and 'known'"
    return word_hint(word)


def _starts(text: str, at: int) -> list[int]:
    """Return where an amount may begin that is not understood at an offset: there, or some words before."""
    rest = at + len(text[at:]) - len(text[at:].lstrip())
    match = re.search(rf"(?:(?:{_SIGN})\s*)?(?:{_NUMBER})?\s*$", text[:at])
    before = match.start() + len(match[0]) - len(match[0].lstrip()) if match is not None else rest
    return list(dict.fromkeys((before, rest)))


def _code(text: str) -> str | None:
    table, small = currencies(), text.lower()
    if small.endswith("$") and small[:-1] in table.dollars:
        return table.dollars[small[:-1]]
    known = table.symbols.get(text) or table.units.get(small)
    return known or (text.upper() if text.upper() in table.codes else None)


def _plain(number: str) -> str | None:
    """Return a number without what separates its thousands, with a decimal point."""
    text = re.sub(r"[' _]", "", number)
    if "," in text and "." in text:
        thousands, point = (",", ".") if text.rindex(".") > text.rindex(",") else (".", ",")
        text = text.replace(thousands, "").replace(point, ".")
    elif re.fullmatch(r"\d{1,3}(,\d{3})+", text) or text.count(",") > 1:
        text = text.replace(",", "")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    text = text.replace(",", ".")
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return f"{value:f}"
