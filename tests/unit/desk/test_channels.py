import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from handrail.desk.channels import Apprise, DeliveryError, Interest, Webhook
from handrail.desk.notice import Notice
from handrail.desk.receive import Receiver, ReplayError, Seen, SignatureError
from handrail.errors import ConfigError
from handrail.records import Severity

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "QUJD" * 8
NOTICE = Notice(
    id="0192-aa",
    tenant="default",
    ticket="t-7",
    kind="open",
    role="finance_lead",
    severity=Severity.HIGH,
    at=datetime(2026, 11, 24, 9, tzinfo=UTC),
    decide_by=datetime(2026, 11, 24, 13, tzinfo=UTC),
    link="https://inbox.example/t/t-7",
)
# apprise still imports a module that Python 3.11 calls deprecated.
needs_apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@dataclass
class Receipts:
    url: str = ""
    status: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def post_box() -> Iterator[Receipts]:
    receipts = Receipts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receipts.requests.append((dict(self.headers), body))
            self.send_response(receipts.status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receipts.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receipts
    server.shutdown()
    thread.join()
    server.server_close()


def utc_now() -> datetime:
    return datetime.now(UTC)


def test_a_webhook_arrives_as_a_signed_cloud_event(post_box: Receipts) -> None:
    Webhook(name="ops", url=post_box.url, secrets=(SECRET,)).deliver(NOTICE, now=utc_now())
    headers, body = post_box.requests[0]
    event = Receiver(secrets=[SECRET], is_new=Seen(utc_now))(body, headers)
    assert (event["specversion"], event["type"], event["id"]) == (
        "1.0",
        "dev.handrail.ticket.open",
        NOTICE.id,
    )
    assert event["data"] == {
        "ticket": "t-7",
        "tenant": "default",
        "event": "open",
        "role": "finance_lead",
        "next_role": None,
        "severity": "high",
        "decide_by": "2026-11-24T13:00:00+00:00",
        "link": "https://inbox.example/t/t-7",
    }


def test_while_a_secret_is_rotated_both_verify(post_box: Receipts) -> None:
    Webhook(name="ops", url=post_box.url, secrets=(SECRET, OLD_SECRET)).deliver(NOTICE, now=utc_now())
    headers, body = post_box.requests[0]
    for secret in (SECRET, OLD_SECRET):
        assert Receiver(secrets=[secret], is_new=Seen(utc_now))(body, headers)


def test_a_replayed_webhook_is_refused(post_box: Receipts) -> None:
    Webhook(name="ops", url=post_box.url, secrets=(SECRET,)).deliver(NOTICE, now=utc_now())
    headers, body = post_box.requests[0]
    receiver = Receiver(secrets=[SECRET], is_new=Seen(utc_now))
    receiver(body, headers)
    with pytest.raises(ReplayError):
        receiver(body, headers)


@pytest.mark.parametrize("change", ["body", "id", "secret", "time"])
def test_a_webhook_that_is_not_genuine_is_refused(post_box: Receipts, change: str) -> None:
    at = utc_now() - timedelta(minutes=6) if change == "time" else utc_now()
    Webhook(name="ops", url=post_box.url, secrets=(SECRET,)).deliver(NOTICE, now=at)
    headers, body = post_box.requests[0]
    if change == "body":
        body = body.replace(b"finance_lead", b"finance_lass")
    if change == "id":
        headers["webhook-id"] = "other"
    known = OLD_SECRET if change == "secret" else SECRET
    with pytest.raises(SignatureError):
        Receiver(secrets=[known], is_new=Seen(utc_now))(body, headers)


def test_ids_are_forgotten_only_when_their_time_stamp_is_refused_anyway() -> None:
    at = [datetime(2026, 1, 1, tzinfo=UTC)]
    seen = Seen(lambda: at[0])
    assert seen("a")
    at[0] += timedelta(minutes=10)
    assert not seen("a")
    at[0] += timedelta(minutes=2)
    assert seen("a")


@pytest.mark.parametrize(
    ("status", "is_final"), [(500, False), (429, False), (401, False), (410, True), (302, False)]
)
def test_anything_but_success_is_a_failure(post_box: Receipts, status: int, is_final: bool) -> None:
    post_box.status = status
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as caught:
        Webhook(name="ops", url=post_box.url, secrets=(SECRET,)).deliver(NOTICE, now=utc_now())
    assert caught.value.is_final is is_final
    assert len(post_box.requests) == 1  # a redirect is not followed


def test_a_receiver_that_is_away_is_a_failure_that_names_no_secret() -> None:
    hook = Webhook(name="ops", url="http://127.0.0.1:9", secrets=(SECRET,))
    with pytest.raises(DeliveryError, match="ConnectError") as caught:
        hook.deliver(NOTICE, now=utc_now())
    assert SECRET not in f"{caught.value!r} {hook!r}"


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://example.org/hook", (SECRET,)),
        ("ftp://127.0.0.1/", (SECRET,)),
        ("https://example.org/hook", ()),
        ("https://example.org/hook", ("whsec_",)),
        ("https://example.org/hook", ("whsec_ä",)),
    ],
)
def test_an_unsafe_webhook_is_refused_at_once(url: str, secrets: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="channel ops"):
        Webhook(name="ops", url=url, secrets=secrets)


@needs_apprise
def test_apprise_carries_title_and_lines(post_box: Receipts) -> None:
    channel = Apprise(name="chat", urls=(post_box.url.replace("http://", "json://"),))
    channel.deliver(NOTICE, now=utc_now())
    told = json.loads(post_box.requests[0][1])
    assert told["title"] == "Ticket t-7 waits for finance lead"
    assert told["message"].splitlines() == [
        "role: finance_lead",
        "severity: high",
        "deadline: 2026-11-24 13:00 UTC",
        "https://inbox.example/t/t-7",
    ]


@needs_apprise
def test_what_apprise_cannot_send_is_a_failure(post_box: Receipts) -> None:
    post_box.status = 500
    with pytest.raises(DeliveryError, match="channel chat: not accepted"):
        Apprise(name="chat", urls=(post_box.url.replace("http://", "json://"),)).deliver(
            NOTICE, now=utc_now()
        )


@needs_apprise
@pytest.mark.parametrize("urls", [(), ("nonsense://x",), ("",)])
def test_what_apprise_cannot_read_is_refused_at_once(urls: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="channel chat"):
        Apprise(name="chat", urls=urls)


def test_a_channel_gets_only_what_it_is_for() -> None:
    finance = Interest(roles=frozenset({"finance_lead"}), kinds=frozenset({"open", "warn"}))
    assert finance.matches(NOTICE)
    assert Interest().matches(NOTICE)
    supervisor = Interest(roles=frozenset({"supervisor"}))
    assert not supervisor.matches(NOTICE)
    assert supervisor.matches(replace(NOTICE, kind="warn", next_role="supervisor"))
    assert not Interest(kinds=frozenset({"expire"})).matches(NOTICE)
    assert not Interest(tenants=frozenset({"other"})).matches(NOTICE)
