"""Numbers that states of Europe and North America give to people."""

from collections.abc import Callable, Mapping

from handrail.scan.checks.dates import exists, short_year_exists
from handrail.scan.checks.digits import (
    alnum_value,
    compact,
    is_one_digit,
    luhn,
    mod_11_10,
    only_digits,
    weighted,
)

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FISCAL_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12,
         14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def is_us_ssn(text: str) -> bool:
    """Tell whether area, group and serial can have been given out (SSA rules since 2011)."""
    digits = only_digits(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return not is_one_digit(digits) and digits not in ("123456789", "078051120", "219099999")


def is_us_itin(text: str) -> bool:
    """Tell whether a taxpayer number has a group the IRS uses."""
    digits = only_digits(text)
    group = int(digits[3:5])
    return digits[0] == "9" and (
        50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    )


def is_us_npi(text: str) -> bool:
    """Tell whether a provider number has its Luhn digit behind the prefix 80840."""
    return luhn("80840" + only_digits(text))


def is_us_dea(text: str) -> bool:
    """Tell whether a DEA registration has its check digit."""
    digits = only_digits(text)
    return (weighted(digits[0:6:2], (1, 1, 1)) + 2 * weighted(digits[1:6:2], (1, 1, 1))) % 10 == int(
        digits[-1]
    )


def is_us_mbi(text: str) -> bool:
    """Tell whether a Medicare number avoids the letters that look like digits."""
    return not set(compact(text)) & set("SLOIBZ")


def is_uk_nhs(text: str) -> bool:
    """Tell whether an NHS number has its mod-11 digit."""
    digits = only_digits(text)
    rest = 11 - weighted(digits[:9], range(10, 1, -1)) % 11
    return not is_one_digit(digits) and (0 if rest == 11 else rest) == int(digits[9])


def is_uk_nino(text: str) -> bool:
    """Tell whether a National Insurance number has a prefix that is given out."""
    nino = compact(text)
    if nino[0] in "DFIQUV" or nino[1] in "DFIQUVO":
        return False
    return nino[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_ca_sin(text: str) -> bool:
    """Tell whether a Canadian insurance number has its Luhn digit."""
    digits = only_digits(text)
    return digits[0] not in "08" and not is_one_digit(digits) and luhn(digits)


def is_de_tax_id(text: str) -> bool:
    """Tell whether a Steuer-ID repeats one digit as it must and closes ISO 7064 mod 11,10."""
    digits = only_digits(text)
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    return digits[0] != "0" and counts[-1] in (2, 3) and counts[-2:-1] == [1] and mod_11_10(digits)


def is_de_pension(text: str) -> bool:
    """Tell whether a German pension number holds a birth date and its check digit."""
    number = compact(text)
    day = int(number[2:4])
    if not short_year_exists(int(number[6:8]), int(number[4:6]), day - 50 if day > 50 else day):
        return False
    digits = number[:8] + f"{alnum_value(number[8]) - 9:02d}" + number[9:]
    products = (int(d) * w for d, w in zip(digits[:-1], (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(digits[-1])


def is_de_id_card(text: str) -> bool:
    """Tell whether a German document number has its 7-3-1 check digit."""
    number = compact(text)
    total = sum(alnum_value(c) * w for c, w in zip(number[:9], (7, 3, 1) * 3, strict=True))
    return any(c.isdigit() for c in number[:9]) and total % 10 == int(number[9])


def is_fr_nir(text: str) -> bool:
    """Tell whether a French social security number has its key modulo 97."""
    nir = compact(text)
    body = nir[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(nir[13:15])


def is_es_dni(text: str) -> bool:
    """Tell whether a DNI or NIE ends in the letter that its number asks for."""
    dni = compact(text)
    number = str("XYZ".find(dni[0])) + dni[1:-1] if dni[0] in "XYZ" else dni[:-1]
    return number.isdigit() and _DNI_LETTERS[int(number) % 23] == dni[-1]


def is_it_fiscal_code(text: str) -> bool:
    """Tell whether a codice fiscale ends in its check letter."""
    code = compact(text)
    total = sum(_FISCAL_ODD[character] for character in code[0:15:2])
    total += sum(alnum_value(c) if c.isdigit() else alnum_value(c) - 10 for c in code[1:15:2])
    return chr(65 + total % 26) == code[15]


def is_nl_bsn(text: str) -> bool:
    """Tell whether a Dutch number passes the eleven test."""
    digits = only_digits(text).rjust(9, "0")
    return not is_one_digit(digits) and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_pl_pesel(text: str) -> bool:
    """Tell whether a PESEL holds a date and its check digit."""
    digits = only_digits(text)
    century = {8: 1800, 0: 1900, 2: 2000, 4: 2100, 6: 2200}[int(digits[2]) // 2 * 2]
    if not exists(century + int(digits[:2]), int(digits[2:4]) % 20, int(digits[4:6])):
        return False
    return (10 - weighted(digits[:10], (1, 3, 7, 9) * 3) % 10) % 10 == int(digits[10])


def is_pt_nif(text: str) -> bool:
    """Tell whether a Portuguese tax number has its mod-11 digit."""
    digits = only_digits(text)
    rest = weighted(digits[:8], range(9, 1, -1)) % 11
    return digits[0] != "0" and (0 if rest < 2 else 11 - rest) == int(digits[8])


def is_be_register(text: str) -> bool:
    """Tell whether a Belgian register number has its key modulo 97, born before or after 2000."""
    digits = only_digits(text)
    key = int(digits[9:])
    return 97 - int(digits[:9]) % 97 == key or 97 - int("2" + digits[:9]) % 97 == key


def is_se_personal(text: str) -> bool:
    """Tell whether a Swedish number holds a date and its Luhn digit."""
    digits = only_digits(text)[-10:]
    day = int(digits[4:6])
    is_date = short_year_exists(int(digits[:2]), int(digits[2:4]), day - 60 if day > 60 else day)
    return is_date and luhn(digits)


def is_fi_hetu(text: str) -> bool:
    """Tell whether a Finnish identity code holds a date and its check character."""
    day, month, year = int(text[:2]), int(text[2:4]), int(text[4:6])
    number = int(text[:6] + text[7:10])
    return short_year_exists(year, month, day) and _HETU_LETTERS[number % 31] == text[10].upper()


def is_no_birth_number(text: str) -> bool:
    """Tell whether a Norwegian number has both its mod-11 digits."""
    digits = only_digits(text)
    first = weighted(digits[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return first == 0 and second == 0 and int(digits[2:4]) % 40 <= 12 and not is_one_digit(digits)


def is_dk_cpr(text: str) -> bool:
    """Tell whether a Danish number begins with a date; its check digit is no longer kept to."""
    digits = only_digits(text)
    return short_year_exists(int(digits[4:6]), int(digits[2:4]), int(digits[:2]))


def is_ch_ahv(text: str) -> bool:
    """Tell whether a Swiss insurance number has its EAN-13 digit."""
    digits = only_digits(text)
    return (10 - weighted(digits[:12], (1, 3) * 6) % 10) % 10 == int(digits[12])


def is_at_svnr(text: str) -> bool:
    """Tell whether an Austrian insurance number has its mod-11 digit."""
    digits = only_digits(text)
    return weighted(digits[:3] + digits[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11 == int(digits[3])


def is_ie_pps(text: str) -> bool:
    """Tell whether an Irish number has its check letter."""
    pps = compact(text)
    extra = 9 * (ord(pps[8]) - 64) if len(pps) == 9 and pps[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(pps[:7], range(8, 1, -1)) + extra) % 23] == pps[7]


def is_ro_cnp(text: str) -> bool:
    """Tell whether a Romanian number holds a date and its mod-11 digit."""
    digits = only_digits(text)
    rest = weighted(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    is_date = short_year_exists(int(digits[1:3]), int(digits[3:5]), int(digits[5:7]))
    return digits[0] != "0" and is_date and (1 if rest == 10 else rest) == int(digits[12])


def is_bg_egn(text: str) -> bool:
    """Tell whether a Bulgarian number holds a date and its mod-11 digit."""
    digits = only_digits(text)
    is_date = short_year_exists(int(digits[:2]), int(digits[2:4]) % 20, int(digits[4:6]))
    return is_date and weighted(digits[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(digits[9])


def is_cz_birth_number(text: str) -> bool:
    """Tell whether a Czech or Slovak number holds a date and is a multiple of eleven."""
    digits = only_digits(text)
    month = int(digits[2:4]) % 50
    is_date = short_year_exists(int(digits[:2]), month - 20 if month > 20 else month, int(digits[4:6]))
    return is_date and (int(digits) % 11 == 0 or (int(digits[:9]) % 11 == 10 and digits[9] == "0"))


def is_hr_oib(text: str) -> bool:
    """Tell whether a Croatian number closes ISO 7064 mod 11,10."""
    digits = only_digits(text)
    return not is_one_digit(digits) and mod_11_10(digits)


def is_gr_amka(text: str) -> bool:
    """Tell whether a Greek insurance number holds a date and its Luhn digit."""
    digits = only_digits(text)
    return short_year_exists(int(digits[4:6]), int(digits[2:4]), int(digits[:2])) and luhn(digits)


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "us_ssn": is_us_ssn,
    "us_itin": is_us_itin,
    "us_npi": is_us_npi,
    "us_dea": is_us_dea,
    "us_mbi": is_us_mbi,
    "uk_nhs": is_uk_nhs,
    "uk_nino": is_uk_nino,
    "ca_sin": is_ca_sin,
    "de_tax_id": is_de_tax_id,
    "de_pension": is_de_pension,
    "de_id_card": is_de_id_card,
    "fr_nir": is_fr_nir,
    "es_dni": is_es_dni,
    "it_fiscal_code": is_it_fiscal_code,
    "nl_bsn": is_nl_bsn,
    "pl_pesel": is_pl_pesel,
    "pt_nif": is_pt_nif,
    "be_register": is_be_register,
    "se_personal": is_se_personal,
    "fi_hetu": is_fi_hetu,
    "no_birth_number": is_no_birth_number,
    "dk_cpr": is_dk_cpr,
    "ch_ahv": is_ch_ahv,
    "at_svnr": is_at_svnr,
    "ie_pps": is_ie_pps,
    "ro_cnp": is_ro_cnp,
    "bg_egn": is_bg_egn,
    "cz_birth_number": is_cz_birth_number,
    "hr_oib": is_hr_oib,
    "gr_amka": is_gr_amka,
}
