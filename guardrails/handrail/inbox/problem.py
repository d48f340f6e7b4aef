"""What an API answers where it does not do what was asked: problem+json (RFC 9457), codes and no content."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from handrail.errors import (
    AlreadyDecided,
    AlreadyUsed,
    AmbiguousReference,
    CheckFailed,
    ConfigError,
    DecisionExpired,
    DigestMismatch,
    HandrailError,
    NotAllowed,
    NotDecided,
    NotPermitted,
    PolicyChanged,
    StoreUnavailable,
    TicketError,
    TicketNotFound,
)
from handrail.inbox.replays import KeyInUse, KeyReused
from handrail.review.changes.proposal import ProposalRefused, WhyRefused

MEDIA_TYPE: Final = "application/problem+json"

_ERRORS: Final[Mapping[type[HandrailError], tuple[HTTPStatus, str]]] = {
    TicketNotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    AmbiguousReference: (HTTPStatus.CONFLICT, "ambiguous_reference"),
    NotAllowed: (HTTPStatus.FORBIDDEN, "not_allowed"),
    AlreadyDecided: (HTTPStatus.CONFLICT, "already_decided"),
    AlreadyUsed: (HTTPStatus.CONFLICT, "already_used"),
    NotDecided: (HTTPStatus.CONFLICT, "not_decided"),
    DecisionExpired: (HTTPStatus.CONFLICT, "expired"),
    DigestMismatch: (HTTPStatus.CONFLICT, "digest_mismatch"),
    PolicyChanged: (HTTPStatus.CONFLICT, "policy_changed"),
    KeyReused: (HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused"),
    KeyInUse: (HTTPStatus.CONFLICT, "key_in_use"),
    StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable"),
    CheckFailed: (HTTPStatus.UNPROCESSABLE_ENTITY, "check_failed"),
    # A list's cursor, a role or a settlement that is none; or a people file that cannot be used just now.
    ConfigError: (HTTPStatus.UNPROCESSABLE_ENTITY, "not_usable"),
}


_PROPOSALS: Final[Mapping[WhyRefused, HTTPStatus]] = {
    WhyRefused.UNKNOWN: HTTPStatus.NOT_FOUND,
    WhyRefused.NO_MEMBER: HTTPStatus.FORBIDDEN,
}


def problem(
    status: HTTPStatus,
    code: str,
    detail: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """Return an answer that says what is wrong: a fixed `code`, and words without content."""
    said = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code, **more}
    if detail:
        said["detail"] = detail
    return Response(json.dumps(said), status, headers, MEDIA_TYPE)


def problem_of(error: HandrailError) -> Response:
    """Return the answer for an error of the service."""
    if isinstance(error, NotPermitted):
        if error.lacks == "level":
            return problem(HTTPStatus.FORBIDDEN, "step_up_needed", "show anew who you are")
        if error.lacks == "role":
            # Whether a ticket exists is nothing that somebody else is told.
            return problem(HTTPStatus.NOT_FOUND, "not_found", "no such ticket")
        return problem(HTTPStatus.FORBIDDEN, "not_permitted", f"lacks the {error.lacks}")
    if isinstance(error, ProposalRefused):
        return problem(_PROPOSALS.get(error.code, HTTPStatus.CONFLICT), error.code.value, error.problem)
    if isinstance(error, TicketNotFound):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "no such ticket")
    if isinstance(error, AmbiguousReference):
        candidates = error.candidates.split()
        return problem(HTTPStatus.CONFLICT, "ambiguous_reference", candidates=candidates)
    kind = next((kind for kind in type(error).__mro__ if kind in _ERRORS), None)
    status, code = _ERRORS[kind] if kind is not None else (HTTPStatus.CONFLICT, "refused")
    detail = error.problem if isinstance(error, TicketError) else getattr(error, "why", "")
    return problem(status, code, str(detail))
