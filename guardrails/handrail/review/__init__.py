"""The weekly review of all tickets: figures, and proposals to read. It changes nothing by itself."""

from handrail.review.cases import ChangedValue, ReviewCase, ReviewPeriod, TicketEnding, changes
from handrail.review.evaluation import evaluation_cases, evaluation_lines
from handrail.review.measure import Measures, Share, TicketGroup, measure, share
from handrail.review.proposal import Proposal
from handrail.review.report import as_data, write
from handrail.review.weekly import WeeklyReview, propose, review

__all__ = [
    "ChangedValue",
    "Measures",
    "Proposal",
    "ReviewCase",
    "ReviewPeriod",
    "Share",
    "TicketEnding",
    "TicketGroup",
    "WeeklyReview",
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
