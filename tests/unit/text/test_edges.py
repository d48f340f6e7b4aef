import pytest

from handrail.text.edges import Edge, extent, holds_whole, is_apart, is_whole

DIGITS = "4111111111111111"


def whole(text: str, value: str, edge: str) -> bool:
    start = text.index(value)
    return is_whole(text, start, start + len(value), edge)


@pytest.mark.parametrize(
    "left", ["", " ", "#", "_", "card_", "=", ":", "|", "/", "&", "+", "карта", "号", "é", "x_", "(", "<b>"]
)
@pytest.mark.parametrize(
    "right", ["", " ", "_", "|", "/", "&", "+", ",", ",12/27", "です", "ครับ", "</b>", '"', "%20", "\\n"]
)
def test_digits_end_at_everything_but_letters_and_digits_of_their_script(left, right):
    assert whole(left + DIGITS + right, DIGITS, "digits")


@pytest.mark.parametrize(
    "text", ["x4111111111111111", "4111111111111111a", "0.4111111111111111", "4111111111111111.5"]
)
def test_digits_are_no_value_inside_a_longer_token_or_a_decimal(text):
    assert not whole(text, DIGITS, "digits")


def test_a_separator_of_its_own_kind_that_leads_to_a_digit_makes_a_value_longer():
    assert not whole("1-536-22-8145", "536-22-8145", "digits")
    assert whole("1,536-22-8145", "536-22-8145", "digits")


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("an std here", True),
        ("**std**", True),
        ("_std_", True),
        ("std::vector", False),
        ("df.std()", False),
        ("my_std_value", False),
        ("std(s)", True),
        ("я std", True),
        ("яstd", True),
        ("xstd", False),
        ("éstd", False),
    ],
)
def test_a_word_stands_by_itself_unless_it_is_part_of_another_or_of_a_name_in_code(text, is_alone):
    start = text.index("std")
    assert is_apart(text, start, start + 3) is is_alone


@pytest.mark.parametrize(
    ("text", "match", "value"),
    [
        ("то jane@example.com", "jane@example.com", "jane@example.com"),
        ("почтаjane@example.com", "почтаjane@example.com", "jane@example.com"),
        ("jane@example.comです", "jane@example.comです", "jane@example.com"),
        ("\\nann@example.org", "nann@example.org", "ann@example.org"),
        ("%20ann@example.org", "20ann@example.org", "ann@example.org"),
        ("'ann@example.org'", "'ann@example.org", "ann@example.org"),
        ("_ann@example.org_", "_ann@example.org", "ann@example.org"),
        ("a+b@example.org", "a+b@example.org", "a+b@example.org"),
        ("o'neil@example.org", "o'neil@example.org", "o'neil@example.org"),
    ],
)
def test_a_mail_address_ends_where_its_alphabet_and_script_end(text, match, value):
    start = text.index(match)
    first, last = extent(text, start, start + len(match), "atom")
    assert text[first:last] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://example.com/a?b=1.", "https://example.com/a?b=1"),
        ("https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("https://example.com/a**", "https://example.com/a"),
        ("https://example.com/aをご覧", "https://example.com/a"),
        ("https://example.com/wiki/Москва", "https://example.com/wiki/Москва"),
    ],
)
def test_a_web_address_leaves_the_sentences_signs_to_the_sentence(text, value):
    first, last = extent(text, 0, len(text), "link")
    assert text[first:last] == value


@pytest.mark.parametrize(
    "text",
    [
        '= os.environ["PW"]',
        ": Optional[str]",
        "= getpass.getpass()",
        "= var.db_password",
        "= $PASSWORD",
        "= new_password",
        ": !vault |",
        "= env::var(x)",
        "= ${PW}",
        ": &str",
        "= :password",
    ],
)
def test_what_is_looked_up_called_or_typed_is_no_assigned_value(text):
    value = text[2:].partition("[")[0].partition("(")[0].partition(" ")[0]
    assert not is_whole(text, 2, 2 + len(value), "assigned")


@pytest.mark.parametrize(
    "text", ["= hunter2", "= Tr0ub4dor&3", "= jane.doe99", "= !QAZ2wsx", '= "os.environ"']
)
def test_what_is_written_out_is_an_assigned_value(text):
    start = 3 if '"' in text else 2
    assert is_whole(text, start, len(text) - (start == 3), "assigned")


@pytest.mark.parametrize(
    ("before", "value", "after", "edge", "expected"),
    [
        ("call ", "555", " now", "word", True),
        ("a", "555", "", "word", False),
        ("_", "555", "", "word", True),
        ("é", "555", "", "word", True),
        ("a", "555", "b", "none", True),
        ("$", "555", "", "number", False),
        ("12-", "555", "", "number", False),
        ("x-", "555", "", "number", True),
        ("", "555", ".5", "number", False),
        ("", "555", ". Yes", "number", True),
        ("/", "key", "", "token", True),
        ("a", "key", "+", "token", False),
        (".", "key", "", "token", True),
    ],
)
def test_a_value_is_whole_unless_something_longer_holds_it(
    before: str, value: str, after: str, edge: Edge, expected: bool
) -> None:
    start = len(before)
    assert is_whole(before + value + after, start, start + len(value), edge) is expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("pay 1,250.00 USD", "1250", True),
        ("pay 1250.50 USD", "1250", False),
        ("pay 11250 USD", "1250", False),
        ("to ACME Ltd.", "acme", True),
        ("to acmeco", "acme", False),
    ],
)
def test_a_value_stands_in_a_text_as_a_whole_word_only(text: str, value: str, expected: bool) -> None:
    assert holds_whole(text, value) is expected
