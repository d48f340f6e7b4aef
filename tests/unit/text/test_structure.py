import pytest

from handrail.text.structure import ITEM, REST, Form, Row, Structure
from handrail.text.values import read

CARD = "4539148803436467"


@pytest.mark.parametrize("form", [form for form in Form if form is not Form.ANY])
@pytest.mark.parametrize(
    "words", [CARD, f"-{CARD}", "4539-1488-0343-6467", "nora@example.org", "words of Nora"]
)
def test_nothing_that_could_be_somebodys_has_the_form_of_structure(form: Form, words: str) -> None:
    assert not form.fits(words)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.NAME, "web_search_20250305"),
        (Form.ID, "gpt-4o-2024-08-06"),
        (Form.ID, "chatcmpl-9a"),
        (Form.SEALED, "gAAAAB+/="),
        (Form.COUNT, "-0.25"),
        (Form.COUNT, "1e-05"),
        (Form.INDEX, "3"),
        (Form.INDEX, "lc_txt_0"),
        (Form.TIME, "2026-11-28 09:30:00.123456+00:00"),
        (Form.TIME, "2026-11-28T09:30:00Z"),
        (Form.TIME, "1767225600"),
        (Form.TIME, "5043500667"),
    ],
)
def test_what_a_provider_writes_there_has_it(form: Form, text: str) -> None:
    assert form.fits(text)


@pytest.mark.parametrize("moment", [f"2026-11-28{CARD}", f"2026-11-28 {CARD}", f"2026-11-28T09:30+{CARD}"])
def test_a_number_behind_a_date_is_no_moment(moment: str) -> None:
    assert not Form.TIME.fits(moment)


def test_a_place_is_structure_only_while_its_value_looks_so() -> None:
    table = Structure(
        (
            Row((("items", ITEM, "id"),), Form.ID, "names an item"),
            Row((("usage", REST),), Form.COUNT, "counts"),
        )
    )
    value = {"items": [{"id": "a1"}, {"id": CARD}], "usage": {"tokens": 3, "card": int(CARD)}}
    assert [leaf.text for leaf in table.of(read(value).leaves)] == [CARD, CARD]
