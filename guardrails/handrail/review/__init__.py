"""The weekly review of all tickets: figures, and proposals to read. It changes nothing by itself."""

from handrail.review.changes.proposal import Proposal
from handrail.review.figures.measure import Measures, Share, TicketGroup, measure, share
from handrail.review.log.cases import ChangedValue, ReviewCase, ReviewPeriod, TicketEnding, changes
from handrail.review.page.report import as_data, write
from handrail.review.training.evaluation import evaluation_cases, evaluation_lines
from handrail.review.week.weekly import WeeklyReview, propose, review

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
