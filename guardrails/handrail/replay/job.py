"""A replay of every record of a file of any size; each record is judged by itself."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from handrail.bulk.job import MEASURED, RowFunction
from handrail.errors import CheckFailed
from handrail.policy import Policy, load
from handrail.records import Trigger
from handrail.replay.facts import FactSourceFactory, fact_source_factory
from handrail.replay.records import RecordedConversation, UnreadableLine, read_record
from handrail.replay.run import ReplayedRun, Replayer, StoppedCall

RENEWED_AFTER = 500
"""After so many records the tickets of a replay are thrown away, which bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """Replays each record. `sha256` is the policy's, `facts` names what makes a record's fact source.

    `now` is the moment at which everything happens, None for the present one.
    """

    policy: str
    sha256: str
    facts: str | None = None
    now: datetime | None = None

    def key(self) -> str:
        """Return what tells this job from others."""
        facts = hashlib.sha256((self.facts or "").encode()).hexdigest()
        return f"replay 1 {self.sha256} {facts} {self.now.isoformat() if self.now else ''}"

    def prepared(self) -> RowFunction:
        """Load the policy and return what replays one record."""
        maker = fact_source_factory(self.facts) if self.facts is not None else None
        replayers = _replayers(load(self.policy), self.now, maker)

        def row(line: int, record: object) -> Mapping[str, Any] | None:
            read = read_record(line, record)
            if isinstance(read, UnreadableLine):
                return {"line": line, "problem": read.problem, MEASURED: []}
            try:
                return write_run(next(replayers).run(read))
            except CheckFailed as error:
                return {"line": line, "problem": str(error), MEASURED: []}

        return row


def replay_job(policy: str, *, facts: str | None = None, now: datetime | None = None) -> ReplayJob:
    """Return the job of a policy file or a shipped policy.

    Raises:
        ConfigError: the policy or the fact source cannot be used.
    """
    if facts is not None:
        fact_source_factory(facts)
    loaded, file = load(policy), Path(policy)
    where = str(file.resolve()) if file.exists() else policy
    return ReplayJob(policy=where, sha256=loaded.ref.sha256, facts=facts, now=now)


def _replayers(policy: Policy, now: datetime | None, maker: FactSourceFactory | None) -> Iterator[Replayer]:
    """Yield what replays the next record, again and again, with a new store now and then."""
    from handrail.store import open_store

    while True:
        store = open_store("sqlite://", allow_volatile=True)
        try:
            replayer = Replayer(policy, store=store, now=now, facts=maker)
            for _ in range(RENEWED_AFTER):
                yield replayer
        finally:
            store.close()


def write_run(run: ReplayedRun) -> dict[str, Any]:
    """Return a run as a row: counts and codes, no words of the conversation; pure."""
    stop, record = run.stop, run.record
    return {
        "line": record.line,
        "task": record.task,
        "failed": record.is_failed,
        "transfer": record.wants_transfer,
        "has_gold": record.gold is not None,
        "exchanges": run.exchanges,
        "hand_offs": {str(name): count for name, count in run.hand_offs.items()},
        "rules": dict(run.rules),
        "blocks": run.blocks,
        "handed_off": run.is_handed_off,
        "stop": {"message": stop.message, "tool": stop.tool, "rules": stop.rules} if stop else None,
        "gold_rules": sorted(run.gold_rules) if run.gold_rules is not None else None,
        "gold_unsure": run.gold_unsure,
        MEASURED: run.micros,
    }


def read_runs(rows: Iterable[Mapping[str, Any]]) -> Iterator[ReplayedRun | UnreadableLine]:
    """Yield the run of each row, its record without words; or the line that held none. Pure."""
    for row in rows:
        if "problem" in row:
            yield UnreadableLine(line=row["line"], problem=row["problem"])
        else:
            yield _read_run(row)


def _read_run(row: Mapping[str, Any]) -> ReplayedRun:
    stop, gold = row["stop"], row["gold_rules"]
    return ReplayedRun(
        record=RecordedConversation(
            line=row["line"],
            task=row["task"],
            messages=(),
            is_failed=row["failed"],
            gold=() if row["has_gold"] else None,
            wants_transfer=row["transfer"],
            raw={},
        ),
        exchanges=row["exchanges"],
        hand_offs=Counter({Trigger(name): count for name, count in row["hand_offs"].items()}),
        rules=Counter(row["rules"]),
        blocks=row["blocks"],
        is_handed_off=row["handed_off"],
        stop=StoppedCall(message=stop["message"], tool=stop["tool"], rules=tuple(stop["rules"]))
        if stop
        else None,
        gold_rules=frozenset((rule, tool) for rule, tool in gold) if gold is not None else None,
        gold_unsure=row["gold_unsure"],
        micros=row[MEASURED],
    )
