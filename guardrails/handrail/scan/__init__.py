"""Text to findings: what is sensitive in a text, where it lies, and the text without it."""

from typing import TYPE_CHECKING

from handrail.scan.redact import redact
from handrail.scan.spec import EntitySpec, ListedValue, Origin, ScanSpec

if TYPE_CHECKING:
    from handrail.scan.scanner import CachedScanner, Scanner, default_scanner

__all__ = [
    "CachedScanner",
    "EntitySpec",
    "ListedValue",
    "Origin",
    "ScanSpec",
    "Scanner",
    "default_scanner",
    "redact",
]


def __getattr__(name: str) -> object:
    if name in ("CachedScanner", "Scanner", "default_scanner"):
        from handrail.scan import scanner

        return getattr(scanner, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
