"""The reference pages are what the code says."""

import runpy
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES: dict[str, str] = runpy.run_path(str(REFERENCE / "generate.py"))["pages"]()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name], "run: python docs/reference/generate.py"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_says_what_is_stable(name: str) -> None:
    assert "**Stable:**" in PAGES[name]
    assert "**Deprecation:**" in PAGES[name]
