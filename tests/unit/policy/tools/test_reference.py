from pathlib import Path

from handrail.policy.tools.reference import reference

ROOT = Path(__file__).parents[4]


def test_the_committed_reference_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "reference" / "policy.md").read_text() == reference()
