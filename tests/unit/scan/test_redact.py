import pytest

from handrail.records import Finding
from handrail.scan import default_scanner, redact

TEXT = "pay 4111 1111 1111 1111 for jane@example.com"


def found(text: str) -> tuple[Finding, ...]:
    return default_scanner().scan(text)


def test_a_label_names_the_type():
    assert redact(TEXT, found(TEXT)) == "pay [CARD] for [EMAIL]"


def test_a_mask_keeps_the_last_digits_and_the_separators():
    assert redact(TEXT, found(TEXT)[:1], style="mask") == "pay **** **** **** 1111 for jane@example.com"


def test_a_keyed_hash_is_the_same_for_the_same_value_and_key_only():
    one = redact(TEXT, found(TEXT), style="hmac", key=b"k1")
    assert one == redact(TEXT, found(TEXT), style="hmac", key=b"k1")
    assert one != redact(TEXT, found(TEXT), style="hmac", key=b"k2")
    assert "4111" not in one


def test_a_hash_without_a_key_and_an_unknown_style_are_refused():
    with pytest.raises(ValueError, match="key"):
        redact(TEXT, found(TEXT), style="hmac")
    with pytest.raises(ValueError, match="unknown style"):
        redact(TEXT, found(TEXT), style="blur")  # type: ignore[arg-type]


def test_overlapping_findings_are_replaced_once_by_the_longest():
    url = "see https://example.com/?to=jane@example.com now"
    assert redact(url, found(url)) == "see [URL] now"
