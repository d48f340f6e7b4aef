"""Lists, counts and the whole of one ticket, masked for whoever reads."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime

from handrail.errors import NotAllowed
from handrail.records import Severity
from handrail.service.acting import Acting
from handrail.service.cited import cited
from handrail.service.form import fields_of
from handrail.service.overseeing import named
from handrail.service.parts import parts_of
from handrail.service.permissions import Operation, offered, require
from handrail.service.queries import ListPage, ListQuery, ListRow, Whose
from handrail.service.reviewer import Level, Reviewer
from handrail.service.screen import PastTicket, TicketScreen
from handrail.service.transcript import transcript
from handrail.store import Filter
from handrail.store.tickets.similar import EndedTicket
from handrail.tickets.headline import Proposed, headline
from handrail.tickets.lifecycle import UNDECIDED, State
from handrail.tickets.proposed import divides
from handrail.tickets.reference import reference_prefix
from handrail.tickets.resolution import TicketRow
from handrail.tickets.ticket import Ticket, TicketView, Verdict


class Reading(Acting):
    """What people look at. Only `screen` shows what was said, and it records that somebody looked."""

    def page(self, who: Reviewer, query: ListQuery | None = None) -> ListPage:
        """Return one page of the tickets of a person's roles, the open ones soonest due first.

        Raises:
            NotPermitted: a role that is not theirs, or no scope to read.
        """
        require(Operation.LIST, who)
        wanted = query or ListQuery()
        roles = self._wanted_roles(who, wanted.roles)
        if not roles:
            return ListPage(rows=(), cursor=None, now=self.now)
        found = self._store.list(who.tenant, _filter(who, wanted, roles, self.now))
        return ListPage(rows=self._rows(who, found.rows), cursor=found.cursor, now=self.now)

    def _wanted_roles(self, who: Reviewer, asked: Sequence[str]) -> tuple[str, ...]:
        mine = self.roles_of(who)
        return tuple(role for role in asked if role in mine) if asked else mine

    def _rows(self, who: Reviewer, found: Sequence[TicketRow]) -> tuple[ListRow, ...]:
        held = self._store.proposed(who.tenant, [row.id for row in found])
        roles = self._policies.current().roles
        hidden = {name for name, plan in roles.items() if plan.answer_first}
        return tuple(_row(who, row, held.get(row.id), self.now, hidden) for row in found)

    def counts(self, who: Reviewer) -> Mapping[str, Mapping[State, int]]:
        """Return for each of a person's roles how many tickets are in each state, of those not ended.

        Raises:
            NotPermitted: no scope to read.
        """
        require(Operation.LIST, who)
        found = self._store.counts_by_role(who.tenant)
        return {role: found.get(role, {}) for role in self.roles_of(who)}

    def find(self, who: Reviewer, said: str) -> str:
        """Return the id of a ticket that a person names by its id or its reference.

        Raises:
            TicketNotFound: there is none of it.
            AmbiguousReference: several references begin so.
        """
        return named(self._store, who.tenant, said)

    def where(self, who: Reviewer, said: str) -> tuple[State, int]:
        """Return the state and version of a ticket, without its content; nothing is recorded.

        Raises:
            NotPermitted: it is with none of their roles.
            TicketNotFound: there is none.
        """
        view = self._permit(Operation.VIEW, who, self.find(who, said))
        return view.state, view.version

    def screen(self, who: Reviewer, said: str) -> TicketScreen:
        """Return the whole of one ticket for a person of its roles; that they looked is recorded first.

        Raises:
            NotPermitted: it is with none of their roles.
            TicketNotFound: there is none.
        """
        ticket = self.find(who, said)
        before = self._permit(Operation.VIEW, who, ticket)
        actor = self._actor(who)
        role = self._role_on(actor, before)
        view = self._store.view(who.tenant, ticket, actor, sees=self._sees(role))
        own = self._store.own_answer(who.tenant, ticket, who.person)
        hides = own is None and self._asks_first(role, view)
        if hides:
            view = without_draft(view)
        held = view.ticket
        policy = self._policies.of(held.policy.sha256) if held is not None else None
        rules = cited(held, policy) if held is not None else ()
        action = held.action if held is not None else None
        labels = tuple(held.mask) if held is not None else ()
        return TicketScreen(
            view=view,
            reference=view.reference,
            role=role,
            headline=headline(held),
            why=next((rule.because for rule in rules if rule.because), ""),
            action=action.tool if action is not None else "",
            fields=fields_of(action, labels),
            parts=parts_of(view, labels, self._decided_parts(who, view)),
            divides=divides(view),
            draft=held.draft_answer if held is not None else "",
            rules=rules,
            lines=transcript(held) if held is not None else (),
            confidence=held.confidence if held is not None else None,
            said=held.said if held is not None else "",
            promised=held.promised if held is not None else (),
            told=held.promise.text if held is not None else "",
            tried=held.tried if held is not None else (),
            unknown=held.open_questions if held is not None else (),
            attempts=self._store.attempts(who.tenant, ticket),
            others=self._rows(who, self._store.of_same_customer(who.tenant, ticket)),
            similar=tuple(_past(one) for one in self._store.similar(who.tenant, ticket)),
            history=self._store.history(who.tenant, ticket),
            operations=offered(who, self._standing(who, view)),
            needs=self._needs(held),
            reasons=self.settings.reasons_for(role),
            unmaskable=_unmaskable(held, labels),
            undo_until=view.lease_until if view.state is State.RESOLVED else None,
            now=self.now,
            needs_own_answer=hides,
            own_answer=own or "",
            seeded=self._store.seeded_outcome(who.tenant, ticket),
        )

    def _asks_first(self, role: str, view: TicketView) -> bool:
        """Tell whether a role's people write their own answer before they see a ticket's draft."""
        plan, held = self._policies.current().roles.get(role), view.ticket
        is_draft = held is not None and held.action is None and bool(held.draft_answer)
        return plan is not None and plan.answer_first and is_draft and view.state in UNDECIDED

    def _must_have_answered(self, who: Reviewer, view: TicketView) -> None:
        """Accept that a draft is shown or decided on.

        Raises:
            NotAllowed: their role writes its own answer first, and they have not.
        """
        role = self._role_on(self._actor(who), view)
        if self._asks_first(role, view) and self._store.own_answer(who.tenant, view.id, who.person) is None:
            raise NotAllowed(view.id, "write your own answer first; the draft is shown then")

    def _decided_parts(self, who: Reviewer, view: TicketView) -> Mapping[str, TicketView]:
        """Return the tickets that a ticket's parts have become, by the names of the parts."""
        decided = view.resolution.parts if view.resolution is not None else {}
        return {part: self._store.get(who.tenant, ticket) for part, ticket in decided.items()}

    def _needs(self, held: Ticket | None) -> Mapping[Verdict, Level]:
        """Return how surely it must be this person, for each verdict that a ticket allows."""
        return {verdict: self._level(held, verdict) for verdict in held.allowed} if held is not None else {}

    def _level(self, held: Ticket, verdict: Verdict) -> Level:
        step_up = self.settings.step_up_from
        is_high = step_up is not None and held.severity.rank >= step_up.rank and held.action is not None
        return Level.FRESH if is_high and verdict in (Verdict.APPROVE, Verdict.EDIT) else Level.TOKEN


def _filter(who: Reviewer, wanted: ListQuery, roles: tuple[str, ...], now: datetime) -> Filter:
    return Filter(
        roles=roles,
        states=wanted.states,
        rule=wanted.rule or None,
        trigger=wanted.trigger or None,
        tool=wanted.tool or None,
        reference=reference_prefix(wanted.reference) or wanted.reference or None,
        customer=wanted.customer or None,
        awake_at=now if wanted.is_awake else None,
        claimed_by=who.person if wanted.whose is Whose.MINE else None,
        is_free=wanted.whose is Whose.NOBODY,
        due_before=wanted.due_before,
        limit=wanted.limit,
        cursor=wanted.cursor,
    )


def _row(
    who: Reviewer, row: TicketRow, held: Proposed | None, now: datetime, hidden: Container[str]
) -> ListRow:
    if held is not None and row.role in hidden and row.state in UNDECIDED:
        held = held.model_copy(update={"draft_answer": ""})
    return ListRow(
        id=row.id,
        reference=row.reference,
        state=row.state,
        version=row.version,
        role=row.role,
        level=row.level,
        severity=tuple(Severity)[row.severity].value,
        trigger=row.trigger,
        rule=row.reason_code,
        tool=row.tool or (held.action.tool if held is not None and held.action is not None else ""),
        headline=headline(held),
        created_at=row.created_at,
        decide_by=row.decide_by,
        claimed_by=row.claimed_by,
        is_mine=row.claimed_by == who.person,
        is_snoozed=row.snoozed_until is not None and row.snoozed_until > now,
    )


def without_draft(view: TicketView) -> TicketView:
    """Return a ticket without the draft that is held, nor anything that somebody made of it; pure."""
    held = view.ticket
    if held is None:
        return view
    said = view.resolution
    if said is not None:
        said = said.model_copy(update={"answer": "", "changes": ()})
    bare = held.model_copy(update={"draft_answer": "", "shown": ""})
    return view.model_copy(update={"ticket": bare, "resolution": said})


def _past(one: EndedTicket) -> PastTicket:
    minutes = _minutes(one.created_at, one.decided_at)
    return PastTicket(
        id=one.id,
        reference=one.reference,
        role=one.role,
        rule=one.reason_code,
        tool=one.tool,
        state=one.state,
        verdict=one.verdict,
        decided_at=one.decided_at,
        minutes=minutes,
    )


def _minutes(since: datetime, until: datetime | None) -> float | None:
    return None if until is None else round((until - since).total_seconds() / 60, 1)


def _unmaskable(held: Ticket | None, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the sealed texts in which something is masked."""
    if held is None:
        return ()
    texts = {
        "lines": "".join(line.text for line in held.lines),
        "tried": "".join(f"{call.arguments}{call.result}" for call in held.tried),
        "arguments": held.action.arguments if held.action is not None else "",
        "parts": "".join(part.action.arguments for part in held.parts),
        "draft_answer": held.draft_answer,
        "shown": held.shown,
    }
    return tuple(name for name, text in texts.items() if any(label in text for label in labels))
