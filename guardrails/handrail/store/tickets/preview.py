"""What a resolution would come to, masked, before anything is recorded."""

from collections.abc import Collection
from dataclasses import dataclass

from handrail.errors import NotAllowed
from handrail.store.tickets.effect import UnmaskedTicket
from handrail.store.tickets.parts import SaidOfPart, of_parts
from handrail.store.tickets.resolve import effect_of
from handrail.store.tickets.revise import may_revise
from handrail.store.tickets.rows import Agreement, intact, load
from handrail.store.tickets.turns import last_edit
from handrail.store.transaction import Transaction
from handrail.tickets.edit import differences, edited_arguments
from handrail.tickets.lifecycle import Verb
from handrail.tickets.masking import Mask
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Ticket, Verdict
from handrail.tickets.unmasking import mask_for


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedPart:
    """What would become of one call that came with the action; `digest` is that of the call as it is shown.

    `arguments` are those that would run, masked; empty where it would not. Without `runs` it does not run.
    """

    part: str
    tool: str
    verdict: Verdict
    changes: tuple[str, ...]
    arguments: str
    digest: str
    runs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionPreview:
    """What a resolution would come to.

    `arguments` are those of the action that would run, masked; empty where none would. `answer` is the text
    that the customer would get in its place. `waiting_for` are the roles that must agree too.
    """

    changes: tuple[str, ...]
    tool: str
    arguments: str
    answer: str
    waiting_for: tuple[str, ...]
    version: int
    digest: str
    edited_digest: str
    parts: tuple[PreviewedPart, ...] = ()


def preview(tx: Transaction, ticket: str, resolution: Resolution) -> tuple[str, ...]:
    """Return what an edit would change, masked as the ticket is; nothing is recorded.

    Raises:
        NotAllowed, CheckFailed: the edit would be refused.
    """
    row = load(tx, ticket, for_update=False)
    held, sealed = intact(tx, row)
    if held.action is None or resolution.verdict is not Verdict.EDIT:
        return ()
    original = last_edit(tx, row).get("arguments") or sealed.arguments
    edited = edited_arguments(original, resolution, held)
    return differences(original, edited, mask_for(held, sealed, ()))


def previewed(
    tx: Transaction, ticket: str, resolution: Resolution, person: str, sees: Collection[str]
) -> ResolutionPreview:
    """Return what a resolution would come to, masked as a role sees it; nothing is recorded.

    Raises:
        NotAllowed, CheckFailed: it would be refused.
    """
    row = load(tx, ticket, for_update=False)
    held, sealed = intact(tx, row)
    if resolution.verdict is Verdict.REVISE:
        may_revise(tx, row, held)
    elif resolution.verdict not in held.allowed:
        raise NotAllowed(ticket, f"{resolution.verdict} is not among the verdicts it allows")
    mine = Agreement(row.role, person, row.slot)
    effect = effect_of(tx, row, UnmaskedTicket(held=held, sealed=sealed), resolution, mine)
    mask = mask_for(held, sealed, sees)
    before = last_edit(tx, row).get("arguments") or sealed.arguments
    is_run = held.action is not None and effect.verb in (Verb.APPROVE, Verb.AGREE)
    changes: tuple[str, ...] = ()
    if resolution.verdict is Verdict.EDIT and held.action is not None:
        changes = differences(before, effect.arguments, mask)
    elif resolution.verdict is Verdict.EDIT:
        changes = (f"answer {mask(sealed.draft_answer)} → {mask(effect.answer)}",)
    return ResolutionPreview(
        changes=changes,
        tool=held.action.tool if is_run and held.action else "",
        arguments=mask.in_json(effect.arguments) if is_run else "",
        answer=mask(effect.answer),
        waiting_for=effect.waiting_for,
        version=row.version,
        digest=row.digest,
        edited_digest=effect.digest,
        parts=tuple(_part(held, one, mask) for one in of_parts(row, held, sealed, resolution)),
    )


def _part(held: Ticket, one: SaidOfPart, mask: Mask) -> PreviewedPart:
    """Return what would become of one part.

    Raises:
        NotAllowed, CheckFailed: it would be refused.
    """
    action, verdict = one.part.action, one.said.verdict
    own = held.model_copy(update={"action": action})
    after = one.arguments
    changes: tuple[str, ...] = ()
    if verdict is Verdict.EDIT:
        after = edited_arguments(
            one.arguments,
            Resolution(verdict=verdict, changes=one.said.changes, arguments=one.said.arguments),
            own,
        )
        changes = differences(one.arguments, after, mask)
    elif verdict is Verdict.APPROVE and not action.digest:
        raise NotAllowed(held.id, f"the arguments of {one.part.part} cannot be read; edit or reject it")
    runs = verdict is not Verdict.REJECT
    return PreviewedPart(
        part=one.part.part,
        tool=action.tool,
        verdict=verdict,
        changes=changes,
        arguments=mask.in_json(after) if runs else "",
        digest=action.digest,
        runs=runs,
    )
