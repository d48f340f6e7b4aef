"""Sends recorded conversations through a guard and compares the result with how they ended."""

from handrail.replay.facts import RecordedFacts, fact_source_factory
from handrail.replay.job import ReplayJob, read_runs, replay_job
from handrail.replay.records import RecordedConversation, UnreadableLine, read_records
from handrail.replay.report import ReplayReport, as_data
from handrail.replay.run import ReplayedRun, Replayer, StoppedCall
from handrail.replay.tau2 import as_lines

__all__ = [
    "RecordedConversation",
    "RecordedFacts",
    "ReplayJob",
    "ReplayReport",
    "ReplayedRun",
    "Replayer",
    "StoppedCall",
    "UnreadableLine",
    "as_data",
    "as_lines",
    "fact_source_factory",
    "read_records",
    "read_runs",
    "replay_job",
]
