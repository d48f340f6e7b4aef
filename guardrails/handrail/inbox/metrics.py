"""Counters, times and how much waits, for Prometheus: kinds and numbers only."""

from datetime import datetime
from time import monotonic, perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.errors import StoreUnavailable
from handrail.inbox.settings import Settings
from handrail.service.overseeing import waiting_in
from handrail.store import SqlStore

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KINDS = (
    ("/api/", "api"),
    ("/static/", "static"),
    ("/sign-", "sign_in"),
    ("/live", "live"),
    ("/healthz", "probe"),
    ("/readyz", "probe"),
    ("/metrics", "probe"),
)
_LOOK_EVERY_S = 10.0


class Metrics:
    """What one inbox process counts. Labels are from fixed lists and the policy's roles.

    Args:
        store: whose tickets wait.
        settings: of which tenant.
    """

    def __init__(self, store: SqlStore, settings: Settings) -> None:
        self._store, self._tenant = store, settings.tenant
        self._looked_at = float("-inf")
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "handrail_inbox_requests",
            "Requests by kind and class of status.",
            ("kind", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "handrail_inbox_seconds",
            "Time to answer a request; streams are left out.",
            ("kind",),
            registry=self.registry,
        )
        self.streams = Gauge("handrail_inbox_streams", "Open live streams.", registry=self.registry)
        self.open = Gauge("handrail_open_tickets", "Open tickets by role.", ("role",), registry=self.registry)
        self.overdue = Gauge(
            "handrail_overdue_tickets",
            "Open tickets past their due time by role.",
            ("role",),
            registry=self.registry,
        )
        self.timer = Gauge(
            "handrail_desk_timer_late_seconds",
            "For how long the longest due timer has not been fired; a running desk keeps it low.",
            registry=self.registry,
        )
        self.notice = Gauge(
            "handrail_desk_notice_late_seconds",
            "For how long the longest waiting notice could have been sent.",
            registry=self.registry,
        )
        self.dead = Gauge("handrail_desk_dead_letters", "Notices that were given up.", registry=self.registry)
        self.store_up = Gauge(
            "handrail_inbox_store_up", "1 while the ticket store can be read.", registry=self.registry
        )

    def text(self, now: datetime, streams: int) -> bytes:
        """Return everything counted so far, in Prometheus' text format.

        Args:
            now: the time.
            streams: how many live streams are open.
        """
        self.streams.set(streams)
        # However often it is scraped, the store is asked seldom.
        if monotonic() - self._looked_at > _LOOK_EVERY_S:
            self._look(now)
            self._looked_at = monotonic()
        return generate_latest(self.registry)

    def _look(self, now: datetime) -> None:
        try:
            found = waiting_in(self._store, self._tenant, now)
        except StoreUnavailable:
            self.store_up.set(0)
            return
        self.store_up.set(1)
        self.open.clear()
        self.overdue.clear()
        for role, count in found.open_by_role.items():
            self.open.labels(role).set(count)
            self.overdue.labels(role).set(found.overdue_by_role[role])
        self.timer.set(found.oldest_timer_s)
        self.notice.set(found.oldest_notice_s)
        self.dead.set(found.dead_letters)


class Measured:
    """The application with its requests counted.

    Args:
        app: the application.
        metrics: what counts them.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = next((kind for start, kind in _KINDS if scope["path"].startswith(start)), "page")
        begun, status = perf_counter(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            if kind != "live":
                self._metrics.seconds.labels(kind).observe(perf_counter() - begun)
            self._metrics.requests.labels(kind, f"{status // 100}xx" if status else "gone").inc()
