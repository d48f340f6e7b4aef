"""What becomes of an answer that failed, is beyond the bounds or cannot be read: its words are not given."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind
from handrail.wire.foreign_json import dump_object, load_object
from handrail.wire.handoff import error_body

if TYPE_CHECKING:
    from handrail.guard import Call, Outcome

# Fields of an error as providers write it; those of the first line tell what went wrong.
_TELLING = frozenset({"error", "detail", "message"})
_OF_ERROR = _TELLING | {
    "type",
    "object",
    "code",
    "param",
    "status",
    "title",
    "request_id",
    "timestamp",
    "path",
}


def is_error(body: bytes) -> bool:
    """True for a JSON object that tells of an error and of nothing else."""
    value = load_object(body)
    if value is None or not value.keys() & _TELLING:
        return False
    return value.keys() <= _OF_ERROR and isinstance(value.get("message", ""), str)


def instead_of_failure(status: int, body: bytes) -> bytes | None:
    """Return what the caller gets in place of a failing response's body, None if it is a plain error.

    Nobody judges what comes under a failing status, so nothing that could be an answer is given.
    """
    if is_error(body):
        return None
    return b"" if 300 <= status < 400 else dump_object(error_body("the provider failed", code="upstream"))


def beyond_bounds(why: str) -> Draft:
    """Return what stands for an answer of which nothing was read, because it is beyond the bounds."""
    return Draft(fault=FaultKind.UNREADABLE, unreadable=(why,))


def at_most(count: int, drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
    """Return the drafts, or, if there are more of them, one that nothing has read."""
    return drafts if len(drafts) <= count else (beyond_bounds("too many answers"),)


def must_be_readable(call: "Call", drafts: Sequence[Draft], outcome: "Outcome | None" = None) -> None:
    """Raise CheckFailed for an answer that could not be read and would be given all the same.

    A guard hands such an answer to `if_unsure`. In shadow its `outcome` only says so, and the answer goes on.
    """
    if any(draft.fault is FaultKind.UNREADABLE for draft in drafts) and not (
        outcome is not None and outcome.decision.shadow
    ):
        raise CheckFailed("read answer", exchange=call.exchange, why="not in the shape it should have")
