"""Whether digits with their country code can be a telephone number (E.164), as phonenumbers tells.

Most digits that are tried are none, such as an order's number with zeros before it. Where no national prefix
stands before the national number, the library's answer depends on the country code and the length alone, and
is read from its tables without parsing, which takes ten times as long.
"""

import re
from functools import cache
from typing import NamedTuple

_LONGEST_CODE = 3
_ANYTHING = re.compile("")
"""Stands before every number, so that the library is asked."""


class _Plan(NamedTuple):
    """A country's numbers: their possible lengths, and what may be written before one and is left out."""

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


def is_possible_number(digits: str) -> bool:
    """Tell whether digits begin with a country code and go on with a length that this country uses.

    Args:
        digits: ASCII digits, the country code first.
    """
    for length in range(1, _LONGEST_CODE + 1):
        plan = _plan(digits[:length])
        if plan is not None:
            rest = digits[length:]
            if plan.prefix is None or plan.prefix.match(rest) is None:
                return len(rest) in plan.lengths
            return _is_parsed_as_possible(digits)
    return False


def _is_parsed_as_possible(digits: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(parsed))


@cache
def _plan(code: str) -> _Plan | None:
    """Return the plan of a country code, None if there is no such code; at most 1,110 are ever asked for."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or "0"))
    if regions is None or code.startswith("0"):
        return None
    data = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    if data is None or data.general_desc is None:
        return _Plan(frozenset(), _ANYTHING)
    lengths = (*data.general_desc.possible_length, *data.general_desc.possible_length_local_only)
    prefix = data.national_prefix_for_parsing
    return _Plan(frozenset(lengths) - {0, 1}, re.compile(prefix) if prefix else None)
