"""Releases a stream piece by piece, as long as nothing in it could still be withheld."""

from collections.abc import Sequence

from handrail.scan import Scanner
from handrail.scan.stream import StreamScanner


class StreamRelease:
    """Says how much of one streamed answer may be shown already.

    What it has released holds no finding that any rule names, so the decision on the whole can change only
    what comes after it. From the first such finding on everything is held for that decision.

    Args:
        scanner: what looks for findings.
        types: finding types and categories that some rule names; None holds the stream to its end.
    """

    def __init__(self, scanner: Scanner, types: frozenset[str] | None) -> None:
        self._stream = None if types is None else StreamScanner(scanner, types)
        self._chunks: list[str] = []
        self._released = 0
        self._is_quoted = False

    @property
    def released(self) -> int:
        """How many of the chunks that were fed may be shown."""
        return self._released

    @property
    def shown(self) -> str:
        """The text of those chunks."""
        return "".join(self._chunks[: self._released])

    def feed(self, chunk: str) -> int:
        """Take the next chunk of text; return how many chunks, from the first on, may be shown by now."""
        return self.feed_all((chunk,))

    def feed_all(self, chunks: Sequence[str]) -> int:
        """Take chunks that came together, judged once; return how many of all may be shown by now."""
        self._chunks += chunks
        text = "".join(chunks)
        self._is_quoted = self._is_quoted or '"' in text
        if self._is_quoted and "\\" in text:
            # What an escape of JSON hides is read only when the text is whole.
            self._stream = None
        if self._stream is None:
            return self._released
        for piece in self._stream.feed_all(chunks):
            if piece != self._chunks[self._released]:
                self._stream = None
                break
            self._released += 1
        return self._released
