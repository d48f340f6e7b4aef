"""Deciding several tickets alike: each shown with its digest, each recorded on its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from handrail.errors import CheckFailed, HandrailError, NotPermitted, TicketError
from handrail.records import Trigger
from handrail.service.deciding import Deciding
from handrail.service.permissions import Operation, require
from handrail.service.proposal import Preview, Proposal, Receipt
from handrail.service.reviewer import Reviewer
from handrail.tickets.headline import headline
from handrail.tickets.ticket import Ticket, TicketView, Verdict

MOST = 100
VERDICTS = (Verdict.APPROVE, Verdict.REJECT)
OVER_LIMIT, OTHER_RULE, OTHER_TOOL, GONE = "over_limit", "other_rule", "other_tool", "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One ticket of a batch; `refused` is a code for why it cannot be in it, empty if it can.

    The codes are `over_limit`, `other_rule`, `other_tool`, `gone`, those of `allowed`, and names of errors.
    """

    said: str
    ticket: str = ""
    reference: str = ""
    headline: str = ""
    refused: str = ""
    preview: Preview | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPreview:
    """What a batch comes to, ticket by ticket; all it holds were stopped by one `rule` about one `tool`."""

    rule: str
    tool: str
    lines: tuple[BatchLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One ticket of a batch as it was shown: its digest, version and the token of its preview."""

    ticket: str
    digest: str
    version: int
    previewed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What became of one ticket of a batch: a receipt, or a code for why it was refused."""

    ticket: str
    receipt: Receipt | None = None
    refused: str = ""


class Batching(Deciding):
    """Decides several tickets of one rule and tool; never what is over a limit of the policy."""

    def batch_preview(self, who: Reviewer, said: Sequence[str], proposal: Proposal) -> BatchPreview:
        """Return what the same decision comes to for each of several tickets; nothing is recorded.

        Raises:
            NotPermitted: no scope to decide.
            CheckFailed: too many tickets, or a verdict that is not the same for several.
        """
        _must_be_alike(who, len(said), proposal)
        rule, tool, lines = "", "", []
        for name in dict.fromkeys(said):
            try:
                ticket = self.find(who, name)
                view = self._permit(Operation.DECIDE, who, ticket)
            except (TicketError, NotPermitted) as error:
                lines.append(BatchLine(said=name, refused=_code(error)))
                continue
            if not rule and view.ticket is not None:
                rule, tool = view.ticket.reason_code, _tool(view.ticket)
            lines.append(self._line(who, name, view, proposal, (rule, tool)))
        return BatchPreview(rule=rule, tool=tool, lines=tuple(lines))

    def _line(
        self, who: Reviewer, said: str, view: TicketView, proposal: Proposal, alike: tuple[str, str]
    ) -> BatchLine:
        line = BatchLine(said=said, ticket=view.id, reference=view.reference, headline=headline(view.ticket))
        refused = refused_in_batch(view.ticket, *alike)
        if refused:
            return replace(line, refused=refused)
        try:
            return replace(line, preview=self.preview(who, view.id, replace(proposal, digest=view.digest)))
        except HandrailError as error:
            return replace(line, refused=_code(error))

    def batch_decide(
        self,
        who: Reviewer,
        seen: Sequence[Seen],
        proposal: Proposal,
        *,
        delay: timedelta = timedelta(0),
    ) -> tuple[BatchResult, ...]:
        """Record the same decision for each of several tickets, one after the other and each on its own.

        One that is refused does not hold up the others.

        Raises:
            NotPermitted: no scope to decide.
            CheckFailed: as `batch_preview`.
        """
        _must_be_alike(who, len(seen), proposal)
        rule, tool, done = "", "", []
        for one in seen:
            try:
                held = self._permit(Operation.DECIDE, who, one.ticket).ticket
                if not rule and held is not None:
                    rule, tool = held.reason_code, _tool(held)
                refused = refused_in_batch(held, rule, tool)
                if refused:
                    done.append(BatchResult(ticket=one.ticket, refused=refused))
                    continue
                said = replace(proposal, digest=one.digest, version=one.version, previewed=one.previewed)
                receipt = self.decide(who, one.ticket, said, delay=delay, must_be_previewed=True)
                done.append(BatchResult(ticket=one.ticket, receipt=receipt))
            except (TicketError, NotPermitted, CheckFailed) as error:
                done.append(BatchResult(ticket=one.ticket, refused=_code(error)))
        return tuple(done)


def refused_in_batch(held: Ticket | None, rule: str, tool: str) -> str:
    """Return a code for why a ticket cannot be in a batch of this rule and tool, empty if it can; pure."""
    if held is None:
        return GONE
    if any(cited.trigger is Trigger.HIGH_STAKES for cited in held.policy.rules):
        return OVER_LIMIT
    if held.reason_code != rule:
        return OTHER_RULE
    return OTHER_TOOL if _tool(held) != tool else ""


def _tool(held: Ticket) -> str:
    return held.action.tool if held.action is not None else ""


def _must_be_alike(who: Reviewer, count: int, proposal: Proposal) -> None:
    require(Operation.DECIDE, who)
    if not 0 < count <= MOST:
        raise CheckFailed("batch", why=f"1 to {MOST} tickets at a time")
    if proposal.verdict not in VERDICTS:
        raise CheckFailed("batch", why=f"several tickets can be decided by {' or '.join(VERDICTS)}")


def _code(error: HandrailError) -> str:
    return error.lacks if isinstance(error, NotPermitted) else type(error).__name__
