"""Whether a permit, an approval or a ticket is about exactly the call that is to run."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from handrail.errors import CheckFailed
from handrail.guard.context import current
from handrail.guard.threads import in_thread
from handrail.records import ToolCall
from handrail.tickets.action import FrozenAction, canonical_arguments
from handrail.tickets.ports import ResolutionView

if TYPE_CHECKING:
    from handrail.tickets.ticket import TicketView


@runtime_checkable
class ShowsTickets(Protocol):
    """A store in which a ticket can be looked up."""

    def get(self, tenant: str, ticket: str) -> "TicketView":
        """Return a ticket, masked, with where it stands."""


def is_about(store: object, ticket: str, call: ToolCall) -> bool:
    """Tell whether a ticket was opened for exactly this action.

    A call that came up while another waited joins that one's ticket: what a person decides there is not about
    it. A store that shows no tickets cannot tell, so nothing counts as being about the call.
    """
    if not isinstance(store, ShowsTickets):
        return False
    held = store.get(current().context.tenant, ticket).ticket
    if held is None or held.action is None or held.action.tool != call.name:
        return False
    try:
        digest = FrozenAction.of(call).digest(policy_sha256=held.policy.sha256, tenant=held.tenant)
    except CheckFailed:
        # Nobody can compare what cannot be read; the call's own id says which one it is.
        return not held.action.digest and held.action.call == call.id
    return digest == held.action.digest


async def ais_about(store: object, ticket: str, call: ToolCall) -> bool:
    """Tell whether a ticket was opened for exactly this action, as `is_about` does."""
    return await in_thread(is_about, store, ticket, call)


def is_approved(found: ResolutionView | None, call: ToolCall) -> bool:
    """Tell whether what a person approved, or edited, is exactly this call; pure."""
    if found is None or found.verdict not in ("approve", "edit") or found.tool != call.name:
        return False
    try:
        return FrozenAction.of(call).arguments == canonical_arguments(found.arguments)
    except CheckFailed:
        return False
