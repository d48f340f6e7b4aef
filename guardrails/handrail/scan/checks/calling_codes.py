"""Whether digits with their country code can be a telephone number (E.164), as phonenumbers tells.

Most digits that are tried are none, such as an order's number with zeros before it. The library's answer
depends on the country code and the length alone, unless a national prefix may stand before the national
number, so that it is mostly read from the library's tables without parsing, which takes ten times as long.
"""

import re
from functools import cache
from typing import NamedTuple

_LONGEST_CODE = 3
_ANYTHING = re.compile("")
"""Stands before every number, so that the library is asked."""


class _Plan(NamedTuple):
    """A country's numbers: their possible lengths, and what may be written before one and is left out.

    `is_rewritten` says that more than that may be changed in a number.
    """

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None
    is_rewritten: bool


def is_possible_number(digits: str) -> bool:
    """Tell whether digits begin with a country code and go on with a length that this country uses.

    Args:
        digits: ASCII digits, the country code first.
    """
    for length in range(1, _LONGEST_CODE + 1):
        plan = _plan(digits[:length])
        if plan is not None:
            rest = digits[length:]
            prefix = plan.prefix.match(rest) if plan.prefix is not None else None
            if prefix is None:
                return len(rest) in plan.lengths
            # The number is read with its prefix or without it.
            lengths = {len(rest), len(rest) - prefix.end()}
            may_be = plan.is_rewritten or not plan.lengths.isdisjoint(lengths)
            return may_be and _is_parsed_as_possible(digits)
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
        return _Plan(frozenset(), _ANYTHING, is_rewritten=True)
    lengths = (*data.general_desc.possible_length, *data.general_desc.possible_length_local_only)
    prefix = data.national_prefix_for_parsing
    return _Plan(
        lengths=frozenset(lengths) - {0, 1},
        prefix=re.compile(prefix) if prefix else None,
        is_rewritten=bool(data.national_prefix_transform_rule),
    )
