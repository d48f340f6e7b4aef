"""When two names are the same person or customer."""

import unicodedata

from handrail.text.normalise import normalise

_ROUNDS = 8


def identity(name: str) -> str:
    """Return the form in which names are compared; pure.

    Look-alike letters are folded, case, compatibility forms (NFKC) and invisible characters are gone, and
    white space is one blank inside and none around: `Fay`, `fay ` and full-width `ｆａｙ` are one name.
    """
    # What one folding leaves may be a look-alike of its own; a few more reach the form that stays.
    for _ in range(_ROUNDS):
        folded = _folded(name)
        if folded == name:
            break
        name = folded
    return name


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", normalise(name).text.casefold())
    visible = "".join(
        char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")
    )
    return " ".join(visible.split())
