"""What a person's ruling comes to: the step, what will be carried out, who has agreed and who must still."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from handrail.errors import CheckFailed, NotAllowed
from handrail.store.rows import Agreed, Tx, agreements, names
from handrail.store.schema import decisions
from handrail.tickets.digest import action_digest, canonical_arguments
from handrail.tickets.lifecycle import Verb
from handrail.tickets.masking import holds_mask
from handrail.tickets.rulings import Ruling
from handrail.tickets.ticket import Sealed, Ticket, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a ruling comes to: the step, the text a caller will get, and what will be carried out."""

    verb: Verb
    digest: str
    arguments: str
    answer: str
    agreed: tuple[Agreed, ...]
    waiting_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A ticket with its unmasked texts."""

    held: Ticket
    sealed: Sealed


def outcome_of(tx: Tx, row: Row[Any], case: Case, ruling: Ruling, person: str) -> Outcome:
    """Return what a ruling comes to, with the agreements that then stand and the roles still to be asked.

    Raises:
        NotAllowed: an action that cannot be read is approved as it is.
        CheckFailed: an edit or an answer lacks its text, or cannot be read.
    """
    before, mine = agreements(row.agreed), Agreed(row.role, person, row.slot)
    if ruling.verdict is Verdict.REJECT:
        return _ended(Verb.REJECT, row, (*before, mine))
    if ruling.verdict is Verdict.ANSWER:
        return _ended(Verb.ANSWER, row, (*before, mine), answer=_needed(ruling.answer))
    slots = tuple(dict.fromkeys((*(agreed.slot for agreed in before), *names(row.waiting_for))))
    waiting = tuple(slot for slot in names(row.waiting_for) if slot != row.slot)
    agreed = (*before, mine)
    if ruling.verdict is Verdict.EDIT:
        digest, arguments, answer = _edited(tx, case, ruling)
        # Whoever agreed before agreed to something else.
        agreed, waiting = (mine,), tuple(slot for slot in slots if slot != row.slot)
    else:
        digest, arguments, answer = _as_it_stands(tx, row, case)
    last = Verb.APPROVE if case.held.action is not None else Verb.ANSWER
    return Outcome(
        verb=Verb.AGREE if waiting else last,
        digest=digest,
        arguments=arguments,
        answer=answer,
        agreed=agreed,
        waiting_for=waiting,
    )


def _edited(tx: Tx, case: Case, ruling: Ruling) -> tuple[str, str, str]:
    """Return digest, arguments and answer of an edited case."""
    held = case.held
    if held.action is None:
        answer = _needed(ruling.answer)
        return tx.ring.hashed(tx.tenant, held.id, "answer", answer), "", answer
    arguments = edited_arguments(case.sealed.arguments, ruling, held)
    policy = held.policy.sha256
    return action_digest(held.action.tool, arguments, policy_sha256=policy, tenant=held.tenant), arguments, ""


def _as_it_stands(tx: Tx, row: Row[Any], case: Case) -> tuple[str, str, str]:
    """Return digest, arguments and answer of a case that is approved, as the last edit left it."""
    held, edit = case.held, _last_edit(tx, row)
    if held.action is None:
        return row.digest, "", edit.get("answer") or case.sealed.draft_answer
    if not row.digest:
        raise NotAllowed(row.id, "its arguments cannot be read; edit or reject it")
    return row.digest, edit.get("arguments") or case.sealed.arguments, ""


def _last_edit(tx: Tx, row: Row[Any]) -> Mapping[str, str]:
    """Return what an earlier approver of this round changed the case to, nothing if nobody did."""
    if not agreements(row.agreed):
        return {}
    query = (
        select(decisions.c.id, decisions.c.content)
        .where(decisions.c.tenant == tx.tenant, decisions.c.ticket == row.id)
        .where(decisions.c.round == row.round, decisions.c.verdict == Verdict.EDIT.value)
        .order_by(decisions.c.turn.desc())
        .limit(1)
    )
    found = tx.conn.execute(query).first()
    if found is None:
        return {}
    body: Mapping[str, str] = json.loads(tx.opened(found.content, row.id, f"decision:{found.id}"))
    return body


def _ended(verb: Verb, row: Row[Any], agreed: tuple[Agreed, ...], answer: str = "") -> Outcome:
    return Outcome(verb=verb, digest=row.digest, arguments="", answer=answer, agreed=agreed, waiting_for=())


def _needed(answer: str) -> str:
    if not answer:
        raise CheckFailed("decide", why="an answer needs its text")
    return answer


def edited_arguments(original: str, ruling: Ruling, held: Ticket) -> str:
    """Return the edited action's arguments as canonical JSON; pure.

    Raises:
        CheckFailed: not a JSON object, or a mask label would be carried out in place of the real value.
    """
    if ruling.arguments:
        text = ruling.arguments
    else:
        merged = json.loads(canonical_arguments(original)) | dict(ruling.changes)
        text = json.dumps(merged)
    canonical = canonical_arguments(text)
    if holds_mask(canonical, tuple(held.mask)) and not holds_mask(original, tuple(held.mask)):
        raise CheckFailed("decide", why="the edited action holds a mask in place of a value")
    return canonical
