"""The weekly review for whoever owns the policy: figures, charts, and proposals to accept or decline."""

from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import CheckFailed, NotPermitted
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to, page, sign_in_anew, telling_of
from handrail.inbox.telling import Telling
from handrail.review.changes.proposal import Proposal, ProposalRefused, WhyRefused
from handrail.review.log.calendar_week import name_of_week, week_of
from handrail.review.page.html import PageParts, page_parts
from handrail.review.page.proposal_html import diff, evidence, heading
from handrail.review.page.tables import Tables
from handrail.review.week.language import language

FOREVER = "public, max-age=3600"


def latest(request: Request) -> Response:
    """Lead to the week that was chosen, by default the last one that has ended."""
    service = inbox_of(request).service
    return go_to(f"/review/{request.query_params.get('week', '') or service.latest_week()}")


def show(request: Request) -> Response:
    """Show a week."""
    inbox, who, week = inbox_of(request), reviewer_of(request), request.path_params["week"]
    found = inbox.service.review(who, week)
    made, period = found.review, found.review.report.measures.period
    telling = telling_of(request)
    tables = _tables(telling)
    parts = page_parts(made.report, made.figures, made.patches, tables, listed=_listed)
    values = {
        "here": "review",
        "week": week,
        "period": tables.say.period(period.since, period.until),
        "before": _moved(week, -1),
        "after": _moved(week, 1) if week < inbox.service.latest_week() else "",
        "parts": _marked(parts),
        "changes": [one for one in made.patches if not one.is_note],
        "notes": [one for one in made.patches if one.is_note],
        "heading": partial(_heading, tables=tables),
        "evidence": partial(_evidence, tables=tables),
        "say": tables.say,
        "is_elsewhere": found.is_elsewhere,
    }
    return page(request, "review.html", values, telling=telling)


def proposal(request: Request) -> Response:
    """Show one proposal with its diff, before anything is accepted."""
    return _proposal_page(request)


def accept(request: Request) -> Response:
    """Accept a proposal as it was shown."""
    inbox, who, form = inbox_of(request), reviewer_of(request), form_of(request)
    week, name = request.path_params["week"], request.path_params["name"]
    try:
        day = form.get("from", "")
        done = inbox.service.accept_proposal(
            who, week, name, result=form.get("result", ""), effective=_day(day) if day else None
        )
    except CheckFailed as error:
        return _proposal_page(request, problem=error.why, status=HTTPStatus.CONFLICT)
    except ProposalRefused as error:
        if error.code in (WhyRefused.UNKNOWN, WhyRefused.ACCEPTED):
            raise
        return _proposal_page(request, problem=error.problem, status=HTTPStatus.CONFLICT)
    except NotPermitted as error:
        if error.lacks != "level":
            raise
        return sign_in_anew(f"/review/{week}/{name}")
    return go_to(f"/review/{week}", "accepted" if done.is_written else "accepted_waits")


def decline(request: Request) -> Response:
    """Decline a proposal; it is not shown again."""
    week, name = request.path_params["week"], request.path_params["name"]
    try:
        inbox_of(request).service.decline_proposal(reviewer_of(request), week, name)
    except NotPermitted as error:
        if error.lacks != "level":
            raise
        return sign_in_anew(f"/review/{week}/{name}")
    return go_to(f"/review/{week}", "declined")


def style(_: Request) -> Response:
    """Return the review's style sheet."""
    text = files("handrail.review.page").joinpath("weekly.css").read_text(encoding="utf-8")
    return Response(text, media_type="text/css", headers={"cache-control": FOREVER})


def _proposal_page(request: Request, *, problem: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    inbox, who = inbox_of(request), reviewer_of(request)
    week, name = request.path_params["week"], request.path_params["name"]
    found = inbox.service.proposed(who, week, name)
    policy = inbox.service.policy_in_force()
    telling = telling_of(request)
    tables = _tables(telling)
    values = {
        "here": "review",
        "week": week,
        "one": found,
        "kind": tables.say.named("kind", found.kind),
        "evidence": _evidence(found, tables),
        "diff": Markup(diff(found.diff)),  # noqa: S704 - escaped by `diff`
        "accepted_by": inbox.service.accepted_by(who, name),
        "by_role": policy.enforced_by or "",
        "today": inbox.clock().date().isoformat(),
        "problem": problem,
    }
    return page(request, "review_proposal.html", values, telling=telling, status=status)


def _marked(parts: PageParts) -> dict[str, Markup]:
    """Return the parts as markup; everything in them was escaped where they were made."""
    return {
        "steps": Markup(parts.steps),  # noqa: S704
        "tiles": Markup(parts.tiles),  # noqa: S704
        "hints": Markup(parts.hints),  # noqa: S704
        "charts": Markup("".join(parts.charts.values())),  # noqa: S704
        "tables": Markup("".join(parts.tables.values())),  # noqa: S704
    }


def _tables(telling: Telling) -> Tables:
    """Return what writes a review in the language of whoever looks."""
    return Tables(say=language(telling.t.language), link=_ticket)


def _heading(one: Proposal, tables: Tables) -> Markup:
    return Markup(heading(one, tables))  # noqa: S704 - escaped by `heading`


def _evidence(one: Proposal, tables: Tables) -> Markup:
    return Markup(evidence(one, tables))  # noqa: S704 - escaped by `evidence`


def _ticket(ticket: str) -> str:
    return f"/tickets/{ticket}"


def _listed(kind: str, name: str) -> str:
    """Return the list of ended tickets of a rule, trigger or role."""
    return f"/?{urlencode({'state': 'ended', 'q': f'{kind}:{name}'})}"


def _moved(week: str, by: int) -> str:
    return name_of_week(week_of(week).since.date() + timedelta(days=7 * by))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CheckFailed("day", why="write a day as 2026-12-01") from None


routes = [
    Route("/review", latest, methods=["GET"]),
    Route("/review/style.css", style, methods=["GET"]),
    Route("/review/{week}", show, methods=["GET"]),
    Route("/review/{week}/{name}", proposal, methods=["GET"]),
    Route("/review/{week}/{name}/accept", accept, methods=["POST"]),
    Route("/review/{week}/{name}/decline", decline, methods=["POST"]),
]
