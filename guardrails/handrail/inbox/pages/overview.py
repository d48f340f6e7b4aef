"""What a manager sees: how the queues stand, who carries what, what contradicts itself, what was given up."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import CheckFailed, TicketError
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import Notice, go_to, page, telling_of
from handrail.policy.file.cases import run_cases
from handrail.service import Reviewer, TicketService
from handrail.store.audit.verify import Report

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
    seeded: int
    seeded_right: int


def show(request: Request) -> Response:
    """Show how everything stands; for managers only."""
    return _page(request)


def _page(request: Request, report: Report | None = None, refused: str = "") -> Response:
    inbox, who, telling = inbox_of(request), reviewer_of(request), telling_of(request)
    service = inbox.service
    queues = service.queues(who)
    held = {pause.role for pause in service.pauses(who)}
    current, *earlier = service.policies(who)
    is_given = current.sha256 == inbox.policy.ref.sha256
    cases = run_cases(inbox.policy) if is_given else ()
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
        "policy": current,
        "earlier": earlier,
        "passed": sum(case.is_passed for case in cases),
        "failed": [case.case.name for case in cases if not case.is_passed],
        "report": report,
        "dead": service.dead_letters(who),
        "held": held,
        "all_held": EVERYTHING in held,
        "can_seed": any(plan.seeded_cases for plan in inbox.policy.roles.values()),
        "now": service.now,
    }
    if refused:
        values["notice"] = Notice(text=refused, tone="bad")
    return page(request, "overview.html", values, telling=telling)


def check_audit(request: Request) -> Response:
    """Walk the audit log, and show what was found."""
    t = telling_of(request).t
    try:
        return _page(request, inbox_of(request).service.audit_check(reviewer_of(request)))
    except CheckFailed as error:
        return _page(request, refused=t("error.refused", why=error.why))


def seed(request: Request) -> Response:
    """Put a decided ticket into its queue once more, to see how people decide."""
    t, said = telling_of(request).t, form_of(request).get("reference", "").strip()
    try:
        placed = inbox_of(request).service.seed(reviewer_of(request), said)
    except TicketError as error:
        return _page(request, refused=t("error.refused", why=error.problem))
    return go_to("/overview", "seed") if placed else go_to("/overview")


def _people(service: TicketService, who: Reviewer) -> list[PersonLine]:
    attention = {one.person: one for one in service.attention(who)}
    loads = {one.person: one for one in service.loads(who)}
    lines = []
    for person in sorted({*loads, *attention}):
        load, how = loads.get(person), attention.get(person)
        has_decided = how is not None and how.decided > 0
        lines.append(
            PersonLine(
                person=person,
                claimed=load.claimed if load else 0,
                decided=load.decided if load else 0,
                approve_rate=how.approve_rate if how and has_decided else None,
                median_seconds=how.median_seconds if how else None,
                seems_tired=bool(how and how.seems_tired),
                seeded=how.seeded if how else 0,
                seeded_right=how.seeded_right if how else 0,
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
    Route("/overview/audit", check_audit, methods=["POST"]),
    Route("/overview/seed", seed, methods=["POST"]),
    Route("/overview/{what}", switch, methods=["POST"]),
]
