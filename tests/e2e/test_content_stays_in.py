"""Whatever a ticket holds, nothing of it is in what leaves the house about it."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.desk import Desk, Settings
from handrail.desk.channels import Webhook
from handrail.records import Severity, Trigger
from handrail.store import SqlStore, open_store
from handrail.testing import FrozenClock
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from handrail_adapters.tickets_rest import RestTickets, load_map
from support.desk_scene import ROLES, START, actor, ticket

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Letters that occur in no word of ours, so that any trace of a text can be told.
WORDS = st.text(alphabet="ÄÖÜßЖЩЮ漢字仮名", min_size=4, max_size=40)


@pytest.fixture(scope="module")
def store() -> Iterator[SqlStore]:
    opened = open_store("sqlite://", allow_volatile=True)
    yield opened
    opened.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=WORDS,
    note=WORDS,
    answer=WORDS,
    trigger=st.sampled_from(list(Trigger)),
    severity=st.sampled_from(list(Severity)),
    is_decided=st.booleans(),
)
def test_nothing_of_a_ticket_leaves_the_house(
    store: SqlStore,
    said: str,
    note: str,
    answer: str,
    trigger: Trigger,
    severity: Severity,
    is_decided: bool,
) -> None:
    sent: list[bytes] = []

    def receive(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url).encode() + str(request.headers).encode() + request.content)
        return httpx.Response(201, json={"key": "SUP-1", "issues": [{"key": "SUP-1"}]})

    client = httpx.Client(transport=httpx.MockTransport(receive))
    options = {"user": "u", "token": "t", "project": "SUP", "type": "Task"}
    channels = (
        Webhook(name="ops", url="https://ops.example/hook", secrets=(SECRET,), client=client),
        RestTickets(
            name="jira", url="https://jira.example", fields=load_map("jira"), options=options, client=client
        ),
    )
    clock = FrozenClock(START)
    desk = Desk(store, ROLES, settings=Settings(channels=channels, link="https://x/{ticket}"), now=clock)
    number = sum(store.counts("default").values())
    store.open(ticket(f"n{number}", words=said, trigger=trigger, severity=severity))
    if is_decided:
        store.claim("default", f"n{number}", actor("fay", clock.at))
        resolution = Resolution(verdict=Verdict.ANSWER, answer=answer, note=note, message_to_user=said)
        store.resolve("default", f"n{number}", resolution, actor("fay", clock.at))
    for _ in range(8):
        desk.step()
        clock.advance(hours=2)
    assert store.get("default", f"n{number}").state in (State.ANSWERED, State.EXPIRED)
    assert len(sent) >= 4
    told = b"\n".join(sent).decode()
    escaped = told.encode().decode("unicode_escape", errors="ignore")
    for text in (said, note, answer):
        for start in range(len(text) - 2):
            assert text[start : start + 3] not in told
            assert text[start : start + 3] not in escaped
    for own in (f"customer n{number}", f"conversation n{number}", "big-refund", "issue_refund", "amount"):
        assert own not in told
