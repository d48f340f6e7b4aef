"""Validators by the name that entity files use; each takes the span as found and tells whether it can be
real.
"""

from collections.abc import Callable, Iterator, Mapping

from handrail.scan.checks import contact, dates, money, national, people, secrets, world

CHECKS: Mapping[str, Callable[[str], bool]] = {
    **contact.CHECKS,
    **dates.CHECKS,
    **money.CHECKS,
    **national.CHECKS,
    **people.CHECKS,
    **secrets.CHECKS,
    **world.CHECKS,
}

READINGS: Mapping[str, Callable[[str], Iterator[int]]] = {
    "iban": money.iban_readings,
    "card": money.card_readings,
    "international_phone": contact.phone_readings,
    "local_phone": contact.phone_readings,
    "grouped_phone": contact.phone_readings,
    "lower_name": people.given_name_readings,
    "lower_surname": people.lower_name_readings,
}
"""For some checks, how many characters of a match may be the number, in the order in which they are tried."""

CHECKED_NUMBERS = frozenset({"card", "iban"})
"""Checks strong enough to look for a number behind each group of digits, whatever groups stand before it."""
