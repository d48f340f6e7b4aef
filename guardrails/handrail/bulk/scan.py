"""What is sensitive in each row of a file, and the row without it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from handrail.bulk.chunks import Form, Line
from handrail.bulk.job import RowFunction
from handrail.records import Finding
from handrail.scan import Scanner, default_scanner, redact
from handrail.scan.redact import Style
from handrail.text.json_data import leaves, mapped, written

FORMS: Mapping[str, Form] = {".jsonl": "lines", ".csv": "cells"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFinding:
    """One finding of a row, as data; line and column count from 1.

    `field` is empty where the row is one text, else a JSON path or the column of a table. `masked` is the
    value, made unreadable.
    """

    line: int
    column: int
    field: str
    type: str
    category: str
    start: int
    end: int
    score: float
    note: str
    masked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanJob:
    """Scans each row: the values of JSON lines, of CSV and of Parquet, any other file as one text.

    Args:
        only: types or categories to look at, all if empty.
        style: how what is found is replaced; nothing is written anew without it.
        secret: key of the style `hmac`.
    """

    only: tuple[str, ...] = ()
    style: Style | None = None
    secret: bytes | None = field(default=None, repr=False)

    def key(self) -> str:
        """Return what tells this job from others."""
        secret = hashlib.sha256(self.secret or b"").hexdigest()
        return f"scan 1 {','.join(self.only)} {self.style} {secret}"

    def form_of(self, path: Path) -> Form:
        """Return the form of a file, by its name."""
        return FORMS.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower(), "whole")

    def prepared(self) -> RowFunction:
        """Make a scanner and return what scans one row."""
        return RowScan(scanner=default_scanner(), job=self).row


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScan:
    """Scans rows of any form."""

    scanner: Scanner
    job: ScanJob

    def row(self, line: int, record: Any) -> Mapping[str, Any] | None:
        """Return the findings of a row and, with a style, the row without them; None if that is nothing."""
        found = [asdict(one) for one in self._found(line, record)]
        if self.job.style is None:
            return {"line": line, "found": found} if found else None
        return {"line": line, "found": found, "text": self._without(record)}

    def _found(self, line: int, record: Any) -> Iterator[ScannedFinding]:
        for place, text in _texts(record):
            for finding in self._wanted(text):
                before, value = text[: finding.start], text[finding.start : finding.end]
                yield ScannedFinding(
                    line=line + (before.count("\n") if not place else 0),
                    column=finding.start - (before.rfind("\n") + 1) + 1,
                    field=place,
                    type=finding.type,
                    category=finding.category,
                    start=finding.start,
                    end=finding.end,
                    score=finding.score,
                    note=finding.note,
                    masked=redact(value, [replace(finding, start=0, end=len(value))], style="mask"),
                )

    def _wanted(self, text: str) -> list[Finding]:
        only = self.job.only
        return [
            one for one in self.scanner.scan(text) if not only or one.type in only or one.category in only
        ]

    def _without(self, record: Any) -> str:
        """Return a row without what is found in it, its form kept."""
        if isinstance(record, str):
            return self._clean(record)
        if isinstance(record, Line) and record.data is None:
            return self._clean(record.text) + "\n"
        if isinstance(record, list):
            into = io.StringIO()
            csv.writer(into, lineterminator="\n").writerow([self._clean(cell) for cell in record])
            return into.getvalue()
        data = record.data if isinstance(record, Line) else record
        return json.dumps(mapped(data, self._leaf, key=self._clean), ensure_ascii=False, default=str) + "\n"

    def _leaf(self, _: object, leaf: object) -> object:
        text = _text_of(leaf)
        if text is None:
            return leaf
        clean = self._clean(text)
        return leaf if clean == text else clean

    def _clean(self, text: str) -> str:
        return redact(text, self._wanted(text), style=self.job.style or "label", key=self.job.secret)


def _texts(record: Any) -> Iterator[tuple[str, str]]:
    """Yield each text of a row and where it stands: a JSON path, a column, or nowhere if it is the row."""
    if isinstance(record, str):
        yield "", record
    elif isinstance(record, Line) and record.data is None:
        yield "", record.text
    elif isinstance(record, list):
        yield from ((f"column {number}", cell) for number, cell in enumerate(record, 1))
    else:
        for path, leaf in leaves(record.data if isinstance(record, Line) else record):
            if (text := _text_of(leaf)) is not None:
                yield written(("$", *path)), text


def _text_of(leaf: object) -> str | None:
    """Return a leaf as it is scanned: a text, or anything else as written; None for what holds no words."""
    if leaf is None or isinstance(leaf, bool):
        return None
    return leaf.decode("utf-8", "surrogateescape") if isinstance(leaf, bytes) else str(leaf)
