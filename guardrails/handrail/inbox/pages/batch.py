"""Deciding several tickets of one rule and tool together: each is shown, and recorded on its own."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import CheckFailed
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.deciding import DELAY
from handrail.inbox.pages.page import go_to, page, sign_in_anew, telling_of
from handrail.inbox.telling import Telling
from handrail.service import Level, Proposal
from handrail.service.batch import MOST, BatchLine, Seen
from handrail.service.settings import REASONS
from handrail.tickets.ticket import Verdict


def show(request: Request) -> Response:
    """Show the chosen tickets with what approving or rejecting each comes to; nothing counts yet."""
    service, who, telling = inbox_of(request).service, reviewer_of(request), telling_of(request)
    refs = request.query_params.getlist("ref")[:MOST]
    verdict = Verdict.REJECT if request.query_params.get("verdict") == "reject" else Verdict.APPROVE
    reason = request.query_params.get("reason", "") if verdict is Verdict.REJECT else ""
    try:
        found = service.batch_preview(who, refs, Proposal(verdict=verdict, reason_code=reason))
    except CheckFailed:
        return page(request, "batch.html", _nothing(), telling=telling)
    shown = [line for line in found.lines if line.preview is not None]
    needs = [line.preview.needs_level for line in shown if line.preview is not None]
    values = {
        **_nothing(),
        "problem": "",
        "lines": [(line, _title(line, found.tool, telling), _why(line, telling)) for line in found.lines],
        "count": len(shown),
        "verdict": verdict.value,
        "reason_code": reason,
        "needs_step_up": any(who.level.rank < level.rank and level is not Level.TOKEN for level in needs),
    }
    return page(request, "batch.html", values, telling=telling)


def _nothing() -> dict[str, object]:
    reasons = REASONS[Verdict.REJECT]
    return {"here": "list", "problem": "none", "lines": [], "reasons": reasons}


def _title(line: BatchLine, tool: str, telling: Telling) -> str:
    return telling.title(line.headline, tool) if line.headline else line.said


def _why(line: BatchLine, telling: Telling) -> str:
    return telling.t.of("batch.refused", line.refused) if line.refused else ""


def decide(request: Request) -> Response:
    """Record the decision on each ticket that was shown; one that has moved on is left out, and said."""
    service, who, form = inbox_of(request).service, reviewer_of(request), form_of(request)
    verdict = form.get("verdict", "")
    if verdict not in list(Verdict):
        return Response(status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
    seen = [
        Seen(
            ticket=ticket,
            digest=form.get(f"digest.{ticket}", ""),
            version=_number(form.get(f"version.{ticket}", "")),
            previewed=form.get(f"previewed.{ticket}", ""),
        )
        for ticket in form.getlist("ref")
    ]
    proposal = Proposal(verdict=Verdict(verdict), reason_code=form.get("reason", ""))
    done = service.batch_decide(who, seen, proposal, delay=DELAY)
    refused: Sequence[str] = [one.refused for one in done if one.refused]
    if "level" in refused:
        chosen = [("ref", one.ticket) for one in seen]
        back = urlencode([*chosen, ("verdict", verdict), ("reason", form.get("reason", ""))])
        return sign_in_anew(f"/batch?{back}")
    return go_to("/", "batch_partly" if refused else "batch")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


routes = [
    Route("/batch", show, methods=["GET"]),
    Route("/batch/decide", decide, methods=["POST"]),
]
