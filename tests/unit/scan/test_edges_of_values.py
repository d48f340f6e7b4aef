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


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("visa{}", "card", CARD),
        ("cardnumber{}x", "card", CARD),
        ("CreditCard{}", "card", CARD),
        ("{}visa", "card", CARD),
        ("cc{}exp12/27", "card", "4111-1111-1111-1111"),
        ("ssn{}", "us_ssn", "536-90-4399"),
        ("SSN{}", "us_ssn", "536904399"),
        ("mySSN:{}x", "us_ssn", "536-90-4399"),
        ("IBAN{}ok", "iban", "DE89370400440532013000"),
        ("tel{}", "phone", "+14165550199"),
        ("phone{}", "phone", "416-555-0199"),
        ("mob{}", "phone", "07700900123"),
        ("dob{}", "date_of_birth", "04/12/1987"),
        ("nhs{}", "uk_nhs", "943 476 5919"),
        ("imei{}abc", "imei", "490154203237518"),
    ],
)
def test_a_name_glued_to_a_value_is_no_part_of_it(text, kind, value):
    assert (kind, value) in found(text.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "a4111111111111111f",
        "deadbeef4111111111111111",
        "id=5f4111111111111111ab",
        "abc536-22-8145def",
        "model416-555-0199",
        "commit 4f111111111111111a",
        "order12345678",
        "room2024",
    ],
)
def test_letters_that_are_no_name_of_a_value_hold_it(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "OID 1.3.6.1.4.1.311.21.20",
        "SNMP 1.3.6.1.2.1.1.3.0 returned",
        "urn:oid:1.2.840.113549.1.1.11",
        "version 2.10.0555",
        "firmware 416.555.0199",
        "build 10.0.22621.2506",
        "call at 10-20-30",
    ],
)
def test_object_identifiers_versions_and_times_are_no_telephone_numbers(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("电话：{}", "13800138000"),
        ("мой телефон {}", "89261234567"),
        ("тел.{}", "8(495)123-45-67"),
        ("هاتف {}", "٠٥٠١٢٣٤٥٦٧"),
        ("連絡は電話{}まで", "03-1234-5678"),
    ],
)
def test_a_telephone_number_is_found_behind_a_cue_in_another_script(text, value):
    assert ("phone", value) in found(text.format(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password {}", "hunter2"),
        ("the password for the wifi is {}", "hunter2"),
        ("pwd={}", "hunter2"),
        ("pw: {}", "hunter2"),
        ("login with bob:{}", "hunter2"),
        ("creds bob/{}", "hunter2"),
        ("{} is my password", "Hunter22"),
        ("mysql -u root -p{} shop", "hunter2"),
        ("wi-fi key: {}", "hunter2abc"),
    ],
)
def test_a_password_is_found_without_a_separator(text, value):
    assert ("password", value) in found(text.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "password reset",
        "the password SHA256 digest",
        "password field2",
        "password must be 8characters long",
        "tests pass: 42",
        "a boarding pass is A12B34",
        "login at 10:30am",
        "log in with google:oauth2",
    ],
)
def test_what_stands_behind_the_word_password_need_not_be_one(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"m":"\\u00e9a@example.org"}',
        "\\xe9a@example.org\\xe9",
        "%0Aa@example.org",
        "&#233;a@example.org",
        "&nbsp;a@example.org&nbsp;",
        "\x1b[1ma@example.org\x1b[0m",
        "\\033[31ma@example.org\\033[0m",
    ],
)
def test_what_is_written_out_beside_a_mail_address_is_no_part_of_it(text):
    assert ("email", "a@example.org") in found(text)


def test_what_is_written_out_inside_a_mail_address_is_part_of_it():
    assert ("email", "jos\\u00e9ann@example.org") in found("jos\\u00e9ann@example.org")


@pytest.mark.parametrize(
    "value",
    [
        "4111&nbsp;1111&nbsp;1111&nbsp;1111",
        "4111</td><td>1111</td><td>1111</td><td>1111",
        "4111<br>1111<br>1111<br>1111",
        "4111\\ 1111\\ 1111\\ 1111",
        "4111%201111%201111%201111",
        "4111''1111''1111''1111",
    ],
)
def test_markup_and_escapes_between_the_groups_of_a_card_do_not_hide_it(value):
    assert ("card", value) in found(f"pan: {value}")
    assert ("card", value) in found(f"<p>{value}</p>")


def test_a_terminal_colour_before_a_card_is_no_part_of_it():
    assert ("card", CARD) in found(f"\x1b[31m{CARD}\x1b[0m")


def test_a_card_in_groups_of_its_own_is_found_where_it_is_called_one():
    assert ("card", "411111 1111111111") in found("card 411111 1111111111")
    assert found("411111 1111111111") == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [("%20pin: 4840", "pin"), ("\x1b[31mDOB: 21.03.1954", "date_of_birth"), ("\\u00e9PIN: 4840", "pin")],
)
def test_what_is_written_out_before_the_name_of_a_value_does_not_hide_it(text, kind):
    assert kind in {name for name, _ in found(text)}
