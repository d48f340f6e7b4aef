"""Why a person took a step, in their own words: sealed inside the audit chain.

The words go into the chain's entry encrypted with the key of the ticket's data subject, as a resolution's
words are in their row. So the log shows them to nobody without the store's keys, erasing the subject erases
them too, and the chain stays whole. Older entries have them in clear and are read as they are.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from handrail.errors import StoreUnavailable
from handrail.store.crypto.sealing import Erased
from handrail.store.transaction import Transaction

ERASED: Final = "erased"
_SEALED: Final = "_sealed"
_CODE: Final = re.compile(r"[a-z]{1,40}(_[a-z]{1,40}){0,7}")


def sealed_words(tx: Transaction, row: Row[Any], name: str, words: str) -> dict[str, str]:
    """Return what an entry's data holds of somebody's words under a name: nothing where none were said."""
    if not words:
        return {}
    if row.content is None:
        # Nobody could read them any more.
        return {name + _SEALED: ""}
    blob = tx.sealed_like(row, _part(name), words)
    return {name + _SEALED: base64.b64encode(blob).decode()}


def code_or_sealed(tx: Transaction, row: Row[Any], name: str, code: str) -> dict[str, str]:
    """Return a reason for figures as it is where it is a code such as `wrong_amount`, otherwise sealed."""
    return {name: code} if not code or _CODE.fullmatch(code) else sealed_words(tx, row, name, code)


def opened_words(tx: Transaction, ticket: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's data with sealed words opened, `erased` in place of those whose key is gone.

    Raises:
        StoreUnavailable: they were altered, or the keys are out of reach.
    """
    found = dict(data)
    for sealed in [name for name in data if name.endswith(_SEALED)]:
        name = sealed.removesuffix(_SEALED)
        found[name] = _opened(tx, ticket, name, str(found.pop(sealed)))
    return found


def _opened(tx: Transaction, ticket: str, name: str, text: str) -> str:
    if not text:
        return ERASED
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        raise StoreUnavailable("decrypt", why=f"{name} of ticket {ticket} was altered") from None
    try:
        return tx.opened(blob, ticket, _part(name))
    except Erased:
        return ERASED


def _part(name: str) -> str:
    return f"words:{name}"
