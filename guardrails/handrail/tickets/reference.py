"""The reference of a ticket: short enough to say on the telephone, unique within its tenant. Pure."""

import hashlib
import re

from handrail.text.references import ALPHABET, FIRST, LENGTH, PREFIX

_FORM = f"{PREFIX}-{'#' * FIRST}-{'#' * (LENGTH - FIRST)}"
_SHAPE = re.compile(rf"(?:{PREFIX}-?)?([{ALPHABET}]{{1,{FIRST}}}(?:-?[{ALPHABET}]{{0,{LENGTH - FIRST}}}))")


def reference_of(tenant: str, ticket: str, attempt: int = 0) -> str:
    """Return a ticket's reference, as `HR-7K3F-2Q`; pure.

    Args:
        tenant: whose ticket it is.
        ticket: its id.
        attempt: which of the references that the id gives, counted up while another ticket has it.
    """
    number = int.from_bytes(hashlib.sha256(f"{tenant}|{ticket}|{attempt}".encode()).digest()[:8])
    letters = ""
    for _ in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters += ALPHABET[rest]
    return f"{PREFIX}-{letters[:FIRST]}-{letters[FIRST:]}"


def reference_prefix(said: str) -> str | None:
    """Return the beginning of a reference as it is written, from how people write it; None for none; pure.

    `hr 7k3f2q`, `7K3F` and `HR-7K3F-2Q` are all beginnings of one.
    """
    match = _SHAPE.fullmatch("-".join(said.upper().split()))
    if match is None:
        return None
    letters = match.group(1).replace("-", "")
    tail = f"-{letters[FIRST:]}" if len(letters) > FIRST else ""
    return f"{PREFIX}-{letters[:FIRST]}{tail}"


def reference_bounds(prefix: str) -> tuple[str, str]:
    """Return the first and the last reference that can begin so, in the order of any language; pure."""
    rest = _FORM[len(prefix) :]
    return prefix + rest.replace("#", ALPHABET[0]), prefix + rest.replace("#", ALPHABET[-1])
