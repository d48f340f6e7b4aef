"""Validators by the name that entity files use; each takes the span as found and tells whether it can be
real.
"""

from collections.abc import Callable, Mapping

from handrail.scan.checks import contact, dates, money, national, secrets, world

CHECKS: Mapping[str, Callable[[str], bool]] = {
    **contact.CHECKS,
    **dates.CHECKS,
    **money.CHECKS,
    **national.CHECKS,
    **secrets.CHECKS,
    **world.CHECKS,
}

FITS: Mapping[str, Callable[[str], int]] = {"iban": money.iban_length}
"""For some checks, how much of what the pattern matched belongs to the number, in characters."""
