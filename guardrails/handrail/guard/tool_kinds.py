"""Whether a tool reads or acts, as its framework declares it. A policy's `tools:` goes before it."""

from collections.abc import Mapping
from typing import Final

READS: Final = "reads"
ACTS: Final = "acts"

_READS_ONLY: Final = ("readOnlyHint", "read_only_hint", "read_only")
_DESTROYS: Final = ("destructiveHint", "destructive_hint", "destructive")


def kind_declared(annotations: object) -> str | None:
    """Return what annotations such as MCP's say of a tool, None if they say nothing; pure, never raises.

    Only `True` declares that a tool reads; one that is said to destroy something as well acts.
    """
    only_reads, destroys = _said(annotations, _READS_ONLY), _said(annotations, _DESTROYS)
    if only_reads is True and destroys is not True:
        return READS
    return ACTS if only_reads is not None or destroys is True else None


def _said(annotations: object, names: tuple[str, ...]) -> object:
    for name in names:
        given = (
            annotations.get(name) if isinstance(annotations, Mapping) else getattr(annotations, name, None)
        )
        if given is not None:
            return given
    return None
