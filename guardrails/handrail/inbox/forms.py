"""Reads the forms that pages send."""

from typing import TypeAlias
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

_MOST_FIELDS = 1000

Form: TypeAlias = ImmutableMultiDict[str, str]
"""A form's fields; `getlist` gives those that were sent more than once."""


def read_form(body: bytes) -> Form:
    """Return the fields of a form; raises ValueError if it cannot be read, or has too many."""
    return Form(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
