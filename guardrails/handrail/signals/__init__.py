"""What a conversation shows beside its words: requests for a person, complaints, disputes, topics, faults."""

from handrail.signals.read import read_signals, read_topics

__all__ = ["read_signals", "read_topics"]
