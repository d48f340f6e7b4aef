"""One reader of a path, for facts and for edits alike."""

import pytest

from handrail.text.paths import at

ORDER = {"items": [{"amount": 5}, {"amount": 7}], "0": "a key", "none": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((), ORDER),
        (("items", "1", "amount"), 7),
        (("0",), "a key"),
        (("items", "2", "amount"), None),
        (("items", "-1"), None),
        (("items", "amount"), None),
        (("none", "more"), None),
        (("0", "0"), None),
    ],
)
def test_mappings_go_by_key_and_lists_by_index(path: tuple[str, ...], found: object) -> None:
    assert at(ORDER, path) == found
