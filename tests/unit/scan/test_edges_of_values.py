"""Inputs on which a value was once missed, cut or invented; `tests/property/test_scan_edges.py` generates
their kinds."""

import pytest

from handrail.scan import default_scanner

CARD = "4111111111111111"
TYPED = {
    "card": CARD,
    "iban": "DE89370400440532013000",
    "us_ssn": "536-22-8145",
    "email": "jane@example.com",
    "phone": "+1 212 555 0142",
    "ipv4": "192.168.10.4",
    "github_token": "ghp_" + "Ab3dE5gH1j" * 3 + "K2m4N6",
    "aws_access_key": "AKIA" + "QWERT2YUIOP3ASDF",
    "es_dni": "54362315K",
    "br_cpf": "390.533.447-05",
    "mac_address": "00:1B:44:11:3A:B7",
}
SCRIPTS = (
    "我的卡号是{}谢谢",
    "カード{}です",
    "карта{}сегодня",
    "카드번호{}입니다",
    "หมายเลข{}ครับ",
    "رقم{}شكرا",
    "κάρτα{}σήμερα",
    "НОМЕР{}КАРТЫ",
)


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.type, text[finding.start : finding.end]) for finding in default_scanner().scan(text)]


@pytest.mark.parametrize("around", SCRIPTS)
@pytest.mark.parametrize("kind", TYPED)
def test_letters_of_another_script_end_a_value(around, kind):
    assert (kind, TYPED[kind]) in found(around.format(TYPED[kind]))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("№{}", CARD),
        ("_{}_", CARD),
        ("card_{}", CARD),
        ("#{}", "4111 1111 1111 1111"),
        ("{},12/27,123", CARD),
        ("{} 12/27 123", "4111 1111 1111 1111"),
        ("%20{}%20", CARD),
        ("+{}+", CARD),
        ("\\n{}\\n", CARD),
        ("\\u00e9{}\\u00e9", CARD),
        ("{}", "4111.1111.1111.1111"),
        ("{}", "4111\t1111\t1111\t1111"),
        ("{}", "4111\n1111\n1111\n1111"),
        ("{}", "4111  1111  1111  1111"),
        ("{}", "4111/1111/1111/1111"),
        ("{}", "4111, 1111, 1111, 1111"),
        ("{}", "4111—1111—1111—1111"),
        ("1234 {}", "4111 1111 1111 1111"),
        ("{}", "4111 1111\n1111 1111"),
    ],
)
def test_a_card_is_found_whatever_stands_beside_it_or_between_its_groups(text, value):
    assert ("card", value) in found(text.format(value))


@pytest.mark.parametrize(
    "text", ["ssn#536-90-4399", "ssn: 536/90/4399", "ssn 536\t90\t4399", "SSN 536.90.4399", "536—90—4399"]
)
def test_a_social_security_number_is_found_behind_a_number_sign_and_with_any_separator(text):
    assert "us_ssn" in {kind for kind, _ in found(text)}


@pytest.mark.parametrize("separator", ["|", "/", "&", "'", ",", ";", "=", " ", "\\n", "%20", "<br>"])
def test_two_mail_addresses_beside_one_another_are_two(separator):
    text = f"a@example.com{separator}b@example.com"
    assert [value for kind, value in found(text) if kind == "email"] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "to='a@example.com'",
        "user=a@example.com",
        "**a@example.com**",
        "_a@example.com_",
        "`a@example.com`",
        "mailto:a@example.com",
    ],
)
def test_markup_is_no_part_of_a_mail_address(text):
    assert [value for kind, value in found(text) if kind == "email"] == ["a@example.com"]


def test_a_tag_in_a_mail_address_is_part_of_it():
    assert ("email", "jane+shop@example.com") in found("jane+shop@example.com")


def test_a_token_in_a_web_address_is_a_credential_and_no_mail_address():
    kinds = dict(found(f"https://{TYPED['github_token']}@github.com/x"))
    assert kinds["github_token"] == TYPED["github_token"]
    assert "email" not in kinds


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("postgresql://app:s3cr3tpw@db:5432/shop", "url_password", "s3cr3tpw"),
        ("Server=db;Database=x;Password=hunter2!;", "password", "hunter2!"),
        ("https://example.com/?api_key=q8Zk3vT9xLw2Rm7P&page=2", "secret_assignment", "q8Zk3vT9xLw2Rm7P"),
        ("INFO pan=4111111111111111 exp=12/27", "card", CARD),
    ],
)
def test_a_value_inside_another_is_a_finding_of_its_own(text, kind, value):
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "std::vector<int> v;",
        "df.std()",
        "using namespace std;",
        'password = os.environ["PW"]',
        "password: Optional[str] = None",
        "password = getpass.getpass()",
        "const Amber = require('./amber');",
        "class Grace : public Victor {};",
        "from victoria import Grace",
        "type Rose struct {",
    ],
)
def test_code_is_read_as_code(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text", ["registered 416-555-0199", "answering at 22 555 013", "reach us: 416-555-0199"]
)
def test_a_telephone_number_is_found_after_any_cue_or_none(text):
    assert "phone" in {kind for kind, _ in found(text)}


@pytest.mark.parametrize(
    "text",
    [
        "taxi to 03 2657 Koontz Lane",
        "order 416-555-0199",
        "in 1977 1978",
        "in 2019-2020 2021",
        "tracking 1Z 999 555 0199",
    ],
)
def test_street_numbers_orders_and_years_are_no_telephone_numbers(text):
    assert "phone" not in {kind for kind, _ in found(text)}
