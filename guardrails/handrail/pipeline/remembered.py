"""Findings of texts that were scanned before: a conversation's history comes again with every turn."""

from hashlib import blake2b

from handrail.records import Finding
from handrail.scan import Scanner

ENTRIES = 4096
SHORTEST = 64


class Remembered:
    """A scanner that knows what it has found in its latest texts; safe between threads.

    It keeps digests and spans, no text. Short texts are scanned faster than they are looked up.
    """

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._found: dict[bytes, tuple[Finding, ...]] = {}

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return the findings in a text, as the scanner does."""
        if len(text) < SHORTEST:
            return self._scanner.scan(text)
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()
        found = self._found.get(key)
        if found is None:
            found = self._scanner.scan(text)
            if len(self._found) >= ENTRIES:
                # Another thread may empty it at the same time; both then start anew, which costs time only.
                self._found.clear()
            self._found[key] = found
        return found
