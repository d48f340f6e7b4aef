"""What people do with tickets: read, claim, decide, hand on. Every front end calls it; no HTTP here."""

from handrail.service.permissions import Operation
from handrail.service.policies import GivenPolicy, KeptPolicies, Policies
from handrail.service.proposal import PartPreview, PartProposal, Preview, Proposal, Receipt
from handrail.service.queries import ListPage, ListQuery, ListRow, Whose
from handrail.service.reviewer import Level, Reviewer, Scope
from handrail.service.screen import PartScreen, TicketScreen
from handrail.service.tickets import TicketService
from handrail.store.own import TokenRecord
from handrail.store.tickets.health import Conflict, Load, QueueHealth
from handrail.store.tickets.pauses import Pause

__all__ = [
    "Conflict",
    "GivenPolicy",
    "KeptPolicies",
    "Level",
    "ListPage",
    "ListQuery",
    "ListRow",
    "Load",
    "Operation",
    "PartPreview",
    "PartProposal",
    "PartScreen",
    "Pause",
    "Policies",
    "Preview",
    "Proposal",
    "QueueHealth",
    "Receipt",
    "Reviewer",
    "Scope",
    "TicketScreen",
    "TicketService",
    "TokenRecord",
    "Whose",
]
