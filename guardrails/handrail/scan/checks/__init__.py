"""Validators by the name that entity files use; each takes the span as found and tells whether it can be
real.
"""

from collections.abc import Callable, Mapping

from handrail.scan.checks import dates, money, national, network, persons, places, secrets, world

CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dates.CHECKS,
    **money.CHECKS,
    **national.CHECKS,
    **network.CHECKS,
    **persons.CHECKS,
    **places.CHECKS,
    **secrets.CHECKS,
    **world.CHECKS,
}

FITS: Mapping[str, Callable[[str], int]] = {"iban": money.iban_length}
"""For some checks, how much of what the pattern matched belongs to the number, in characters."""
