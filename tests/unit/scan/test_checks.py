"""Our check-digit functions agree with python-stdnum, which is used as an oracle in tests only."""

import importlib
import random

import pytest

from handrail.scan.checks import CHECKS

PAIRS = [
    ("uk_nhs", "stdnum.gb.nhs", 10),
    ("ca_sin", "stdnum.ca.sin", 9),
    ("de_tax_id", "stdnum.de.idnr", 11),
    ("nl_bsn", "stdnum.nl.bsn", 9),
    ("pl_pesel", "stdnum.pl.pesel", 11),
    ("br_cpf", "stdnum.br.cpf", 11),
    ("br_cnpj", "stdnum.br.cnpj", 14),
    ("in_aadhaar", "stdnum.in_.aadhaar", 12),
    ("au_tfn", "stdnum.au.tfn", 9),
    ("au_abn", "stdnum.au.abn", 11),
    ("hr_oib", "stdnum.hr.oib", 11),
    ("tr_id", "stdnum.tr.tckimlik", 11),
    ("pt_nif", "stdnum.pt.nif", 9),
]


@pytest.mark.parametrize(("check", "module", "length"), PAIRS)
def test_a_check_accepts_what_the_oracle_accepts(check, module, length):
    oracle = importlib.import_module(module)
    chance = random.Random(check)
    agreed = 0
    for _ in range(3000):
        number = "".join(chance.choice("0123456789") for _ in range(length))
        if oracle.is_valid(number):
            assert CHECKS[check](number), number
            agreed += 1
    assert agreed


@pytest.mark.parametrize(("check", "module", "length"), PAIRS)
def test_changing_one_digit_of_a_valid_number_is_noticed_as_the_oracle_notices_it(check, module, length):
    oracle = importlib.import_module(module)
    chance = random.Random(check + "changed")
    tried = 0
    for _ in range(4000):
        number = "".join(chance.choice("123456789") for _ in range(length))
        if oracle.is_valid(number):
            tried += 1
            place = chance.randrange(length)
            changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
            assert CHECKS[check](changed) == oracle.is_valid(changed), changed
    assert tried
