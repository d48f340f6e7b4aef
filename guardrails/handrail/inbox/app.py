"""The inbox as an ASGI application."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from handrail.clock import Clock, now_utc
from handrail.inbox import probes, sign_in, step_up, streams
from handrail.inbox.context import Inbox
from handrail.inbox.endings import Endings
from handrail.inbox.kept_forms import KeptForms
from handrail.inbox.live import Live
from handrail.inbox.metrics import Measured, Metrics
from handrail.inbox.oidc import Provider
from handrail.inbox.pages import routes as page_routes
from handrail.inbox.pages.refusals import handlers
from handrail.inbox.pages.unforeseen import Unforeseen
from handrail.inbox.rendering import STATIC, Renderer
from handrail.inbox.rest import routes as rest_routes
from handrail.inbox.security import Protected
from handrail.inbox.sessions import Sessions
from handrail.inbox.settings import Settings
from handrail.inbox.throttle import SignInThrottle, Throttle
from handrail.policy import load
from handrail.policy.file.people_file import PeopleFile
from handrail.service import KeptPolicies, TicketService
from handrail.service.events import Events
from handrail.service.pace import Pace
from handrail.service.passkeys import Passkeys
from handrail.service.settings import ServiceSettings

if TYPE_CHECKING:
    from handrail.store import SqlStore


def make_app(settings: Settings, store: "SqlStore", *, clock: Clock = now_utc) -> Starlette:
    """Build the inbox; `app.state.inbox` holds its parts.

    Args:
        settings: how it is set up.
        store: where its tickets live, with the reviewer's side; the caller closes it.
        clock: the time.

    Raises:
        ConfigError: the policy, the people file or the key of sessions cannot be used.
    """
    policy = load(settings.policy)
    people = PeopleFile(settings.people, policy)
    policies = KeptPolicies(store=store, given=policy, clock=clock)
    service = TicketService(store, policies, people, clock, ServiceSettings(policy=settings.policy))
    inbox = Inbox(
        settings=settings,
        store=store,
        service=service,
        endings=Endings(service),
        policy=policy,
        people=people,
        sessions=Sessions(settings, clock),
        provider=_provider(settings, clock),
        renderer=Renderer(),
        sign_ins=SignInThrottle(store, settings.tenant, settings.limits.sign_ins, clock),
        steps=Throttle(settings.limits.steps),
        kept_forms=KeptForms(clock),
        metrics=Metrics(store, settings),
        passkeys=Passkeys(store, clock),
        pace=Pace(store, clock),
        live=Live(Events(store), settings.limits),
        clock=clock,
    )

    def protected(app: ASGIApp) -> ASGIApp:
        return Measured(Protected(app, inbox), inbox.metrics)

    app = Starlette(
        routes=[
            *page_routes,
            *sign_in.routes,
            *rest_routes,
            *streams.routes,
            *step_up.routes,
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *probes.routes,
        ],
        exception_handlers=dict(handlers),
        middleware=[
            Middleware(protected),
            Middleware(GZipMiddleware, minimum_size=1000),
            Middleware(Unforeseen),
        ],
    )
    # An address is known as it is written, or not at all.
    app.router.redirect_slashes = False
    app.state.inbox = inbox
    return app


def _provider(settings: Settings, clock: Clock) -> Provider | None:
    if settings.oidc is None:
        return None
    return Provider(settings.oidc, settings.address, settings.tenant, clock)
