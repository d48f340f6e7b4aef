"""One ticket on one screen: why it was stopped, what would be done, and the way to decide."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handrail.ids import new_id
from handrail.inbox.context import inbox_of, reviewer_of
from handrail.inbox.gaps import gaps, lacking
from handrail.inbox.pages.page import Notice, page, telling_of
from handrail.inbox.pages.parts import arguments, forms
from handrail.inbox.pages.steps import buttons, sheets
from handrail.inbox.security import SIGN_IN
from handrail.inbox.telling import OPEN_STATES, Telling, looking, spoken
from handrail.service import Level, Operation, TicketScreen
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Verdict

_TOLD_FACTS = frozenset({"confidence"})
_FEW = 8
_STILL_S = 120
"""For how many seconds after a look somebody counts as still looking."""
_ASKED = re.compile(r"\bconfidence\s*<=?\s*(0?\.\d+|0|1)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a person has filled in, by field name, and the preview or refusal of it.

    `is_kept` says that it is what they had filled in before they signed in again.
    """

    given: Mapping[str, str]
    preview: object = None
    carried: Sequence[tuple[str, str]] = ()
    refused: str = ""
    is_kept: bool = False


NOTHING_FILLED = Filled(given={})


def show(request: Request) -> Response:
    """Show a ticket; that somebody looked is on record first."""
    inbox, who = inbox_of(request), reviewer_of(request)
    screen = inbox.service.screen(who, request.path_params["ref"])
    kept = inbox.kept_forms.take(who.tenant, who.person, screen.reference)
    return screen_page(request, screen, Filled(given=kept, is_kept=True) if kept else NOTHING_FILLED)


def state(request: Request) -> Response:
    """Say in which version and state a ticket is, for a page that shows it."""
    inbox, telling = inbox_of(request), telling_of(request)
    where, version = inbox.service.where(reviewer_of(request), request.path_params["ref"])
    told = telling.t("ticket.moved", state=telling.t(f"state.{where.value}"))
    return JSONResponse({"version": version, "text": told})


def screen_page(
    request: Request, screen: TicketScreen, filled: Filled, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Return the page of a ticket."""
    telling = telling_of(request)
    values = screen_values(request, screen, filled, telling)
    if filled.refused:
        values["notice"] = Notice(text=filled.refused, tone="bad")
    elif filled.is_kept:
        values["notice"] = Notice(text=telling.t("decide.kept"), tone="good")
    return page(request, "ticket.html", values, telling=telling, status=status)


def screen_values(
    request: Request, screen: TicketScreen, filled: Filled, telling: Telling
) -> dict[str, object]:
    """Return what the templates of a ticket are given."""
    ticket, who = screen.ticket, reviewer_of(request)
    can_decide = Operation.DECIDE in screen.operations and ticket is not None
    verdicts = [verdict.value for verdict in ticket.allowed] if ticket is not None else []
    if screen.needs_own_answer:
        # Whoever answers the customer themselves needs no draft; everything else is decided on it.
        verdicts = [verdict for verdict in verdicts if verdict == Verdict.ANSWER]
    conflicts = [rule for rule in screen.rules if rule.is_conflict]
    undo_s = _seconds_left(screen)
    return {
        "here": "list",
        "screen": screen,
        "base": f"/tickets/{screen.reference}",
        "sides": conflicts if len(conflicts) > 1 else [],
        "other_rules": [rule for rule in _once(screen.rules) if rule not in conflicts or len(conflicts) == 1],
        "arguments": arguments(screen.fields, filled.given),
        "parts": forms(screen, filled.given) if can_decide else [],
        "given": filled.given,
        "preview": filled.preview,
        "carried": filled.carried,
        "refused": filled.refused,
        "can_decide": can_decide,
        "can_edit": can_decide and Verdict.EDIT.value in verdicts,
        "verdicts": verdicts,
        "reject_reasons": screen.reasons.get(Verdict.REJECT, ()),
        "cannot": "" if can_decide else _why_not(screen, telling),
        "steps": sheets(request, screen, telling),
        "one_click": buttons(screen, telling),
        "idempotency_key": new_id(),
        "opened_at": filled.given.get("opened", screen.now.isoformat()),
        "unmask_fields": screen.unmaskable if Operation.UNMASK in screen.operations else (),
        "undo_s": undo_s,
        "step_up": _step_up(request, screen) if can_decide else "",
        "has_passkey": bool(inbox_of(request).passkeys.of(who)),
        "is_fresh": who.level is Level.FRESH,
        "undo_total": undo_s,
        "receipt_text": _receipt(screen, telling),
        **_told(screen, who.person, telling),
    }


def _told(screen: TicketScreen, me: str, telling: Telling) -> dict[str, object]:
    """Return what a page says of a ticket to whoever reads it, whatever they may do."""
    ticket, confidence = screen.ticket, screen.confidence
    return {
        "heading": telling.title(screen.headline, screen.action),
        "why": telling.sentence(screen),
        "masks": tuple(ticket.mask) if ticket is not None else (),
        "company": _company(screen, me, telling),
        "is_resolved": screen.view.state is State.RESOLVED,
        "confidence": confidence,
        "lacking": lacking(confidence.missing if confidence is not None else (), telling.t),
        "need": _need(screen),
        "gaps": gaps(screen, telling.t),
        "facts": _facts(screen),
        "lines": [(line, _is_promise(line.text, screen.promised)) for line in screen.lines],
        "said_before": screen.said if screen.said and not _is_said(screen.said, screen) else "",
        "shown_before": ticket.shown if ticket is not None else "",
        "loose_promises": [text for text in screen.promised if not _is_said(text, screen)],
        "similar_in_short": telling.in_short(screen.similar),
        "similar_few": screen.similar[:_FEW],
        "history": telling.history(screen),
    }


def _company(screen: TicketScreen, me: str, telling: Telling) -> list[tuple[str, str]]:
    """Return who else looks at a ticket, with the words for it."""
    found = []
    for person, at in looking(screen.history, me, screen.now).items():
        name, ago = telling.name_of(person), (screen.now - at).total_seconds()
        is_now = ago < _STILL_S
        said = (
            telling.t("ticket.looking", person=name)
            if is_now
            else telling.t("ticket.looked", person=name, time=telling.span(ago))
        )
        found.append((person, said))
    return found


def _seconds_left(screen: TicketScreen) -> int:
    if screen.undo_until is None:
        return 0
    return max(0, ceil((screen.undo_until - screen.now).total_seconds()))


def _receipt(screen: TicketScreen, telling: Telling) -> str:
    said = screen.view.resolution
    if said is None:
        return ""
    return telling.t("undo.parts" if said.parts else f"undo.{said.verdict.value}")


def _step_up(request: Request, screen: TicketScreen) -> str:
    """Return where a person shows anew who they are, if approving asks for it; else empty."""
    needed = screen.needs.get(Verdict.APPROVE, Level.TOKEN)
    if reviewer_of(request).level.rank >= needed.rank:
        return ""
    return f"{SIGN_IN}/again?next={quote(f'/tickets/{screen.reference}', safe='')}"


def _once(rules: Sequence[object]) -> list[object]:
    """Return rules without those that say the same for a second effect."""
    seen: set[tuple[object, object]] = set()
    kept = []
    for rule in rules:
        key = (getattr(rule, "rule", None), getattr(rule, "because", None))
        if key not in seen:
            seen.add(key)
            kept.append(rule)
    return kept


def _why_not(screen: TicketScreen, telling: Telling) -> str:
    view = screen.view
    if view.state.value not in OPEN_STATES:
        return telling.t("decide.cannot_ended", state=telling.t(f"state.{view.state.value}").lower())
    if view.state.value == "waiting_info":
        return telling.t("decide.cannot_waiting")
    if view.claimed_by:
        return telling.t("decide.cannot_others", person=telling.name_of(view.claimed_by))
    return telling.t("decide.cannot_role", role=spoken(view.role).capitalize())


def _need(screen: TicketScreen) -> float | None:
    """Return the confidence that was asked for: that of the calibration, or of the rule's own condition."""
    if screen.confidence is not None and screen.confidence.threshold is not None:
        return screen.confidence.threshold
    asked = next((found for rule in screen.rules if (found := _ASKED.search(rule.when))), None)
    return float(asked[1]) if asked else None


def _facts(screen: TicketScreen) -> list[tuple[str, str]]:
    if screen.ticket is None:
        return []
    return [(name, record.text()) for name, record in screen.ticket.facts.items() if name not in _TOLD_FACTS]


def _is_promise(text: str, promised: Sequence[str]) -> bool:
    return any(promise and promise in text for promise in promised)


def _is_said(promise: str, screen: TicketScreen) -> bool:
    return any(promise in line.text for line in screen.lines)


routes = [
    Route("/tickets/{ref}", show, methods=["GET"]),
    Route("/tickets/{ref}/state", state, methods=["GET"]),
]
