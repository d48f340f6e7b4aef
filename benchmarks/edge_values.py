"""Valid values of every shipped type, and near misses of each: `benchmarks.scan_edges` puts them into texts.

A template is a text with runs: `«d9»` nine digits, `«U2»` capitals of base 32, `«A8»` letters and digits,
`«h4»`
hexadecimal, `«L2»` capital letters, `«ymd»` a date as six digits. Runs are drawn until the check digit is
right. Secrets are put together here at run time, so that no file holds one.
"""

import csv
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handrail.scan.catalogue import shipped
from handrail.scan.checks import CHECKS
from handrail.scan.spec import TOPICS, EntitySpec

_RUN = re.compile("«(?:(\\w)(\\d+)|(ymd|dmy))»")
_ALPHABETS = {
    "A": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "a": "0123456789abcdefghijklmnopqrstuvwxyz",
    "U": "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "L": "ABCDEFGHJKLMNPRSTVWXYZ",
    "h": "0123456789abcdef",
    "d": "0123456789",
    "n": "23456789",
    "b": "234567abcdefghijklmnopqrstuvwxyz",
    "Q": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}
_TRIES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of a type.

    Attributes:
        type: The finding it should be.
        text: The value itself.
        lead: What must stand directly before it for it to be one (`CVV: `), part of the frame.
        cue: A word that must be near, part of the frame.
        tail: What must stand directly behind it, part of the frame.
        kind: What it is made of: `digits`, `token`, `atom`, `url`, `words`.
        is_near_miss: It is almost one, and none.
    """

    type: str
    text: str
    lead: str = ""
    cue: str = ""
    tail: str = ""
    kind: str = "digits"
    is_near_miss: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """How values of a type are made; `near` says which near misses there are.

    `c` a wrong check digit, `m` one character more, `l` one less.
    """

    type: str
    templates: tuple[str, ...]
    check: str = ""
    kind: str = "digits"
    near: str = ""
    cue: str = ""
    lead: str = ""
    tail: str = ""


_PRIVATE_KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIB«A40»\n-----END RSA PRIVATE" + " KEY-----"
_BETWEEN = " ¦ "


def _rows() -> tuple[_Row, ...]:
    """Read `edge_types.csv`: a line is a way of writing one type."""
    with Path(__file__).with_name("edge_types.csv").open(encoding="utf-8", newline="") as file:
        read = [
            _Row(**{**line, "templates": tuple(line["templates"].split(_BETWEEN))})
            for line in csv.DictReader(file)
        ]
    return (*read, _Row(type="private_key", kind="token", templates=(_PRIVATE_KEY,)))


ROWS = _rows()
_OTHERS = frozenset(row.type for row in ROWS)


def written(template: str, chance: random.Random) -> str:
    """Return a template with its runs drawn."""

    def run(found: "re.Match[str]") -> str:
        if found.group(3):
            year, month, day = chance.randint(50, 99), chance.randint(1, 12), chance.randint(1, 28)
            parts = (year, month, day) if found.group(3) == "ymd" else (day, month, year)
            return "".join(f"{part:02d}" for part in parts)
        alphabet = _ALPHABETS[found.group(1)]
        return "".join(chance.choice(alphabet) for _ in range(int(found.group(2))))

    return _RUN.sub(run, template)


def valid(template: str, check: str, chance: random.Random) -> str:
    """Return a value of a template that passes a check of `handrail.scan.checks`.

    Raises:
        ValueError: None was drawn.
    """
    is_valid: Callable[[str], bool] = CHECKS[check] if check else bool
    for _ in range(_TRIES):
        value = written(template, chance)
        if is_valid(value):
            return value
    raise ValueError(f"no value of {template} passes {check}")


def values(count: int = 3, seed: int = 1) -> list[Value]:
    """Return `count` values for each way of writing each shipped type."""
    made = []
    for row in (*ROWS, *_tokens(), *_topics()):
        chance = random.Random(f"{seed} {row.type} {row.templates[0]}")
        for number in range(max(count, len(row.templates))):
            text = valid(row.templates[number % len(row.templates)], row.check, chance)
            made.append(
                Value(type=row.type, text=text, lead=row.lead, cue=row.cue, tail=row.tail, kind=row.kind)
            )
    return made


def near_misses(count: int = 2, seed: int = 1) -> list[Value]:
    """Return values that are almost of a type: a wrong check digit, a character more, one less."""
    made = []
    for row in (*ROWS, *_tokens()):
        chance = random.Random(f"{seed} near {row.type} {row.templates[0]}")
        for sign in row.near:
            for number in range(count):
                near = _NEAR[sign](
                    valid(row.templates[number % len(row.templates)], row.check, chance), chance
                )
                if not (row.check and _passes(row.check, near)):
                    made.append(
                        Value(
                            type=row.type,
                            text=near,
                            lead=row.lead,
                            cue=row.cue,
                            tail=row.tail,
                            kind=row.kind,
                            is_near_miss=True,
                        )
                    )
    return made


def _passes(check: str, text: str) -> bool:
    try:
        return CHECKS[check](text)
    except (ValueError, IndexError, KeyError):
        return False


def _wrong_check(value: str, chance: random.Random) -> str:
    """Change the last letter or digit."""
    for at in range(len(value) - 1, -1, -1):
        if value[at].isdigit():
            return f"{value[:at]}{(int(value[at]) + chance.choice((1, 3, 7))) % 10}{value[at + 1 :]}"
        if value[at].isalpha():
            letters = "ABCDEFGHJKLMNPQRSTVWXYZ"
            return (
                value[:at] + letters[(letters.find(value[at].upper()) + 5) % len(letters)] + value[at + 1 :]
            )
    return value


def _one_more(value: str, chance: random.Random) -> str:
    """Put one more of its own kind at the end."""
    return value + (chance.choice("23456789") if value[-1].isdigit() else "K")


def _one_less(value: str, chance: random.Random) -> str:
    return value[:-1]


_NEAR: dict[str, Callable[[str, random.Random], str]] = {
    "c": _wrong_check,
    "m": _one_more,
    "l": _one_less,
}


def _tokens() -> list[_Row]:
    """Make rows of the credential formats from their files: each example is a whole token."""
    rows = []
    for spec in shipped():
        if spec.category == "credential" and spec.type not in _OTHERS:
            example = spec.match[0]
            rows.append(
                _Row(type=spec.type, templates=(example,), kind=_token_kind(spec), near=_token_near(spec))
            )
    return rows


def _token_kind(spec: EntitySpec) -> str:
    if any(pattern.startswith("https:") for pattern in spec.patterns):
        return "url"
    inner = "".join(spec.patterns) + spec.extend
    return "base64" if "+/" in inner or "/+" in inner or "=" in inner else "token"


def _token_near(spec: EntitySpec) -> str:
    """One less is a near miss where the shortest form is the example; one more where the length is fixed."""
    pattern = spec.patterns[0]
    if "|" in pattern or spec.extend or not re.search(r"\[[^\]]*\]\{\d+\}$", pattern):
        return ""
    is_open = "\\w" in pattern.rpartition("[")[2]
    return "l" if is_open else "ml"


def _topics() -> list[_Row]:
    """Make rows of the topics from their first strong terms."""
    return [
        _Row(type=spec.type, templates=tuple(term for term in spec.terms if term.isalpha())[:3], kind="words")
        for spec in shipped()
        if spec.type in TOPICS
    ]


_SEPARATORS = (
    " ",
    "-",
    ".",
    "/",
    "\t",
    "\n",
    "  ",
    "\xa0",
    ",",
    ", ",
    "–",
    " - ",
    "\u2003",
    "\u202f",
    "\r\n",
    "_",
    "·",
    "--",
    " .",
)
_GROUPED = (
    _Row(
        type="card",
        templates=("4«d3»|«d4»|«d4»|«d4»", "37«d2»|«d6»|«d5»", "51«d2»|«d4»|«d4»|«d4»"),
        check="card",
    ),
    _Row(
        type="iban",
        templates=("DE«d2»|«d4»|«d4»|«d4»|«d4»|«d2»", "GB«d2»|WEST|«d4»|«d4»|«d4»|«d2»"),
        check="iban",
    ),
    _Row(type="us_ssn", templates=("«d3»|«d2»|«d4»",), check="us_ssn", cue="SSN"),
    _Row(
        type="phone",
        templates=("+1|212|555|01«n2»", "+44|7700|900«n3»", "0171|234|«n4»", "415|555|01«n2»"),
        cue="phone",
    ),
)


def grouped(seed: int = 1) -> list[Value]:
    """Return numbers whose groups are parted by one or two separators of any kind."""
    made = []
    for row in _GROUPED:
        chance = random.Random(f"{seed} grouped {row.type}")
        for template in row.templates:
            for separator in _SEPARATORS:
                if len(separator.strip(" ")) > 1 and separator != "\r\n" and row.type == "phone":
                    continue
                text = valid(template, row.check, chance).replace("|", separator)
                made.append(Value(type=row.type, text=text, cue=row.cue))
    return made


_NESTED = (
    ("github_token", "https://", "ghp_«A36»", "@github.com/acme/x.git"),
    ("github_token", "https://example.com/?a=1&token=", "ghp_«A36»", "&b=2"),
    ("jwt", "https://example.com/cb#id_token=", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.«A43»", "&state=7"),
    ("email", "https://example.com/?to=", "jane.doe«d2»@example.com", "&b=2"),
    ("email", "<a href='mailto:", "jane.doe«d2»@example.com", "'>"),
    ("secret_assignment", "https://example.com/v1?api_key=", "q8Zk«A14»", "&page=2"),
    ("url_password", "postgresql://app:", "s3cr3t«A6»", "@db.internal:5432/shop"),
    ("url_password", "redis://:", "s3cr3t«A6»", "@cache:6379/0"),
    ("password", "Server=db.example.net;Database=shop;User Id=app;Password=", "hunter2«A4»", ";Encrypt=true"),
    ("us_ssn", "https://example.com/p/", "536-22-81«d2»", "?x=1"),
    ("ipv4", "http://", "192.168.«n2».«n2»", ":8080/admin"),
    (
        "card",
        "2026-11-28T10:00:00.123Z INFO [pay-7] charge pan=",
        "4111111111111111",
        " exp=12/27 amount=10.00",
    ),
    ("card", "", "4111111111111111", ",12/27,123"),
    ("aws_access_key", "s3://", "AKIA«U16»", ":x@bucket/key"),
    ("phone", "https://wa.me/", "+447700900«n3»", "?text=hi"),
    ("iban", "payto://iban/", "DE89370400440532013000", "?amount=EUR:10"),
)


def nested(seed: int = 1) -> list[Value]:
    """Return values inside a web address, a connection string or a log line; what holds them leads and
    follows."""
    chance = random.Random(f"{seed} nested")
    return [
        Value(type=kind, text=written(template, chance), lead=lead, tail=tail, kind="url-part")
        for kind, lead, template, tail in _NESTED
    ]
