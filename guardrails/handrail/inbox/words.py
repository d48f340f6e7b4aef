"""What reviewers read, in their language: every string comes from one catalogue."""

from pathlib import Path
from typing import Final

from handrail.text.phrases import FALLBACK, Words, languages_in, read_words

__all__ = ["FALLBACK", "Words", "accepted", "languages", "words"]

FOLDER: Final = Path(__file__).parent / "catalogue"


def languages() -> tuple[str, ...]:
    """Return the languages there are, the fallback first."""
    return languages_in(FOLDER)


def words(language: str) -> Words:
    """Return the catalogue of a language, that of the fallback where there is none."""
    return read_words(FOLDER, language)


def accepted(header: str) -> str:
    """Return the first language of an `Accept-Language` header that there is; pure."""
    for part in header.split(","):
        code = part.partition(";")[0].strip().lower().partition("-")[0]
        if code in languages():
            return code
    return FALLBACK
