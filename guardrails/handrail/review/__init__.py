"""The weekly look at all tickets: measured, with proposals to read. It changes nothing by itself."""

from handrail.review.cases import Case, Change, Ending, Period, changes
from handrail.review.evaluation import evaluation_cases, evaluation_lines
from handrail.review.measure import Group, Measures, Share, measure, share
from handrail.review.propose import Kind, Proposal, propose
from handrail.review.report import Report, as_data, review, write

__all__ = [
    "Case",
    "Change",
    "Ending",
    "Group",
    "Kind",
    "Measures",
    "Period",
    "Proposal",
    "Report",
    "Share",
    "as_data",
    "changes",
    "evaluation_cases",
    "evaluation_lines",
    "measure",
    "propose",
    "review",
    "share",
    "write",
]
