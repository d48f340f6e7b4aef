import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.scan.checks.calling_codes import is_possible_number

CODES = [str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
TRUNKS = ("", "0", "1", "8", "00", "01", "15", "90", "0011", "003768")
"""What may be written before a national number."""


def is_parsed_as_possible(digits: str) -> bool:
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CODES), st.sampled_from(TRUNKS), st.text("0123456789", max_size=19))
def test_a_number_of_any_country_is_possible_where_the_library_says_so(code, trunk, rest):
    digits = f"{code}{trunk}{rest}"
    assert is_possible_number(digits) == is_parsed_as_possible(digits)


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789", max_size=22))
def test_any_digits_are_possible_where_the_library_says_so(digits):
    assert is_possible_number(digits) == is_parsed_as_possible(digits)


def test_numbers_of_both_kinds_are_met():
    assert is_possible_number("442079460958")
    assert is_possible_number("4402079460958")
    assert not is_possible_number("1027010")
