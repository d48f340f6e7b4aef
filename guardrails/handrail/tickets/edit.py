"""A person's edit of an action: what it comes to, whether the tool can take it, and what it changes."""

import json
from collections.abc import Callable, Iterator, Mapping

from handrail.errors import CheckFailed, NotAllowed
from handrail.text.json_schema import UnreadableSchema, misfits
from handrail.text.suggest import near
from handrail.tickets.action import canonical_arguments, with_receiver
from handrail.tickets.masking import holds_mask
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import ProposedAction, Ticket

MISTYPED = 0.8
"""How alike the name of no argument and that of one are, to be taken for a slip of the keyboard."""
LONGEST_SHOWN = 80
"""How many characters of a value a difference shows."""


def edited_arguments(original: str, resolution: Resolution, held: Ticket) -> str:
    """Return the edited action's arguments as canonical JSON; pure.

    Args:
        original: the action's arguments as they stand, unmasked.
        resolution: what the person says.
        held: the ticket.

    Raises:
        CheckFailed: not a JSON object, or a mask label would be carried out in place of the real value.
        NotAllowed: nothing is changed, or the tool cannot take what is changed.
    """
    if resolution.arguments:
        text = resolution.arguments
    else:
        merged = json.loads(canonical_arguments(original)) | dict(resolution.changes)
        text = json.dumps(merged)
    canonical = with_receiver(canonical_arguments(text), original)
    _must_change(canonical, original, held)
    if holds_mask(canonical, tuple(held.mask)) and not holds_mask(original, tuple(held.mask)):
        raise CheckFailed("decide", why="the edited action holds a mask in place of a value")
    return canonical


def _must_change(edited: str, original: str, held: Ticket) -> None:
    """Accept an edit that is another action, and one that the tool can take.

    Raises:
        NotAllowed: it is not.
    """
    try:
        before = canonical_arguments(original)
    except CheckFailed:
        before = ""
    if edited == before:
        raise NotAllowed(held.id, "the edit changes nothing; approve or reject it")
    known = _read(before)
    if held.action is not None and held.action.parameters:
        _must_fit(edited, known, held.action, held.id)
        return
    for name in _read(edited).keys() - known.keys():
        meant = near(name, known, cutoff=MISTYPED)
        if meant:
            raise NotAllowed(held.id, f"the action has no argument '{name}'{meant}")


def _must_fit(edited: str, before: Mapping[str, object], action: ProposedAction, ticket: str) -> None:
    """Accept what a person changed if the tool's schema does; what they left as it was is not theirs."""
    data = _read(edited)
    try:
        found = misfits(json.loads(action.parameters), data)
    except UnreadableSchema as error:
        why = f"its edit cannot be checked: {error} in the schema of {action.tool} is not understood"
        raise NotAllowed(ticket, f"{why}; approve or reject it") from None
    except ValueError:
        raise NotAllowed(
            ticket, f"its edit cannot be checked: the schema of {action.tool} is no JSON"
        ) from None
    for one in found:
        name = one.path[0] if one.path else ""
        is_as_it_was = name in data and name in before and _same(data[name], before[name])
        if is_as_it_was and not one.is_missing:
            continue
        raise NotAllowed(ticket, str(one))


def _same(one: object, other: object) -> bool:
    return _dumped(one) == _dumped(other)


def _dumped(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _read(arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(arguments or "{}")
    return found


def differences(before: str, after: str, mask: Callable[[str], str]) -> tuple[str, ...]:
    """Return what an edit changes, one line for each place: `amount 640 → 590`; pure.

    Args:
        before: the arguments as JSON.
        after: the edited arguments as JSON.
        mask: masks what a text holds that is sensitive; a value in whose place a masked one stood is not
            shown either.
    """
    try:
        old, new = _read(canonical_arguments(before)), _read(canonical_arguments(after))
    except CheckFailed:
        return ("the arguments could not be read and are now other ones",)
    return tuple(f"{mask(place)} {_told(was, now, mask)}" for place, was, now in _between("", old, new))


_NOTHING = object()


def _between(path: str, old: object, new: object) -> Iterator[tuple[str, object, object]]:
    """Yield the places where two values differ, with what stands there in each."""
    if old is not _NOTHING and new is not _NOTHING and _same(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in (*old, *(name for name in new if name not in old)):
            below = f"{path}.{name}" if path else name
            yield from _between(below, old.get(name, _NOTHING), new.get(name, _NOTHING))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _between(f"{path}[{number}]", one, other)
    else:
        yield path, old, new


def _told(old: object, new: object, mask: Callable[[str], str]) -> str:
    was, is_masked = _shown(old, mask)
    now, _ = _shown(new, mask)
    return f"{was} → {'another value, masked' if is_masked and new is not _NOTHING else now}"


def _shown(value: object, mask: Callable[[str], str]) -> tuple[str, bool]:
    """Return a value as it may be shown, and whether anything of it is masked."""
    if value is _NOTHING:
        return "not given", False
    dumped = json.dumps(value, ensure_ascii=False)
    text = value if isinstance(value, str) and value else dumped
    masked = mask(text)
    if masked == text and mask(dumped) != dumped:
        masked = "masked"
    shown = masked if len(masked) <= LONGEST_SHOWN else f"{masked[: LONGEST_SHOWN - 1]}…"
    return shown, masked != text
