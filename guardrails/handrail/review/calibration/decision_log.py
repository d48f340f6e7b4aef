"""The decision log: one row for each scored answer, with its audit probability, draw and verdict.

Read from JSON lines or from a store; sorted by time and checked, since a log with gaps proves nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from handrail.bulk import BulkRun
from handrail.bulk.select import SelectJob, unreadable_lines
from handrail.errors import ConfigError
from handrail.policy.runtime.log_row import RESOLVED, SAMPLED, LogRow, UnreadableRow, read_row
from handrail.store.samples import scored, verdicts

if TYPE_CHECKING:
    from handrail.store.caller import CallerStore

Chance = Annotated[float, Field(ge=0, le=1)]


class LoggedAnswer(BaseModel):
    """One scored answer. Every answer is logged, also those that nobody checked.

    Args:
        exchange: id of the exchange.
        at: when it was decided, with its offset from UTC.
        score: the confidence that was compared with the threshold, 0..1, never rounded.
        method: how it was measured.
        model: name of the model that answered.
        prompt_sha256: digest of the prompt's fixed part.
        audit_probability: chance with which this answer was to be audited, fixed before the draw.
        audit_floor: smallest such chance in the audit plan that was in force; 1 if every answer was checked.
        audit_lowest: lowest score that the plan audits at all; none if it audits every score.
        audited: whether it was drawn; always true where the chance is 1.
        verdict: what a person found; missing while nobody has checked it.
        escalated: a person got the answer, so it was not passed.
        slice: the declared slice it belongs to.
        signals: every signal by name, for combining; missing ones null.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    exchange: str
    at: AwareDatetime
    score: Chance
    method: str
    model: str
    prompt_sha256: str
    audit_probability: Chance
    audit_floor: Chance | None = None
    audit_lowest: Chance | None = None
    audited: bool
    verdict: Literal["right", "wrong"] | None = None
    escalated: bool
    slice: str | None = None
    signals: Mapping[str, float | None] = {}

    @property
    def is_wrong(self) -> bool:
        """True unless a person found it right; a verdict that never came counts as wrong."""
        return self.verdict != "right"

    @property
    def is_known(self) -> bool:
        """True when it was drawn and judged; a verdict on an answer that was not drawn is ignored."""
        return self.audited and self.verdict is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPeriod:
    """Answers of one week under one audit plan, by time."""

    rows: tuple[LoggedAnswer, ...]
    floor: float
    lowest: float | None


def read_log(
    lines: Iterable[str], *, source: str = "<log>", tenant: str = "default"
) -> tuple[LoggedAnswer, ...]:
    """Read scored answers in JSON lines, or an export of the decision or the audit log, sorted by time.

    Args:
        lines: the rows.
        source: the name of the file, for messages.
        tenant: whose answers an export is read for.

    Raises:
        ConfigError: a row that cannot be read, one without its audit probability or draw, or one that
            contradicts itself; names line and field, never a value. Such rows are not skipped: a log that
            leaves answers out proves nothing.
    """
    return _checked(_scored_lines(list(lines), tenant), source)


def answers_job(tenant: str) -> SelectJob:
    """Return the job that keeps the scored answers of an export, and what people said of answers."""
    names = ("scored", "verdict", "labels", "model")
    return SelectJob(outcomes=(SAMPLED, RESOLVED), names=names, tenant=tenant, with_scored=True)


def read_export(found: BulkRun, *, source: str, tenant: str) -> tuple[LoggedAnswer, ...]:
    """Read the scored answers among the rows of `answers_job`, sorted by time; none if there are none.

    Raises:
        ConfigError: a line that cannot be read, or an answer that contradicts itself.
    """
    bad = unreadable_lines(found)
    if bad:
        # A log that leaves answers out proves nothing.
        raise ConfigError(
            f"{source}:{bad[0]}: cannot be read as a row of the decision log; "
            "handrail audit export and handrail log export write what is read here"
        )
    lines = [json.dumps(row) for row in scored_answers(found.rows(), tenant)]
    return _checked(lines, source) if lines else ()


def _checked(lines: Iterable[str], source: str) -> tuple[LoggedAnswer, ...]:
    rows, seen = [], set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _read_row(line, f"{source}:{number}")
        if row.exchange in seen:
            raise ConfigError(f"{source}:{number}: exchange: logged twice")
        seen.add(row.exchange)
        rows.append(row)
    if not rows:
        raise ConfigError(f"{source}: no rows")
    return tuple(sorted(rows, key=lambda row: row.at))


def _scored_lines(lines: Sequence[str], tenant: str) -> Sequence[str]:
    """Return the scored answers of an export, other lines as they are."""
    first = next((_json(line) for line in lines if line.strip()), None)
    if not isinstance(first, dict) or ("outcome" not in first and "kind" not in first):
        return lines
    records = (_json(line) for line in lines if line.strip())
    return [json.dumps(row) for row in scored_answers(records, tenant)]


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def scored_answers(records: Iterable[object], tenant: str) -> Iterator[dict[str, object]]:
    """Yield each scored answer of a tenant in an export once, with the verdict that people gave; pure.

    An answer that was handed off was right if everybody approved it as it was; see `store.samples.verdicts`.
    """
    answers: dict[str, dict[str, object]] = {}
    checked: dict[str, str] = {}
    resolved: dict[str, set[str]] = {}
    for row in _rows_of(records, tenant):
        if row.outcome == SAMPLED:
            checked[row.exchange] = row.verdict
        elif row.outcome == RESOLVED:
            resolved.setdefault(row.ticket, set()).add(row.verdict)
        elif row.scored:
            answers.setdefault(row.exchange, {"exchange": row.exchange, "at": row.at, **row.scored})
    for ticket, verdicts_ in resolved.items():
        if verdicts_ & _FINAL:
            checked.setdefault(ticket, "right" if verdicts_ <= _AS_IT_WAS else "wrong")
    for exchange, answer in answers.items():
        yield {**answer, "verdict": checked[exchange]} if exchange in checked else answer


_FINAL = frozenset({"approve", "edit", "reject", "answer"})
_AS_IT_WAS = frozenset({"approve", "agree"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnAnswer:
    """A passed answer that was drawn to be read, as a log tells of it; without a verdict while it waits."""

    exchange: str
    at: str
    model: str
    verdict: str
    labels: Mapping[str, str]


def drawn_answers(records: Iterable[object], tenant: str) -> Iterator[DrawnAnswer]:
    """Yield the passed answers of an export that were drawn, oldest first; pure."""
    drawn: dict[str, LogRow] = {}
    judged: dict[str, LogRow] = {}
    for row in _rows_of(records, tenant):
        if row.outcome == SAMPLED:
            judged[row.exchange] = row
        elif row.scored.get("audited") and not row.scored.get("escalated"):
            drawn.setdefault(row.exchange, row)
    for exchange, row in sorted({**judged, **drawn}.items(), key=lambda each: (each[1].at, each[0])):
        said = judged.get(exchange)
        yield DrawnAnswer(
            exchange=exchange,
            at=row.at,
            model=row.model,
            verdict=said.verdict if said else "",
            labels=said.labels if said else {},
        )


def _rows_of(records: Iterable[object], tenant: str) -> Iterator[LogRow]:
    for record in records:
        with suppress(UnreadableRow):
            row = read_row(record)
            if row is not None and row.tenant == tenant:
                yield row


def _read_row(line: str, place: str) -> LoggedAnswer:
    try:
        row = LoggedAnswer.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(step) for step in first["loc"]) or "row"
        if field in ("audit_probability", "audited") and first["type"] == "missing":
            raise ConfigError(
                f"{place}: {field} is missing; verdicts on answers that were not drawn by a logged chance "
                "(escalated ones alone, say) cannot bound the error of those that were passed"
            ) from error
        raise ConfigError(f"{place}: {field}: {first['type']}") from error
    if row.audited and row.audit_probability == 0:
        raise ConfigError(f"{place}: audited although its audit_probability is 0")
    if not row.audited and row.audit_probability == 1:
        raise ConfigError(f"{place}: not audited although its audit_probability is 1")
    return row


def periods(rows: Sequence[LoggedAnswer]) -> Iterator[AuditPeriod]:
    """Split sorted rows by week, and within a week where the audit plan changes.

    Raises:
        ConfigError: answers that may go unaudited, without the plan's floor.
    """
    start = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or _key(rows[index]) != _key(rows[start]):
            yield _period(rows[start:index])
            start = index


def _key(row: LoggedAnswer) -> tuple[int, int, float | None, float | None]:
    year, week, _ = row.at.isocalendar()
    return year, week, row.audit_floor, row.audit_lowest


def _period(rows: Sequence[LoggedAnswer]) -> AuditPeriod:
    floor, lowest = rows[0].audit_floor, rows[0].audit_lowest
    if floor is None:
        loose = next((row for row in rows if row.audit_probability < 1), None)
        if loose is not None:
            raise ConfigError(
                f"exchange {loose.exchange}: audit_floor is missing, and not every answer is audited"
            )
        floor = 1.0
    for row in rows:
        is_in_range = lowest is None or row.score >= lowest or row.audit_probability > 0
        if is_in_range and row.audit_probability < floor * (1 - 1e-12):
            raise ConfigError(f"exchange {row.exchange}: audit_probability lies below audit_floor")
    if floor == 0:
        raise ConfigError(f"exchange {rows[0].exchange}: audit_floor is 0, so nothing can be learned")
    return AuditPeriod(rows=tuple(rows), floor=floor, lowest=lowest)


def settled(rows: Sequence[LoggedAnswer], grace_days: float) -> tuple[LoggedAnswer, ...]:
    """Rows up to the first one that still waits for its verdict.

    Late verdicts delay everything after them. A verdict that is `grace_days` late, counted to the end of the
    log, is given up and counts as wrong.
    """
    end = rows[-1].at
    for index, row in enumerate(rows):
        waits = row.audited and row.verdict is None
        if waits and (end - row.at).total_seconds() < grace_days * 86_400:
            return tuple(rows[:index])
    return tuple(rows)


def log_lines(store: "CallerStore", tenant: str, since: datetime | None = None) -> Iterator[str]:
    """Yield one JSON line per scored answer, by time; see `calibrate_log.LoggedAnswer`.

    An exchange that was asked again under its own id counts once, as it was first decided.

    Args:
        store: whose record.
        tenant: whose answers.
        since: leave out what was decided before.
    """
    store.flush()
    with store.read(tenant) as tx:
        said, seen = verdicts(tx), set[str]()
        for at, exchange, row in scored(tx, since):
            if exchange in seen:
                continue
            seen.add(exchange)
            verdict = said.get(exchange)
            line = {"exchange": exchange, "at": at.isoformat(), **row}
            yield json.dumps(line if verdict is None else {**line, "verdict": verdict.value})


def read_store_log(
    store: "CallerStore", tenant: str, since: datetime | None = None
) -> tuple[LoggedAnswer, ...]:
    """Read a store's scored answers, sorted by time; none if there are none.

    Raises:
        ConfigError: a row that cannot be read.
    """
    lines = list(log_lines(store, tenant, since))
    return read_log(lines, source="store") if lines else ()


def require_rows(rows: tuple[LoggedAnswer, ...], tenant: str) -> tuple[LoggedAnswer, ...]:
    """Return the rows.

    Raises:
        ConfigError: there are none.
    """
    if not rows:
        raise ConfigError(
            f"no scored answer of tenant {tenant!r} is on record; a policy that names `thresholds:` or an "
            "`audit_rate:` puts them there"
        )
    return rows
