"""Deciding several tickets of one rule and tool together: each is shown, and recorded on its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import CheckFailed, NotPermitted, TicketError
from handrail.ids import new_id
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.deciding import DELAY
from handrail.inbox.pages.page import go_to, page, sign_in_anew, telling_of
from handrail.inbox.telling import Telling, spoken
from handrail.service import Level, Operation, Preview, Proposal, Reviewer, TicketScreen, TicketService
from handrail.tickets.ticket import Verdict

MOST: Final = 50
_VERDICTS = (Verdict.APPROVE, Verdict.REJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One ticket of a batch; `why` says why it is not decided with the others, empty where it is."""

    screen: TicketScreen
    title: str
    preview: Preview | None = None
    why: str = ""
    key: str = ""


def show(request: Request) -> Response:
    """Show the chosen tickets with what approving or rejecting each comes to."""
    refs = request.query_params.getlist("ref")[:MOST]
    verdict = Verdict.REJECT if request.query_params.get("verdict") == "reject" else Verdict.APPROVE
    reason = request.query_params.get("reason", "")
    return _page(request, refs, Proposal(verdict=verdict, reason_code=reason), HTTPStatus.OK)


def _page(request: Request, refs: Sequence[str], proposal: Proposal, status: HTTPStatus) -> Response:
    service, who, telling = inbox_of(request).service, reviewer_of(request), telling_of(request)
    screens = [service.screen(who, ref) for ref in refs]
    kinds = {(screen.action, screen.rules[0].rule if screen.rules else "") for screen in screens}
    problem = "none" if len(screens) < 2 else "mixed" if len(kinds) > 1 else ""
    items = [] if problem else [_item(service, who, screen, proposal, telling) for screen in screens]
    needs = [item.preview.needs_level for item in items if item.preview is not None]
    values = {
        "here": "list",
        "problem": problem,
        "items": items,
        "count": sum(item.preview is not None for item in items),
        "verdict": proposal.verdict.value,
        "reason_code": proposal.reason_code,
        "reasons": screens[0].reasons.get(Verdict.REJECT, ()) if screens else (),
        "what": spoken(screens[0].action).capitalize() if screens and screens[0].action else "",
        "needs_step_up": any(who.level.rank < level.rank and level is not Level.TOKEN for level in needs),
    }
    return page(request, "batch.html", values, telling=telling, status=status)


def _item(
    service: TicketService, who: Reviewer, screen: TicketScreen, proposal: Proposal, telling: Telling
) -> Item:
    title = telling.title(screen.headline, screen.action)
    if Operation.DECIDE not in screen.operations or not screen.action:
        return Item(screen=screen, title=title, why=telling.t("batch.refused"))
    try:
        found = service.preview(who, screen.view.id, proposal)
    except (TicketError, CheckFailed):
        return Item(screen=screen, title=title, why=telling.t("batch.refused"))
    return Item(screen=screen, title=title, preview=found, key=new_id())


def decide(request: Request) -> Response:
    """Record the decision on each ticket that was shown; one that has moved on is left out, and said."""
    service, who, form = inbox_of(request).service, reviewer_of(request), form_of(request)
    if form.get("verdict") not in [verdict.value for verdict in _VERDICTS]:
        return go_to("/", "batch")
    has_refused = False
    for ref in form.getlist("ref")[:MOST]:
        version = form.get(f"version.{ref}", "")
        proposal = Proposal(
            verdict=Verdict(form["verdict"]),
            reason_code=form.get("reason", ""),
            digest=form.get(f"digest.{ref}", ""),
            version=int(version) if version.isdecimal() else None,
            previewed=form.get(f"previewed.{ref}", ""),
            idempotency_key=form.get(f"key.{ref}", ""),
        )
        try:
            service.decide(who, ref, proposal, delay=DELAY, must_be_previewed=True)
        except NotPermitted as error:
            if error.lacks == "level":
                return sign_in_anew("/")
            has_refused = True
        except (TicketError, CheckFailed):
            has_refused = True
    return go_to("/", "batch_partly" if has_refused else "batch")


routes = [
    Route("/batch", show, methods=["GET"]),
    Route("/batch/decide", decide, methods=["POST"]),
]
