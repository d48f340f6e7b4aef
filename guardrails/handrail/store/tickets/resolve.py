"""A person decides: checked, bound to the digest, signed, and the action reserved in the same transaction."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from handrail.errors import CheckFailed, DecisionExpired, DigestMismatch, NotAllowed
from handrail.records import Money
from handrail.store.tables import micros
from handrail.store.tickets import seeded
from handrail.store.tickets.actor import Actor, may_act, refuse_own_case, refuse_second_seat
from handrail.store.tickets.apply import finish
from handrail.store.tickets.effect import Effect, UnmaskedTicket, enact, still_waiting
from handrail.store.tickets.parts import divide, of_parts, released_words
from handrail.store.tickets.pauses import PAUSES, refuse_on_hold
from handrail.store.tickets.reasons import code_or_sealed
from handrail.store.tickets.revise import may_revise
from handrail.store.tickets.rows import Agreement, Move, agreements, content, intact, load, load_with, move
from handrail.store.tickets.turns import ResolutionEffect, Turn, is_known, last_edit, write
from handrail.store.transaction import Transaction
from handrail.tickets.action import action_digest
from handrail.tickets.edit import edited_arguments
from handrail.tickets.fact_record import amounts_of
from handrail.tickets.lifecycle import State, Verb, refusal
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import ReadEdit, Resolution
from handrail.tickets.ticket import Sealed, Ticket, Verdict


def effect_of(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, resolution: Resolution, mine: Agreement
) -> ResolutionEffect:
    """Return the effect of a resolution, with the agreements that then stand and the roles still to be asked.

    Raises:
        NotAllowed: an action that cannot be read is approved as it is.
        CheckFailed: an edit or an answer lacks its text, or cannot be read.
    """
    before = agreements(row.agreed)
    beside = released_words(tx, row, case.sealed, resolution)
    if resolution.verdict is Verdict.REJECT:
        return _ended(Verb.REJECT, row, (*before, mine), answer=beside)
    if resolution.verdict is Verdict.REVISE:
        if not resolution.message_to_agent.strip():
            raise CheckFailed("decide", why="what the assistant must do otherwise is not said")
        return _ended(Verb.REVISE, row, (*before, mine))
    if resolution.verdict is Verdict.ANSWER:
        return _ended(Verb.ANSWER, row, (*before, mine), answer=_needed(resolution.answer))
    waiting = still_waiting(row, resolution.verdict)
    agreed = (*before, mine)
    if resolution.verdict is Verdict.EDIT:
        digest, arguments, answer = _edited(tx, row, case, resolution)
        agreed = (mine,)
    else:
        digest, arguments, answer = _as_it_stands(tx, row, case)
    last = Verb.APPROVE if case.held.action is not None else Verb.ANSWER
    return ResolutionEffect(
        verb=Verb.AGREE if waiting else last,
        digest=digest,
        arguments=arguments,
        answer=answer or beside,
        agreed=agreed,
        waiting_for=waiting,
    )


def _edited(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, resolution: Resolution
) -> tuple[str, str, str]:
    """Return digest, arguments and answer of an edited case."""
    held = case.held
    if held.action is None:
        answer = _needed(resolution.answer)
        if answer == (last_edit(tx, row).get("answer") or case.sealed.draft_answer):
            raise NotAllowed(held.id, "the edit changes nothing; approve or reject it")
        return tx.ring.hashed(tx.tenant, held.id, "answer", answer), "", answer
    original = last_edit(tx, row).get("arguments") or case.sealed.arguments
    arguments = edited_arguments(original, resolution, held)
    policy = held.policy.sha256
    return action_digest(held.action.tool, arguments, policy_sha256=policy, tenant=held.tenant), arguments, ""


def _as_it_stands(tx: Transaction, row: Row[Any], case: UnmaskedTicket) -> tuple[str, str, str]:
    """Return digest, arguments and answer of a case that is approved, as the last edit left it."""
    held, edit = case.held, last_edit(tx, row)
    if held.action is None:
        return row.digest, "", edit.get("answer") or case.sealed.draft_answer
    if not row.digest:
        raise NotAllowed(row.id, "its arguments cannot be read; edit or reject it")
    return row.digest, edit.get("arguments") or case.sealed.arguments, ""


def _must_propose(held: Ticket, sealed: Sealed) -> None:
    """Accept a verdict on what is proposed where something is.

    Raises:
        NotAllowed: the ticket holds neither an action nor a draft, so there is nothing to approve or edit.
    """
    if held.action is None and not held.done and not sealed.draft_answer.strip():
        raise NotAllowed(held.id, "it proposes nothing: write the customer an answer, reject or reassign it")


def _ended(verb: Verb, row: Row[Any], agreed: tuple[Agreement, ...], answer: str = "") -> ResolutionEffect:
    return ResolutionEffect(
        verb=verb, digest=row.digest, arguments="", answer=answer, agreed=agreed, waiting_for=()
    )


def _needed(answer: str) -> str:
    if not answer.strip():
        raise CheckFailed("decide", why="an answer needs its text")
    return answer


def resolve(
    tx: Transaction, ticket: str, resolution: Resolution, actor: Actor, read_edit: ReadEdit | None = None
) -> Mapping[str, Any]:
    """Record a person's resolution; returns the ticket's new row.

    `read_edit` reads the amounts of an edited action where the resolution does not state them; without it
    they are taken to be what they were.

    Raises:
        NotAllowed: not a member, not the claimant, excluded, has agreed before, or not an allowed verdict.
        DecisionExpired: too late.
        DigestMismatch: the action is not the one that the person saw.
        OnHold: the role is on hold, and this would approve something.
        TicketError: the ticket's state does not allow it.
    """
    row, (pauses,) = load_with(tx, ticket, (PAUSES, {"tenant": tx.tenant}))
    if resolution.idempotency_key and is_known(tx, ticket, resolution.idempotency_key):
        return dict(row._mapping)
    held, sealed = intact(tx, row)
    role = _check_person(row, held, actor)
    if resolution.verdict in (Verdict.APPROVE, Verdict.EDIT):
        refuse_on_hold(tx, ticket, (row.role, role), pauses)
        _must_propose(held, sealed)
    if resolution.verdict is Verdict.REVISE:
        may_revise(tx, row, held)
    elif resolution.verdict not in held.allowed:
        raise NotAllowed(ticket, f"{resolution.verdict} is not among the verdicts it allows")
    if resolution.digest and resolution.digest != row.digest:
        raise DigestMismatch(ticket, "its action is not the one that was shown")
    mine = Agreement(role, actor.person, row.slot)
    case = UnmaskedTicket(held=held, sealed=sealed)
    outcome = effect_of(tx, row, case, resolution, mine)
    amounts = _amounts(case, resolution, outcome, read_edit)
    if row.is_seeded:
        return seeded.decided(tx, row, resolution, actor, role)
    parts = {}
    for one in of_parts(row, held, sealed, resolution):
        parts[one.part.part] = divide(tx, row, (held, sealed), one.part, actor)
        resolve(tx, parts[one.part.part], one.resolution(resolution), actor, read_edit)
    said = Turn(
        resolution=resolution, outcome=outcome, mine=mine, amounts=amounts, now=actor.now, parts=parts
    )
    return _recorded(tx, row, case, said, write(tx, row, said))


def _recorded(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, said: Turn, turn: int
) -> Mapping[str, Any]:
    """Put a resolution on record with the step it takes: its own, or the one that waits for it to count."""
    resolution, outcome, now = said.resolution, said.outcome, said.now
    expires_at = micros(now + resolution.valid_for)
    data: dict[str, object] = {
        "verdict": resolution.verdict.value,
        **code_or_sealed(tx, row, "reason", resolution.reason_code),
        "digest": outcome.digest,
        "turn": turn,
        "slot": row.slot,
        "expires": expires_at,
        "edited": resolution.verdict is Verdict.EDIT,
        **({"parts": sorted(said.parts.values())} if said.parts else {}),
    }
    if resolution.takes_effect_in:
        effective = micros(now + resolution.takes_effect_in)
        step = Move(
            verb=Verb.RESOLVE,
            now=now,
            actor=said.mine.person,
            role=said.mine.role,
            data={**data, "effective": effective},
            changes={"lease_until": effective},
        )
        return move(tx, row, step)
    what = Effect(
        verb=outcome.verb,
        digest=outcome.digest,
        agreed=outcome.agreed,
        waiting_for=outcome.waiting_for,
        person=said.mine.person,
        role=said.mine.role,
        amounts=said.amounts,
        expires_at=expires_at,
        data=data,
    )
    return enact(tx, row, case, what, now)


def reconcile(tx: Transaction, ticket: str, settlement: Settlement, actor: Actor) -> None:
    """Settle an unknown outcome on the word of a member of the ticket's role.

    Raises:
        NotAllowed: not a member, their own case, or nothing is unknown.
    """
    row = load(tx, ticket)
    may_act(row, actor)
    held = content(tx, row)
    refuse_own_case(row, held.excluded if held is not None else (), actor)
    if State(row.state) is not State.OUTCOME_UNKNOWN:
        raise NotAllowed(ticket, f"nothing to reconcile, it is {row.state}")
    finish(tx, ticket, settlement, now=actor.now, actor=actor.person)


def _check_person(row: Row[Any], held: Ticket, actor: Actor) -> str:
    """Accept who may decide a ticket now; returns the role in which they do."""
    state = State(row.state)
    if state is not State.CLAIMED:
        raise refusal(row.id, state, Verb.RESOLVE)
    role = may_act(row, actor)
    if row.claimed_by != actor.person:
        raise NotAllowed(row.id, "somebody else has claimed it")
    refuse_own_case(row, held.excluded, actor)
    refuse_second_seat(row, actor)
    if row.decide_by is not None and micros(actor.now) > row.decide_by:
        raise DecisionExpired(row.id, "the time to decide has run out")
    return role


def _amounts(
    case: UnmaskedTicket, resolution: Resolution, outcome: ResolutionEffect, read_edit: ReadEdit | None
) -> Mapping[str, Money | Decimal]:
    """Return what a ledger counts of the action as it now is.

    Raises:
        NotAllowed: it was edited to what cannot be carried out or read.
    """
    held = case.held
    before = amounts_of(held.action.amounts) if held.action else {}
    is_edited = bool(outcome.arguments) and outcome.arguments != case.sealed.arguments
    if held.action is not None and is_edited and read_edit is not None:
        return read_edit(held.action.tool, outcome.arguments, before)
    return before if resolution.amounts is None else resolution.amounts
