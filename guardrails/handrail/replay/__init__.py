"""Recorded conversations through a guard, as live traffic would go, set against how they really ended."""

from handrail.replay.facts import RecordedFacts, facts_maker
from handrail.replay.records import BadRecord, Record, read_records
from handrail.replay.report import Report, as_data
from handrail.replay.run import Replayed, Replayer, Stop

__all__ = [
    "BadRecord",
    "Record",
    "RecordedFacts",
    "Replayed",
    "Replayer",
    "Report",
    "Stop",
    "as_data",
    "facts_maker",
    "read_records",
]
