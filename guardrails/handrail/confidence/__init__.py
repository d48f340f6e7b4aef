"""How sure a model is of an answer: scored, calibrated, held against a threshold. Pure; makes no call.

Scoring one answer needs the standard library only. What learns from verdicts is in `fit` and needs numpy.
"""

from handrail.confidence.scorers.agreement import agreement
from handrail.confidence.scorers.score import score

__all__ = ["agreement", "score"]
