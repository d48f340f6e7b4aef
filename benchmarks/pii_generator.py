"""Made-up texts with sensitive values in many locales, each value valid and its span known."""

import random
from collections.abc import Callable
from dataclasses import dataclass

SEED = 20240515

_GIVEN = [
    "Mara",
    "Jonas",
    "Ilse",
    "Pieter",
    "Kofi",
    "Aylin",
    "Sven",
    "Lucia",
    "Tomasz",
    "Noor",
    "Henrik",
    "Chiara",
    "Diego",
    "Amara",
    "Yuto",
    "Leila",
]
_FAMILY = [
    "Okafor",
    "Lindqvist",
    "Moretti",
    "Kowalczyk",
    "Haddad",
    "Brandt",
    "Sørensen",
    "Oliveira",
    "Tanaka",
    "Novak",
    "Dubois",
    "Reyes",
]
_STREETS = (
    "{n} Willow Lane",
    "{n} Harbour Road",
    "Lindenstraße {n}",
    "{n} rue des Acacias",
    "Via Garibaldi {n}",
    "{n} Maple Avenue",
    "Calle Mayor {n}",
    "Kastanienallee {n}",
)
_PHONES = (
    "+1 212 555 01##",
    "(415) 555-01##",
    "020 7946 0###",
    "+44 7700 900###",
    "+33 1 99 00 ## ##",
    "030 23125 ###",
    "+49 30 23125 ###",
    "06 12 34 ## ##",
    "+61 491 570 1##",
    "91 234 ## ##",
    "+81 3-5550-01##",
    "0171 234 ####",
)
_CARDS = (("4", 16), ("51", 16), ("2221", 16), ("34", 15), ("6011", 16), ("3530", 16), ("36", 14))
_IBANS = (("DE", 18), ("GB", 0), ("FR", 23), ("NL", 0), ("ES", 20), ("CH", 17), ("PL", 24), ("BE", 12))
_TEMPLATES = {
    "EMAIL": ("Write to {} please.", "My address is {}", "{} bounced twice", "cc: {}, thanks"),
    "PHONE": ("Call me on {} after six.", "Tel. {}", "my mobile is {}", "You can reach us at {} any time"),
    "CARD": (
        "Charge it to {} today",
        "card number {}",
        "I paid with {} and it failed",
        "the card {} was stolen",
    ),
    "SSN": ("my ssn is {}", "Social security number: {}", "SSN {} on file", "his social security is {}"),
    "IBAN": ("Transfer it to {}.", "IBAN {}", "my account is {} at the bank", "refund to {} please"),
    "IP": ("login from {} failed", "the server {} is down", "blocked address {}", "ping {} first"),
    "URL": ("see {} for more", "the page {} is broken", "I found it at {} yesterday", "open {}"),
    "DATE": ("born on {}", "since {} nothing works", "the meeting on {} was moved", "dated {}"),
    "PERSON": ("my name is {}", "I spoke with {} yesterday", "{} said it would be fine", "Regards, {}"),
    "ADDRESS": ("I live at {}", "ship it to {} please", "my address is {}", "the office at {} is closed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A text and its spans as (type, start, end)."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def samples(count: int, seed: int = SEED) -> list[Sample]:
    """Return `count` texts of one to three sentences, the same for the same seed."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        text, spans = "", []
        for _ in range(chance.randint(1, 3)):
            kind = chance.choice(list(_TEMPLATES))
            value = VALUES[kind](chance)
            before, _, after = chance.choice(_TEMPLATES[kind]).partition("{}")
            start = len(text) + len(before)
            spans.append((kind, start, start + len(value)))
            text += before + value + after + chance.choice(("\n", " \n", "\n\n"))
        made.append(Sample(text=text, spans=tuple(spans)))
    return made


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def email(chance: random.Random) -> str:
    """Return a mail address."""
    name = f"{chance.choice(_GIVEN)}{chance.choice(('.', '_', '-', ''))}{chance.choice(_FAMILY)}"
    plain = name.encode("ascii", "ignore").decode().lower()
    domain = chance.choice(("example.com", "mail.example.org", "post.example.de"))
    return f"{plain}{chance.choice(('', '7', '+shop'))}@{domain}"


def phone(chance: random.Random) -> str:
    """Return a telephone number as it is written in one of several countries."""
    return "".join(chance.choice("23456789") if c == "#" else c for c in chance.choice(_PHONES))


def card(chance: random.Random) -> str:
    """Return a card number with its Luhn digit, with or without groups."""
    prefix, length = chance.choice(_CARDS)
    body = prefix + _digits(chance, length - len(prefix) - 1)
    total = sum(sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body)))
    number = body + str(-total % 10)
    if length == 16 and chance.random() < 0.5:
        return chance.choice((" ", "-")).join(number[i : i + 4] for i in range(0, 16, 4))
    return number


def ssn(chance: random.Random) -> str:
    """Return a US social security number that can have been given out."""
    return f"{chance.randint(1, 665):03d}-{chance.randint(1, 99):02d}-{chance.randint(1, 9999):04d}"


def iban(chance: random.Random) -> str:
    """Return an account number with its check digits, with or without groups."""
    country, digits = chance.choice(_IBANS)
    letters = {"GB": "WEST", "NL": "ABNA"}.get(country, "")
    body = letters + _digits(chance, digits or {"GB": 14, "NL": 10}[country])
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    written = f"{country}{98 - number % 97:02d}{body}"
    if chance.random() < 0.5:
        return " ".join(written[i : i + 4] for i in range(0, len(written), 4))
    return written


def ip(chance: random.Random) -> str:
    """Return an address of version 4 or 6."""
    if chance.random() < 0.3:
        return "2001:db8:" + ":".join(f"{chance.randint(1, 0xFFFF):x}" for _ in range(6))
    return ".".join(str(chance.randint(1, 254)) for _ in range(4))


def url(chance: random.Random) -> str:
    """Return a web address."""
    path = chance.choice(("", "/", "/orders/view", "/a?b=1&c=2", "/help#top"))
    start = chance.choice(("https://www.", "http://", "https://"))
    return f"{start}{chance.choice(('shop', 'news'))}.example.com{path}"


def day(chance: random.Random) -> str:
    """Return a date in one of several forms."""
    y, m, d = chance.randint(1950, 2023), chance.randint(1, 12), chance.randint(1, 28)
    return chance.choice((f"{m}/{d}/{y}", f"{d:02d}.{m:02d}.{y}", f"{y}-{m:02d}-{d:02d}", f"{d} March {y}"))


def person(chance: random.Random) -> str:
    """Return a full name."""
    return f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}"


def address(chance: random.Random) -> str:
    """Return a street with its number."""
    return chance.choice(_STREETS).format(n=chance.randint(1, 250))


VALUES: dict[str, Callable[[random.Random], str]] = {
    "EMAIL": email,
    "PHONE": phone,
    "CARD": card,
    "SSN": ssn,
    "IBAN": iban,
    "IP": ip,
    "URL": url,
    "DATE": day,
    "PERSON": person,
    "ADDRESS": address,
}
