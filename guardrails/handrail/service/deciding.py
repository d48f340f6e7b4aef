"""Deciding: what it will come to is shown, and only what was shown can count."""

import hashlib
import hmac
import json
from dataclasses import asdict, replace
from datetime import timedelta

from handrail.errors import AlreadyDecided, CheckFailed, DigestMismatch, NotPermitted
from handrail.service.moving import Moving
from handrail.service.permissions import Operation
from handrail.service.proposal import PartPreview, Preview, Proposal, Receipt
from handrail.service.readback import asked_for, calls_read_back, must_be_read_back
from handrail.service.reviewer import Level, Reviewer
from handrail.store.tickets.preview import PreviewedPart, ResolutionPreview
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView
from handrail.tickets.proposed import ANSWER, FIRST
from handrail.tickets.resolution import GIVEN, SettledPart, resume_note
from handrail.tickets.ticket import Ticket, TicketView, Verdict

_QUIET = frozenset({"ticket.claim", "ticket.renew", "ticket.warn", "ticket.take_over", "ticket.lease_lapsed"})
"""Steps that leave what is decided on as it was shown."""


class Deciding(Moving):
    """Previews and decisions."""

    def preview(self, who: Reviewer, said: str, proposal: Proposal) -> Preview:
        """Return what a decision comes to; nothing is recorded.

        Raises:
            NotPermitted: not theirs to decide.
            DigestMismatch: the action is not the one that was shown.
            NotAllowed, CheckFailed: it would be refused.
        """
        ticket = self.find(who, said)
        view = self._permit(Operation.DECIDE, who, ticket)
        if proposal.digest and proposal.digest != view.digest:
            raise DigestMismatch(ticket, "its action is not the one that was shown")
        self._must_have_seen(who, view, proposal)
        actor = self._actor(who)
        sees = self._sees(self._role_on(actor, view))
        found = self._store.preview_for(who.tenant, ticket, proposal.resolution(), actor, sees=sees)
        shown = replace(proposal, version=found.version, digest=found.digest)
        token = token_of(self._store.preview_key(), who, ticket, shown)
        readback = self._asked_for(view, proposal)
        return Preview(
            changes=found.changes,
            runs=f"{found.tool} {found.arguments}" if found.tool else "",
            customer_reads=self._customer_reads(proposal, found.answer),
            agent_reads=self._agent_reads(view, proposal, found),
            waits_for=found.waiting_for,
            needs_level=self._level_of(view.ticket, proposal) if view.ticket else Level.TOKEN,
            warnings=_warnings(view, proposal, found),
            token=token,
            version=found.version,
            digest=found.digest,
            binds=token,
            parts=tuple(_shown(one) for one in found.parts),
            readback=readback,
            readback_of=calls_read_back(readback, _running(found)) if readback else (),
        )

    def decide(
        self,
        who: Reviewer,
        said: str,
        proposal: Proposal,
        *,
        delay: timedelta = timedelta(0),
        must_be_previewed: bool = False,
    ) -> Receipt:
        """Record a decision; a ticket that nobody has is claimed first.

        Args:
            who: who decides.
            said: the ticket, by id or reference.
            proposal: what they decide, with the digest and version they saw.
            delay: how long it can be undone before it takes effect.
            must_be_previewed: refuse what was not shown by `preview` exactly so.

        Raises:
            NotPermitted: not theirs to decide, or they must prove anew who they are.
            AlreadyDecided: the ticket has moved on since it was shown.
            DigestMismatch: the action is not the one that was shown.
            TicketError: as `SqlStore.resolve`.
        """
        from handrail.guard.resolve import DecidedBy, resolve

        ticket = self.find(who, said)
        view = self._permit(Operation.DECIDE, who, ticket)
        key = proposal.idempotency_key
        if key and self._store.is_resolved_by(who.tenant, ticket, key):
            return self._receipt(view)
        self._must_have_seen(who, view, proposal)
        self._must_be_current(who, view, proposal, must_be_previewed=must_be_previewed)
        self._must_be_them(who, view, proposal)
        self._must_be_read_back(who, view, proposal)
        by = DecidedBy(actor=self._actor(who), policy=self._policies.current(), tools=self._policies.tools)
        resolution = replace(proposal.resolution(), takes_effect_in=min(delay, self.settings.longest_delay))
        receipt = self._receipt(resolve(self._store, who.tenant, ticket, resolution, by))
        is_over = receipt.state is State.CANCELLED
        return replace(receipt, seeded=self._store.seeded_outcome(who.tenant, ticket)) if is_over else receipt

    def undo(self, who: Reviewer, said: str) -> Receipt:
        """Take back one's own decision before it takes effect; the ticket is theirs again.

        Raises:
            AlreadyDecided: it is in effect.
        """
        ticket = self._may(Operation.UNDO, who, said)
        return self._receipt(self._store.undo(who.tenant, ticket, self._actor(who)))

    def revise(self, who: Reviewer, said: str, instruction: str) -> Receipt:
        """Send what is proposed back to the assistant with an instruction, three times in a row at most.

        What it proposes then is judged anew, and may come back as another ticket. To preview it, to bind it
        to what was shown or to delay it, pass `Verdict.REVISE` to `preview` and `decide`.

        Raises:
            NotAllowed: sent back often enough, or nothing that could be sent back.
        """
        return self.decide(who, said, Proposal(verdict=Verdict.REVISE, message_to_agent=instruction))

    def _must_have_seen(self, who: Reviewer, view: TicketView, proposal: Proposal) -> None:
        # Whoever answers the customer themselves needs no draft for it.
        if proposal.verdict is not Verdict.ANSWER:
            self._must_have_answered(who, view)

    def _must_be_current(
        self, who: Reviewer, view: TicketView, proposal: Proposal, *, must_be_previewed: bool
    ) -> None:
        if proposal.digest and proposal.digest != view.digest:
            raise DigestMismatch(view.id, "its action is not the one that was shown")
        if proposal.version is not None and proposal.version != view.version:
            since = [
                one for one in self._store.history(who.tenant, view.id) if one.version > proposal.version
            ]
            if any(one.kind not in _QUIET for one in since):
                raise AlreadyDecided(view.id, "it has moved on since it was shown")
        if not must_be_previewed:
            return
        token = token_of(self._store.preview_key(), who, view.id, proposal)
        if not hmac.compare_digest(proposal.previewed.encode("utf-8", "replace"), token.encode()):
            raise CheckFailed("decide", why="what it comes to was not shown before")

    def _must_be_them(self, who: Reviewer, view: TicketView, proposal: Proposal) -> None:
        if view.ticket is None:
            return
        needed = self._level_of(view.ticket, proposal)
        if who.level.rank < needed.rank:
            raise NotPermitted(Operation.DECIDE.value, "level")
        if who.level is Level.BOUND and needed is not Level.TOKEN:
            # An edit or another verdict is another decision, and nobody has shown who they are for it.
            token = token_of(self._store.preview_key(), who, view.id, proposal)
            if who.bound_to != token:
                raise NotPermitted(Operation.DECIDE.value, "level")

    def _level_of(self, held: Ticket, proposal: Proposal) -> Level:
        """Return how surely it must be this person for all that they decide at once."""
        return max(
            (self._level(held, verdict) for verdict in proposal.verdicts), key=lambda level: level.rank
        )

    def _asked_for(self, view: TicketView, proposal: Proposal) -> str:
        plan = self._policies.current().roles.get(view.role)
        calls = (proposal.verdict, *(one.verdict for one in proposal.parts if one.part != ANSWER))
        return asked_for(view.ticket, calls, plan)

    def _must_be_read_back(self, who: Reviewer, view: TicketView, proposal: Proposal) -> None:
        name = self._asked_for(view, proposal)
        if not name:
            return
        actor = self._actor(who)
        sees = self._sees(self._role_on(actor, view))
        found = self._store.preview_for(who.tenant, view.id, proposal.resolution(), actor, sees=sees)
        must_be_read_back(name, proposal.readback, _running(found))

    def _customer_reads(self, proposal: Proposal, answer: str) -> str:
        redact = self._pipeline().redact_reply
        texts = (answer, proposal.message_to_user)
        return "\n\n".join(redact(text) for text in texts if text)

    def _agent_reads(self, view: TicketView, proposal: Proposal, found: ResolutionPreview) -> str:
        if view.ticket is None:
            return ""
        verdict = proposal.verdict
        told = ResolutionView(
            ticket=view.id,
            verdict=GIVEN[verdict],
            role=view.role,
            decided_at=self.now,
            message_to_agent=proposal.message_to_agent,
            answer=found.answer,
            tool=found.tool,
            arguments=found.arguments,
            changed=tuple(sorted(proposal.changes)),
            beside=view.ticket.beside,
            reason_code=proposal.reason_code,
        )
        actions = {part.part: part.action for part in view.ticket.parts}
        said = {one.part: one for one in proposal.parts}
        parts = [
            SettledPart(
                ticket="",
                state=_STATES.get(one.verdict, State.DECIDED),
                action=actions[one.part],
                resolution=replace(
                    told,
                    verdict=GIVEN[one.verdict],
                    message_to_agent=said[one.part].message_to_agent,
                    reason_code=said[one.part].reason_code,
                    answer="",
                    tool=one.tool,
                    arguments=one.arguments,
                    changed=tuple(sorted(said[one.part].changes)),
                    beside=(),
                ),
            )
            for one in found.parts
        ]
        return resume_note(_STATES.get(verdict, State.DECIDED), view.ticket, told, parts)


_STATES = {
    Verdict.REJECT: State.REJECTED,
    Verdict.ANSWER: State.ANSWERED,
    Verdict.REVISE: State.REVISED,
}


def _running(found: ResolutionPreview) -> dict[str, str]:
    """Return the arguments of what would run, by the names of the calls."""
    own = {FIRST: found.arguments} if found.tool else {}
    return {**own, **{one.part: one.arguments for one in found.parts if one.runs}}


def _shown(one: PreviewedPart) -> PartPreview:
    return PartPreview(
        part=one.part,
        tool=one.tool,
        verdict=one.verdict,
        changes=one.changes,
        runs=f"{one.tool} {one.arguments}" if one.runs else "",
        digest=one.digest,
    )


def token_of(key: bytes, who: Reviewer, ticket: str, proposal: Proposal) -> str:
    """Return what only a preview can give: it stands for exactly this proposal of this person; pure.

    Args:
        key: a secret of the store, so that nobody makes a token for what was not shown to them.
        who: who decides.
        ticket: the id of the ticket.
        proposal: what they decide, with the version and digest that were shown.
    """
    parts = [
        who.tenant,
        who.person,
        ticket,
        proposal.version,
        proposal.digest,
        proposal.verdict.value,
        dict(proposal.changes),
        proposal.arguments,
        proposal.answer,
        proposal.message_to_user,
        proposal.message_to_agent,
        proposal.reason_code,
        [asdict(part) for part in proposal.parts],
    ]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _warnings(view: TicketView, proposal: Proposal, found: ResolutionPreview) -> tuple[str, ...]:
    held: Ticket | None = view.ticket
    codes = {
        "agreed_before_is_void": proposal.verdict is Verdict.EDIT and bool(view.agreed),
        "beside_does_not_run": bool(held and held.beside and found.tool) and not found.parts,
        "customer_hears_nothing": proposal.verdict is Verdict.REJECT and not proposal.message_to_user,
        "reason_missing": proposal.verdict is Verdict.REJECT and not proposal.reason_code,
        "unknown_facts": bool(held and any(rule.unknown for rule in held.policy.rules)),
    }
    return tuple(code for code, is_so in codes.items() if is_so)
