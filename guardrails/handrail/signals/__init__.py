"""What a conversation shows beside its words: requests for a person, complaints, disputes, faults."""

from handrail.signals.read import read_signals

__all__ = ["read_signals"]
