"""Static analysis of policies: conflicts, gaps, rules that never matter, each with a case that shows it."""

from handrail.policy.analyse.check import Checked, check
from handrail.policy.analyse.remarks import CODES, Level, Remark

__all__ = ["CODES", "Checked", "Level", "Remark", "check"]
