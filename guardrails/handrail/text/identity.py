"""When two names are the same person or customer."""

import unicodedata

from handrail.text.normalise import normalise


def identity(name: str) -> str:
    """Return the form in which names are compared; pure.

    Look-alike letters are folded, case, compatibility forms (NFKC) and invisible characters are gone, and
    white space is one blank inside and none around: `Fay`, `fay ` and full-width `ｆａｙ` are one name.
    """
    folded = unicodedata.normalize("NFKC", normalise(name).text.casefold())
    visible = "".join(
        char for char in folded if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")
    )
    return " ".join(visible.split())
