"""Redacts a text while it arrives and lets go of everything that can no longer become a finding."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from handrail.records import Finding
from handrail.scan.redact import Style, clusters, replacer
from handrail.scan.scanner import Scanner
from handrail.scan.stream_horizon import Horizon, StreamJudge, stream_judge
from handrail.text.carried import carrier_start
from handrail.text.normalise import foreign_start, normalise

BOUND = 8192
"""At most this many characters are held back; what is longer is withheld as a whole."""

STEP = 8
"""What is new is judged once it is this many characters, so that short tokens cost little."""

WITHHELD = "[WITHHELD]"
"""What stands in the text for a run that outgrew the bound."""

_KEPT = 160
_SLACK = 256

Replace: TypeAlias = Callable[[str, Finding], str]


class _Cut(NamedTuple):
    """A decided replacement; offsets count from the start of the stream."""

    start: int
    end: int
    replacement: str


class StreamScanner:
    """Takes a text chunk by chunk and gives each chunk back, redacted, as soon as it is safe.

    For every way of cutting a text into chunks, the pieces together equal the redaction of the whole
    text, and no piece holds any part of a value that is redacted. One piece is given back for every
    chunk, in order, so whatever belongs to a chunk (log-probabilities, ids) stays aligned: a piece that
    equals its chunk is untouched.

    A run that could still become a finding after `BOUND` characters is withheld: `[WITHHELD]` takes its
    place, and what follows is dropped until the run has ended. With analyzers in the scanner's specification,
    which cannot judge a part, everything is held to the end.
    """

    def __init__(
        self,
        scanner: Scanner,
        redact_types: frozenset[str] | None = None,
        style: Style | Replace = "label",
        *,
        key: bytes | None = None,
    ) -> None:
        """Start a stream.

        Args:
            scanner: What looks for findings.
            redact_types: Types and categories to redact, None for all. Others are reported only.
            style: A style of `redact`, or a function from value and finding to its replacement.
            key: Key for the style `hmac`.
        """
        self._scanner = scanner
        self._types = redact_types
        self._replace: Replace = style if callable(style) else replacer(style, key)
        self._judge: StreamJudge = stream_judge(scanner, redact_types)
        self._buffer = ""
        self._base = 0
        self._judged = 0
        self._released = 0
        self._ends: deque[int] = deque()
        self._cuts: deque[_Cut] = deque()
        self._counts: Counter[str] = Counter()
        self._resume: dict[int, int] = {}
        self._whole: list[str] = []
        self._withheld: list[Finding] = []
        self._found: list[Finding] = []
        self._fresh = 0
        self._is_swallowing = False
        self._is_closed = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, with offsets in the whole text; complete once `finish` has been called."""
        return tuple(self._found)

    @property
    def held(self) -> int:
        """How many characters are held back now."""
        return self._base + len(self._buffer) - self._released

    def feed(self, chunk: str) -> tuple[str, ...]:
        """Take the next chunk; return the pieces of the chunks that are safe now, often one, or none."""
        return self.feed_all((chunk,))

    def feed_all(self, chunks: Sequence[str]) -> tuple[str, ...]:
        """Take chunks that came together, and judge them once; return the pieces that are safe now."""
        self._whole += chunks
        end = self._base + len(self._buffer)
        for chunk in chunks:
            end += len(chunk)
            self._ends.append(end)
        come = "".join(chunks)
        self._buffer += come
        if self._is_closed or self._scanner.spec.analyzers:
            return self._release()
        self._fresh += len(come)
        if self._fresh < STEP:
            return ()
        self._fresh = 0
        self._advance(is_final=False)
        return self._release()

    def finish(self) -> tuple[str, ...]:
        """Return the pieces of all chunks that are left; nothing may be fed after it."""
        whole = "".join(self._whole)
        if self._scanner.spec.analyzers:
            self._cut(self._wanted(self._scanner.scan(whole)))
            self._judged = len(whole)
        elif not self._is_closed:
            self._advance(is_final=True)
        else:
            self._judged = len(whole)
        pieces = self._release()
        self._found = [*self._scanner.scan(whole), *self._withheld]
        return pieces

    def _advance(self, *, is_final: bool) -> None:
        view = normalise(self._buffer)
        start = self._judged - self._base
        # What an invisible run says may go on to the end of the text.
        settled = (
            len(self._buffer)
            if is_final
            else min(foreign_start(self._buffer), carrier_start(self._buffer, start))
        )
        horizon = self._judge.advance(
            view, start, self._resume, needed=self._next_end(), settled=None if is_final else settled
        )
        if horizon is None or min(horizon.raw_end, settled) <= start:
            self._bound()
            return
        # An invisible character belongs to the visible one before it, and may carry something.
        end = self._base + min(horizon.raw_end, settled)
        if self._is_swallowing:
            self._cuts.append(_Cut(self._judged, end, ""))
            self._is_swallowing = False
        else:
            self._cut(self._wanted([*self._counted(horizon), *self._invisible(is_final=is_final)]))
        self._judged = end if not self._is_closed else self._base + len(self._buffer)
        self._resume = {index: last for index, last in horizon.resume.items() if last > horizon.end - _KEPT}
        self._trim(view.text, horizon)

    def _invisible(self, *, is_final: bool) -> list[Finding]:
        """Return what invisible characters carry; what follows the first of them is held to the end."""
        found = self._scanner.carried(self._buffer) if is_final else []
        return [_moved(finding, self._base) for finding in found]

    def _next_end(self) -> int:
        """Offset in the buffer up to which must be judged before another chunk can go."""
        return (self._ends[0] if self._ends else self._judged) - self._base

    def _counted(self, horizon: Horizon) -> Iterable[Finding]:
        limit = self._scanner.spec.max_findings
        for finding in horizon.findings:
            self._counts[finding.type] += 1
            if self._counts[finding.type] > limit:
                continue
            placed = _moved(finding, self._base)
            self._found.append(placed)
            yield placed
            if self._counts[finding.type] == limit and self._is_wanted(finding):
                self._is_closed = True
                return

    def _is_wanted(self, finding: Finding) -> bool:
        types = self._types
        return types is None or finding.type in types or finding.category in types

    def _wanted(self, findings: Iterable[Finding]) -> list[Finding]:
        return [finding for finding in findings if self._is_wanted(finding)]

    def _cut(self, findings: list[Finding]) -> None:
        for start, end, finding in clusters(findings):
            value = self._buffer[start - self._base : end - self._base]
            self._cuts.append(_Cut(start, end, self._replace(value, finding)))
        if self._is_closed and self._cuts:
            last = self._cuts.pop()
            self._cuts.append(last._replace(end=1 << 62))

    def _bound(self) -> None:
        end = self._base + len(self._buffer)
        if end - self._judged <= BOUND:
            return
        if not self._is_swallowing:
            note = f"a run of more than {BOUND} characters, withheld"
            self._withheld.append(
                Finding(type="endless_run", category="credential", start=self._judged, end=end, note=note)
            )
        self._cuts.append(_Cut(self._judged, end, "" if self._is_swallowing else WITHHELD))
        self._is_swallowing = True
        self._judged = end

    def _release(self) -> tuple[str, ...]:
        pieces = []
        while self._ends and self._ends[0] <= self._judged:
            end = self._ends.popleft()
            pieces.append(self._piece(end))
            self._released = end
        return tuple(pieces)

    def _piece(self, end: int) -> str:
        """Return the text from what was released last to `end`, with what was decided about it."""
        at = self._released
        if not self._cuts:
            return self._buffer[at - self._base : end - self._base]
        written = []
        while self._cuts and self._cuts[0].start < end:
            cut = self._cuts[0]
            if cut.start >= at:
                written.append(self._buffer[at - self._base : cut.start - self._base])
                written.append(cut.replacement)
            at = min(cut.end, end)
            if cut.end > end:
                break
            self._cuts.popleft()
        written.append(self._buffer[at - self._base : end - self._base])
        return "".join(written)

    def _trim(self, text: str, horizon: Horizon) -> None:
        """Forget what is neither held back nor needed as context."""
        spare = min(self._judged, self._released) - self._base - _KEPT
        if spare < _SLACK:
            return
        spare = max(0, foreign_start(self._buffer[: spare + 1]) - 1)
        kept = normalise(self._buffer[spare:]).text
        moved = len(text) - len(kept)
        self._resume = {index: last - moved for index, last in self._resume.items()}
        self._buffer = self._buffer[spare:]
        self._base += spare


def _moved(finding: Finding, offset: int) -> Finding:
    return Finding(
        type=finding.type,
        category=finding.category,
        start=finding.start + offset,
        end=finding.end + offset,
        score=finding.score,
        scanner=finding.scanner,
        note=finding.note,
    )
