"""Numbers that states elsewhere give to people, and numbers of things that lead to people."""

from collections.abc import Callable, Mapping

from handrail.scan.checks.dates import exists, short_year_exists
from handrail.scan.checks.digits import (
    alnum_value,
    compact,
    is_one_digit,
    luhn,
    only_digits,
    verhoeff,
    weighted,
    weighted_cyclic,
)

_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7,
        8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)  # fmt: skip
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def is_br_cpf(text: str) -> bool:
    """Tell whether a CPF has both its mod-11 digits."""
    digits = only_digits(text)
    first = weighted(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return not is_one_digit(digits) and digits[9:] == f"{first}{second}"


def is_br_cnpj(text: str) -> bool:
    """Tell whether a CNPJ has both its mod-11 digits."""
    digits = only_digits(text)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = weighted(digits[:12], weights[1:]) * -1 % 11
    second = weighted(digits[:13], weights) * -1 % 11
    expected = f"{0 if first == 10 else first}{0 if second == 10 else second}"
    return not is_one_digit(digits) and digits[12:] == expected


def is_in_aadhaar(text: str) -> bool:
    """Tell whether an Aadhaar number has its Verhoeff digit."""
    digits = only_digits(text)
    return digits[0] not in "01" and digits != digits[::-1] and verhoeff(digits)


def is_in_gstin(text: str) -> bool:
    """Tell whether an Indian tax number has its mod-36 check character."""
    number = compact(text)
    total = 0
    for place, character in enumerate(number[:14]):
        product = alnum_value(character) * (1 + place % 2)
        total += product // 36 + product % 36
    return alnum_value(number[14]) == (36 - total % 36) % 36


def is_sg_nric(text: str) -> bool:
    """Tell whether a Singapore number has its check letter."""
    number = compact(text)
    offset = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[number[0]]
    rest = (offset + weighted(number[1:8], (2, 7, 6, 5, 4, 3, 2))) % 11
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "KLJNPQRTUWX",
    }
    return letters[number[0]][rest] == number[8]


def is_au_tfn(text: str) -> bool:
    """Tell whether an Australian tax file number passes its eleven test."""
    digits = only_digits(text)
    return not is_one_digit(digits) and weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_au_medicare(text: str) -> bool:
    """Tell whether an Australian Medicare number has its check digit."""
    digits = only_digits(text)
    return digits[0] in "23456" and weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def is_au_abn(text: str) -> bool:
    """Tell whether an Australian business number is a multiple of 89 under its weights."""
    digits = only_digits(text)
    reduced = str(int(digits[0]) - 1) + digits[1:]
    return digits[0] != "0" and weighted(reduced, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) % 89 == 0


def is_nz_ird(text: str) -> bool:
    """Tell whether a New Zealand tax number has its mod-11 digit."""
    digits = only_digits(text).rjust(9, "0")
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        check = -weighted(digits[:8], weights) % 11
        if check != 10:
            return check == int(digits[8])
    return False


def is_za_id(text: str) -> bool:
    """Tell whether a South African number holds a date and its Luhn digit."""
    digits = only_digits(text)
    is_date = short_year_exists(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    return is_date and digits[10] in "012" and luhn(digits)


def is_tr_id(text: str) -> bool:
    """Tell whether a Turkish number has both its check digits."""
    digits = [int(character) for character in only_digits(text)]
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def is_cn_id(text: str) -> bool:
    """Tell whether a Chinese number holds a date and its mod-11 character."""
    number = compact(text)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    is_date = exists(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return is_date and "10X98765432"[weighted(number[:17], weights) % 11] == number[17]


def is_kr_rrn(text: str) -> bool:
    """Tell whether a Korean number begins with a date; since 2020 the rest is random."""
    digits = only_digits(text)
    return short_year_exists(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def is_jp_my_number(text: str) -> bool:
    """Tell whether a Japanese number has its mod-11 digit."""
    digits = only_digits(text)
    rest = weighted(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return not is_one_digit(digits) and (0 if rest <= 1 else 11 - rest) == int(digits[11])


def is_mx_curp(text: str) -> bool:
    """Tell whether a Mexican code holds a date and its check digit."""
    curp = compact(text)
    order = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(order.index(c) * w for c, w in zip(curp[:17], range(18, 1, -1), strict=True))
    is_date = short_year_exists(int(curp[4:6]), int(curp[6:8]), int(curp[8:10]))
    return is_date and -total % 10 == int(curp[17])


def is_ar_cuit(text: str) -> bool:
    """Tell whether an Argentine number has its mod-11 digit."""
    digits = only_digits(text)
    rest = -weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return digits[:2] in ("20", "23", "24", "27", "30", "33", "34") and rest == int(digits[10])


def is_cl_rut(text: str) -> bool:
    """Tell whether a Chilean number has its mod-11 character."""
    rut = compact(text)
    rest = -weighted_cyclic(rut[-2::-1], (2, 3, 4, 5, 6, 7)) % 11
    return rut[:-1].isdigit() and "0123456789K"[rest] == rut[-1]


def is_il_id(text: str) -> bool:
    """Tell whether an Israeli number has its Luhn digit."""
    digits = only_digits(text)
    return not is_one_digit(digits) and luhn(digits)


def is_hk_id(text: str) -> bool:
    """Tell whether a Hong Kong number has its mod-11 character."""
    number = compact(text)
    head = [alnum_value(character) for character in number[:-7]]
    values = [36, *head] if len(head) == 1 else head
    values += [int(character) for character in number[-7:-1]]
    check = -sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) % 11
    return "0123456789A"[check] == number[-1]


def is_tw_id(text: str) -> bool:
    """Tell whether a Taiwanese number has its check digit."""
    number = compact(text)
    code = _TW_LETTERS.index(number[0]) + 10
    total = code // 10 + code % 10 * 9 + weighted(number[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0


def is_th_id(text: str) -> bool:
    """Tell whether a Thai number has its mod-11 digit."""
    digits = only_digits(text)
    return (11 - weighted(digits[:12], range(13, 1, -1)) % 11) % 10 == int(digits[12])


def is_my_nric(text: str) -> bool:
    """Tell whether a Malaysian number begins with a date."""
    digits = only_digits(text)
    return short_year_exists(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def is_vin(text: str) -> bool:
    """Tell whether a vehicle number has its check character (ISO 3779, as North America uses it)."""
    vin = text.upper()
    rest = sum(_VIN_VALUES[c] * w for c, w in zip(vin, _VIN_WEIGHTS, strict=True)) % 11
    return "0123456789X"[rest] == vin[8]


def is_imei(text: str) -> bool:
    """Tell whether a device number has its Luhn digit."""
    digits = only_digits(text)
    return not is_one_digit(digits) and luhn(digits)


def has_digit(text: str) -> bool:
    """Tell whether a reference holds at least two digits, so that plain words are left alone."""
    return sum(character.isdigit() for character in text) >= 2


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "br_cpf": is_br_cpf,
    "br_cnpj": is_br_cnpj,
    "in_aadhaar": is_in_aadhaar,
    "in_gstin": is_in_gstin,
    "sg_nric": is_sg_nric,
    "au_tfn": is_au_tfn,
    "au_medicare": is_au_medicare,
    "au_abn": is_au_abn,
    "nz_ird": is_nz_ird,
    "za_id": is_za_id,
    "tr_id": is_tr_id,
    "cn_id": is_cn_id,
    "kr_rrn": is_kr_rrn,
    "jp_my_number": is_jp_my_number,
    "mx_curp": is_mx_curp,
    "ar_cuit": is_ar_cuit,
    "cl_rut": is_cl_rut,
    "il_id": is_il_id,
    "hk_id": is_hk_id,
    "tw_id": is_tw_id,
    "th_id": is_th_id,
    "my_nric": is_my_nric,
    "vin": is_vin,
    "imei": is_imei,
    "has_digit": has_digit,
}
