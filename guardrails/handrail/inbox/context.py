"""What every page and every route needs: the inbox's parts, who asks, and how a page is written."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from handrail.clock import Clock
from handrail.errors import HandrailError
from handrail.inbox.forms import Form
from handrail.inbox.kept_forms import KeptForms
from handrail.inbox.live import Live
from handrail.inbox.oidc import Provider
from handrail.inbox.rendering import Renderer
from handrail.inbox.sessions import Session, Sessions
from handrail.inbox.settings import Settings
from handrail.inbox.throttle import SignInThrottle, Throttle

if TYPE_CHECKING:
    from handrail.inbox.endings import Endings
    from handrail.inbox.metrics import Metrics
    from handrail.policy import Policy
    from handrail.policy.file.people_file import PeopleFile
    from handrail.service import Reviewer, TicketService
    from handrail.service.pace import Pace
    from handrail.service.passkeys import Passkeys
    from handrail.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The parts of one inbox process."""

    settings: Settings
    store: "SqlStore"
    service: "TicketService"
    policy: "Policy"
    people: "PeopleFile"
    sessions: Sessions
    provider: Provider | None
    renderer: Renderer
    sign_ins: SignInThrottle
    steps: Throttle
    kept_forms: KeptForms
    live: Live
    endings: "Endings"
    passkeys: "Passkeys"
    pace: "Pace"
    metrics: "Metrics"
    clock: Clock


def inbox_of(request: Request) -> Inbox:
    """Return the inbox that answers a request."""
    return cast("Inbox", request.app.state.inbox)


def session_of(request: Request) -> Session:
    """Return the session of whoever asks."""
    return cast("Session", request.state.session)


def reviewer_of(request: Request) -> "Reviewer":
    """Return whoever asks as the service knows them: the roles they act in, and how surely it is them."""
    from handrail.service import Level, Reviewer, Scope

    inbox, session = inbox_of(request), session_of(request)
    if request.state.token:
        return _holder(inbox, request.state.token)
    claimed = session.roles
    scopes = {Scope.READ, Scope.DECIDE, Scope.UNMASK} | ({Scope.MANAGE} if session.is_manager else set())
    who = Reviewer(
        person=session.person,
        tenant=session.tenant,
        roles=inbox.people.roles_of(session.person) if claimed is None else frozenset(claimed),
        scopes=frozenset(scopes),
        is_manager=session.is_manager,
        level=Level.FRESH if inbox.sessions.is_fresh(session) else Level.LOGIN,
        signed_in_at=datetime.fromtimestamp(session.proved_at, UTC),
        by_claims=claimed is not None,
    )
    is_bound = who.level is Level.LOGIN and inbox.clock().timestamp() < session.bound_until
    if is_bound and _names(request, who, session.bound_ticket):
        return replace(who, level=Level.BOUND, bound_to=session.bound_digest)
    return who


def _holder(inbox: Inbox, header: str) -> "Reviewer":
    """Return whoever a token acts as; nobody, whose person is empty, where it is none of ours."""
    from handrail.service import Reviewer, Scope

    kind, _, text = header.partition(" ")
    known = (
        inbox.service.reviewer_of_token(text.strip(), inbox.people.roles_of)
        if kind.lower() == "bearer"
        else None
    )
    if known is None:
        return Reviewer(person="", scopes=frozenset())
    is_manager = Scope.MANAGE in known.scopes and known.person in inbox.settings.managers
    return replace(known, is_manager=is_manager)


def _names(request: Request, who: "Reviewer", ticket: str) -> bool:
    """Tell whether a request is about this ticket and no other."""
    ref = request.path_params.get("ref", "")
    try:
        return bool(ref) and inbox_of(request).service.find(who, ref) == ticket
    except HandrailError:
        return False


def begin_session(request: Request, session: Session) -> None:
    """Answer this request with the cookie of another session."""
    request.state.session = session


def form_of(request: Request) -> Form:
    """Return the form that was sent; it was read on the way in, so a page that runs in a thread has it."""
    return cast("Form", request.state.form)


def csrf_of(request: Request) -> str:
    """Return the token that a form of this page carries in its field `csrf`."""
    return inbox_of(request).sessions.csrf_token(session_of(request))
