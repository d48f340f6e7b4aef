"""Deciding a ticket: what it comes to is shown first, and only what was shown can count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import (
    AlreadyDecided,
    CheckFailed,
    DecisionExpired,
    DigestMismatch,
    NotPermitted,
    TicketError,
)
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to, is_part, page, sign_in_anew, telling_of
from handrail.inbox.pages.parts import CHOSEN, ShownCall, calls, proposed_parts
from handrail.inbox.pages.ticket import Filled, screen_page, screen_values
from handrail.inbox.telling import Telling, spoken
from handrail.service import Level, Operation, Preview, Proposal, TicketScreen
from handrail.service.form import changes_of
from handrail.tickets.ticket import Verdict

DELAY: Final = timedelta(seconds=5)
"""How long a decision of the inbox can be undone before it takes effect."""
_OWN = frozenset({"csrf", "verdict", "version", "digest", "change", "previewed", "readback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A preview as its page tells it."""

    title: str
    confirm: str
    runs: list[ShownCall]
    runs_not: list[ShownCall]
    customer_reads: str
    agent_reads: str
    waits_for: tuple[str, ...]
    warnings: list[str]
    is_reject: bool
    needs_step_up: bool
    digest: str
    readback: str
    readback_of: tuple[str, ...]


def preview(request: Request) -> Response:
    """Show what a decision comes to; nothing counts yet."""
    inbox, who = inbox_of(request), reviewer_of(request)
    form = dict(form_of(request).items())
    screen = inbox.service.screen(who, request.path_params["ref"])
    if "change" in form or Operation.DECIDE not in screen.operations:
        return screen_page(request, screen, Filled(given=form))
    telling = telling_of(request)
    try:
        proposal = proposed(screen, form)
        found = inbox.service.preview(who, screen.view.id, proposal)
    except (TicketError, CheckFailed) as error:
        filled = Filled(given=form, refused=_why(error, screen, telling))
        return _answered(request, screen, filled, HTTPStatus.CONFLICT, telling)
    # A passkey that was shown for another decision is none for this one.
    is_of_this = who.level is not Level.BOUND or who.bound_to == found.binds
    has_level = who.level.rank >= found.needs_level.rank and is_of_this
    shown = _shown(screen, proposal, found, telling, has_level=has_level)
    carried = [(name, value) for name, value in form.items() if name not in _OWN and value]
    carried += [("verdict", form.get("verdict", "")), ("version", str(found.version))]
    carried += [("digest", found.digest), ("previewed", found.token)]
    filled = Filled(given=form, preview=shown, carried=carried)
    return _answered(request, screen, filled, HTTPStatus.OK, telling)


def _answered(
    request: Request, screen: TicketScreen, filled: Filled, status: HTTPStatus, telling: Telling
) -> Response:
    """Return the preview by itself where a script asks for it, else in its page."""
    if not is_part(request):
        return screen_page(request, screen, filled, status)
    values = screen_values(request, screen, filled, telling)
    return page(request, "preview.html", values, telling=telling, status=status)


def proposed(screen: TicketScreen, form: Mapping[str, str]) -> Proposal:
    """Return what a form proposes; approving what was edited is an edit.

    Raises:
        CheckFailed: an argument cannot be read, or there is no such verdict.
    """
    given = form.get("verdict", "")
    if given not in (*Verdict, CHOSEN):
        raise CheckFailed("decide", why="choose what you decide")

    def text(name: str) -> str:
        of = Verdict.APPROVE if given == CHOSEN else given
        return form.get(f"{of}.{name}", "").replace("\r\n", "\n").strip()

    proposal = Proposal(
        verdict=Verdict.APPROVE if given == CHOSEN else Verdict(given),
        message_to_user=text("message_to_user"),
        message_to_agent=text("message_to_agent"),
        note=text("note"),
        reason_code=text("reason_code"),
        digest=form.get("digest", ""),
        version=int(form["version"]) if form.get("version", "").isdecimal() else None,
        previewed=form.get("previewed", ""),
        idempotency_key=form.get("key", ""),
        readback=form.get("readback", ""),
        opened_at=_moment(form.get("opened", "")),
    )
    if given == CHOSEN:
        return proposed_parts(screen, form, proposal)
    if proposal.verdict is Verdict.ANSWER:
        return replace(proposal, answer=text("answer"))
    if proposal.verdict is not Verdict.APPROVE:
        return proposal
    written = {name.removeprefix("arg."): value for name, value in form.items() if name.startswith("arg.")}
    changes = changes_of(screen.fields, written)
    if changes:
        return replace(proposal, verdict=Verdict.EDIT, changes=changes)
    draft = form.get("edit.answer", screen.draft).replace("\r\n", "\n")
    if not screen.action and draft.strip() != screen.draft.strip():
        return replace(proposal, verdict=Verdict.EDIT, answer=draft.strip())
    return proposal


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _shown(
    screen: TicketScreen, proposal: Proposal, found: Preview, telling: Telling, *, has_level: bool
) -> Shown:
    t, verdict = telling.t, CHOSEN if found.parts else proposal.verdict.value
    runs, runs_not = calls(screen, proposal, found, telling)
    return Shown(
        title=t(f"preview.{verdict}"),
        confirm=t(f"preview.confirm_{verdict}"),
        runs=runs,
        runs_not=runs_not if found.parts else [],
        customer_reads=found.customer_reads,
        agent_reads=found.agent_reads,
        waits_for=found.waits_for,
        warnings=[t.of("preview.warning", code, code=code) for code in found.warnings],
        is_reject=proposal.verdicts == {Verdict.REJECT},
        needs_step_up=not has_level and found.needs_level is not Level.TOKEN,
        digest=found.binds,
        readback=found.readback,
        readback_of=found.readback_of,
    )


def decide(request: Request) -> Response:
    """Record a decision that was shown before, then show the ticket with the way to undo it."""
    inbox, who = inbox_of(request), reviewer_of(request)
    form = dict(form_of(request).items())
    screen = inbox.service.screen(who, request.path_params["ref"])
    telling = telling_of(request)
    try:
        proposal = proposed(screen, form)
        inbox.service.decide(who, screen.view.id, proposal, delay=DELAY, must_be_previewed=True)
    except NotPermitted as error:
        if error.lacks != "level":
            raise
        inbox.kept_forms.keep(who.tenant, who.person, screen.reference, form)
        return sign_in_anew(f"/tickets/{screen.reference}")
    except (TicketError, CheckFailed) as error:
        fresh = inbox.service.screen(who, screen.view.id)
        filled = Filled(given=form, refused=_why(error, fresh, telling))
        return screen_page(request, fresh, filled, HTTPStatus.CONFLICT)
    return go_to(f"/tickets/{screen.reference}")


def undo(request: Request) -> Response:
    """Take a decision back before it takes effect."""
    ref = request.path_params["ref"]
    try:
        inbox_of(request).service.undo(reviewer_of(request), ref)
    except TicketError:
        return go_to(f"/tickets/{ref}", "undo_late")
    return go_to(f"/tickets/{ref}", "undo")


def _why(error: Exception, screen: TicketScreen, telling: Telling) -> str:
    """Return in words why a decision does not count; texts of the library say the rest."""
    t = telling.t
    said = screen.view.resolution
    if isinstance(error, AlreadyDecided) and said is not None:
        how = t(f"decided.{said.verdict.value}", person=telling.name_of(said.person), role=spoken(said.role))
        return t("decide.already", how=how.rstrip("."), time=telling.clock(said.decided_at))
    if isinstance(error, AlreadyDecided | DecisionExpired):
        return t("decide.moved", state=t(f"state.{screen.view.state.value}").lower())
    if isinstance(error, DigestMismatch):
        return t("decide.changed")
    why = getattr(error, "why", "") or getattr(error, "problem", "") or str(error)
    return t("decide.refused", why=why)


routes = [
    Route("/tickets/{ref}/preview", preview, methods=["POST"]),
    Route("/tickets/{ref}/decide", decide, methods=["POST"]),
    Route("/tickets/{ref}/undo", undo, methods=["POST"]),
]
