import pytest

from handrail.scan import default_scanner


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Zebulon shouted across the yard", "Zebulon"),
        ("I met with Csanád P Gere there", "Csanád P Gere"),
        ("please change it to Ivan King", "Ivan King"),
        ("the verses from Terence Vassiliev's Cautionary Tales", "Terence Vassiliev"),
        ("my uncle Kwabenah", "Kwabenah"),
        ("我叫Jane Doe谢谢", "Jane Doe"),
        ("&#39;Jane Doe&#39;", "Jane Doe"),
    ],
)
def test_a_name_is_found_by_what_stands_in_and_around_it(text, name):
    found = [text[f.start : f.end] for f in default_scanner().scan(text) if f.type == "person"]
    assert found == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Thomas and Sons is a bakery",
        "we moved to 4923 Parmova Street",
        "it raises KeyError when PostgreSQL is away",
        "I live in Avenida Ulisses",
        "const Amber = 3;",
    ],
)
def test_firms_streets_and_names_in_code_are_no_people(text):
    assert "person" not in {f.type for f in default_scanner().scan(text)}
