"""What a manager sees: how the queues stand, who carries what, what contradicts itself, what was given up."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to, page, telling_of
from handrail.policy.file.cases import run_cases
from handrail.service import Reviewer, TicketService

EVERYTHING, PAUSED_BY_MANAGER = "", "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """One person: what they hold, what they decided, and how."""

    person: str
    claimed: int
    decided: int
    approve_rate: float | None
    median_seconds: float | None
    seems_tired: bool


def show(request: Request) -> Response:
    """Show how everything stands; for managers only."""
    inbox, who, telling = inbox_of(request), reviewer_of(request), telling_of(request)
    service = inbox.service
    queues = service.queues(who)
    cases = run_cases(inbox.policy)
    report = inbox.store.verify()
    held = {pause.role for pause in service.pauses(who)}
    values = {
        "here": "overview",
        "queues": queues,
        "most": max((queue.open for queue in queues), default=0) or 1,
        "open": sum(queue.open for queue in queues),
        "free": sum(queue.free for queue in queues),
        "breached": sum(queue.breached for queue in queues),
        "decided": sum(queue.decided for queue in queues),
        "people": _people(service, who),
        "conflicts": service.conflicts(who),
        "policy": inbox.policy,
        "passed": sum(case.is_passed for case in cases),
        "failed": sum(not case.is_passed for case in cases),
        "report": report,
        "dead": service.dead_letters(who),
        "held": held,
        "all_held": EVERYTHING in held,
        "now": service.now,
    }
    return page(request, "overview.html", values, telling=telling)


def _people(service: TicketService, who: Reviewer) -> list[PersonLine]:
    attention = {one.person: one for one in service.attention(who)}
    lines = []
    for load in service.loads(who):
        how = attention.get(load.person)
        lines.append(
            PersonLine(
                person=load.person,
                claimed=load.claimed,
                decided=load.decided,
                approve_rate=how.approve_rate if how else None,
                median_seconds=how.median_seconds if how else None,
                seems_tired=bool(how and how.seems_tired),
            )
        )
    return lines


def switch(request: Request) -> Response:
    """Put a role on hold or let it go on; an empty role is all of them."""
    service, who, form = inbox_of(request).service, reviewer_of(request), form_of(request)
    role = form.get("role", EVERYTHING)
    match request.path_params["what"]:
        case "pause":
            service.pause(who, role, why=PAUSED_BY_MANAGER)
        case "resume":
            service.resume(who, role, why=PAUSED_BY_MANAGER)
        case _:
            return Response(status_code=HTTPStatus.NOT_FOUND)
    return go_to("/overview")


def replay(request: Request) -> Response:
    """Send notices again that were given up."""
    form = form_of(request)
    inbox_of(request).service.replay(reviewer_of(request), form.getlist("message"))
    return go_to("/overview")


routes = [
    Route("/overview", show, methods=["GET"]),
    Route("/overview/replay", replay, methods=["POST"]),
    Route("/overview/{what}", switch, methods=["POST"]),
]
