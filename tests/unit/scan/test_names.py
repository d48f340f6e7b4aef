import pytest

from handrail.scan import default_scanner


def people(text: str) -> list[str]:
    return [text[f.start : f.end] for f in default_scanner().scan(text) if f.type == "person"]


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


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("my name is jane doe and i want my money back", ["jane doe"]),
        ("this is thomas okafor speaking", ["thomas okafor"]),
        ("regards, maria lindqvist", ["maria lindqvist"]),
        ("mr. elliott called", ["elliott"]),
        ('{"name": "jane doe"}', ["jane doe"]),
    ],
)
def test_a_name_in_lower_case_is_found_behind_what_leads_up_to_one(text, names):
    assert people(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "i am tired",
        "dear mark my words",
        "my name is spelled wrong",
        "thanks will do",
        "contact art department",
        "name: none",
    ],
)
def test_lower_case_words_that_are_words_too_are_no_names(text):
    assert people(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna, Bert, Xaviera and Zorg were there", ["Anna", "Bert", "Xaviera", "Zorg"]),
        ("They had six: Gaetane, Hannah and Derek.", ["Gaetane", "Hannah", "Derek"]),
        ("Attendees: Amara, Kofi, Yuto", ["Amara", "Kofi", "Yuto"]),
        ("Anna & Bert", ["Anna", "Bert"]),
    ],
)
def test_everybody_in_a_list_of_names_is_found(text, names):
    assert people(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Ernst & Young",
        "Baker & McKenzie called",
        "Johnson & Johnson",
        "Hawkins, Richardson and Santana LLP",
        "Morgan Stanley advised us",
        "a Ralph Lauren shirt",
        "Jane's Bakery",
        "Victoria Station",
        "Wells Fargo declined",
        "the Obama Foundation",
    ],
)
def test_companies_shops_and_places_called_like_people_are_no_people(text):
    assert people(text) == []
