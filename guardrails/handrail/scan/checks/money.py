"""Cards, accounts and wallets."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping

from handrail.scan.checks.digits import (
    compact,
    is_one_digit,
    luhn,
    mod_97,
    only_digits,
    parted_alike,
    weighted_cyclic,
)

_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in (
        line.split(":")
        for line in [
            "15:NO",
            "16:BE",
            "18:DK FO FI GL NL SD",
            "19:MK SI",
            "20:AT BA EE KZ LT LU XK MN",
            "21:CH HR LI LV",
            "22:BG BH CR DE GB GE IE ME RS VA",
            "23:AE GI IL IQ OM TL SO",
            "24:AD CZ ES MD PK RO SA SE SK TN VG",
            "25:LY PT ST",
            "26:IS TR",
            "27:BI DJ FR GR IT MC MR SM",
            "28:AL AZ BY CY DO GT HU LB NI PL SV",
            "29:BR EG PS QA UA",
            "30:JO KW MU",
            "31:MT SC",
            "32:LC",
            "33:RU",
        ]
    )
    for code in codes.split()
}

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_COUNTRY_CODES = (
    " AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA"
    " CD CG CH CI CL CM CN CO CR CU CV CY CZ DE DJ DK DM DO DZ EC EE EG ES ET FI FJ FR GA GB GD GE GH"
    " GI GM GN GR GT GY HK HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KM KN KR KW KY KZ LA"
    " LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MR MT MU MV MW MX MY MZ NA NE NG NI"
    " NL NO NP NZ OM PA PE PG PH PK PL PS PT PY QA RO RS RU RW SA SC SD SE SG SI SK SL SM SN SO SR SS"
    " ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TW TZ UA UG US UY UZ VA VC VE VG VN VU WS XK YE ZA ZM"
    " ZW"
    " "
)


def is_card(text: str) -> bool:
    """Tell whether digits can be a payment card: a known issuer range, its lengths, and the Luhn digit."""
    digits = only_digits(text)
    return _issuer_has(digits) and not is_one_digit(digits) and luhn(digits)


def is_grouped_card(text: str) -> bool:
    """Tell whether digits in groups of other sizes than cards have can be one."""
    return len(only_digits(text)) > 12 and is_card(text)


def is_luhn(text: str) -> bool:
    """Tell whether digits, not all the same, have their Luhn digit."""
    digits = only_digits(text)
    return not is_one_digit(digits) and luhn(digits)


def _issuer_has(digits: str) -> bool:
    """Tell whether an issuer range of ISO/IEC 7812 knows this prefix with this length."""
    length, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if digits[0] == "4":
        return length in (13, 16, 19)
    if two in (34, 37):
        return length == 15
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return length == 16
    if 300 <= three <= 305 or two in (36, 38, 39) or three == 309:
        return length in (14, 16, 19)
    if 3528 <= four <= 3589:
        return 16 <= length <= 19
    if four in (1800, 2131):
        return length == 15
    if two in (60, 62, 64, 65, 81):
        return 12 <= length <= 19
    if 2200 <= four <= 2204 or four in (9792,):
        return 16 <= length <= 19
    return (two == 50 or 56 <= two <= 69) and 12 <= length <= 19


def is_iban(text: str) -> bool:
    """Tell whether an account number has its country's length and check digits (ISO 13616)."""
    iban = compact(text)
    return _IBAN_LENGTHS.get(iban[:2]) == len(iban) and mod_97(iban[4:] + iban[:4]) == 1


def iban_readings(text: str) -> Iterator[int]:
    """Yield how many characters, separators included, make up as many as the country's numbers have."""
    wanted = _IBAN_LENGTHS.get(text[:2].upper(), 0)
    for offset, character in enumerate(text):
        wanted -= character.isalnum()
        if wanted == 0:
            yield offset + 1
            return


_GROUP = re.compile(r"\d+")
_ON_CARDS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4)})
_LAST_GROUP = re.compile(r"\D+\d+$")


def card_readings(text: str) -> Iterator[int]:
    """Yield the groups that are parted alike, these without the last, which may be an expiry date, and all
    groups.

    The last only where they are grouped as on a card: a line break may fall between them.
    """
    length = parted_alike(text)
    yield length
    last = _LAST_GROUP.search(text, 0, length)
    if last is not None:
        yield last.start()
    if length < len(text) and tuple(map(len, _GROUP.findall(text))) in _ON_CARDS:
        yield len(text)


def is_bic(text: str) -> bool:
    """Tell whether a bank code names a country (ISO 9362)."""
    return f" {text[4:6].upper()} " in _COUNTRY_CODES


def is_aba(text: str) -> bool:
    """Tell whether a US routing number has a district and the 3-7-1 check digit."""
    digits = only_digits(text)
    district = int(digits[:2])
    in_range = district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80
    return in_range and not is_one_digit(digits) and weighted_cyclic(digits, (3, 7, 1)) % 10 == 0


def is_btc(text: str) -> bool:
    """Tell whether a Bitcoin address has its checksum (Base58Check, or BIP 173 and BIP 350)."""
    if text[:3].lower() == "bc1":
        return text in (text.lower(), text.upper()) and is_bech32(text.lower())
    return is_base58_checked(text)


def is_base58_checked(text: str) -> bool:
    """Tell whether the last four bytes are the double SHA-256 of the rest."""
    number = 0
    for character in text:
        value = _BASE58.find(character)
        if value < 0:
            return False
        number = number * 58 + value
    data = number.to_bytes(25, "big") if number < 1 << 200 else b""
    return bool(data) and hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def is_bech32(text: str) -> bool:
    """Tell whether the polymod is 1 (bech32) or 0x2bc830a3 (bech32m)."""
    prefix, _, payload = text.rpartition("1")
    values = [_BECH32.find(character) for character in payload]
    if not prefix or -1 in values:
        return False
    check = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            if top >> bit & 1:
                check ^= step
    return check in (1, 0x2BC830A3)


def is_lei(text: str) -> bool:
    """Tell whether a legal entity identifier has its check digits (ISO 17442)."""
    return mod_97(compact(text)) == 1


def is_account(text: str) -> bool:
    """Tell whether digits are not all the same."""
    return not is_one_digit(only_digits(text))


def is_isin(text: str) -> bool:
    """Tell whether a security number names a country and has its Luhn digit (ISO 6166)."""
    isin = compact(text)
    if f" {isin[:2]} " not in _COUNTRY_CODES and isin[:2] not in ("XS", "EU"):
        return False
    return luhn("".join(str(int(character, 36)) for character in isin))


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "card": is_card,
    "grouped_card": is_grouped_card,
    "luhn": is_luhn,
    "iban": is_iban,
    "bic": is_bic,
    "aba": is_aba,
    "btc": is_btc,
    "lei": is_lei,
    "isin": is_isin,
    "account": is_account,
}
