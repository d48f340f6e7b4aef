from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from handrail.desk import settings as desk_settings
from handrail.desk.channels import DeliveryError
from handrail.desk.notice import Notice
from handrail.errors import ConfigError
from handrail.records import Severity
from handrail_adapters.tickets_rest import FieldMap, Request, RestTickets, channel, load_map
from support.jira_stand_in import Jira, jira_server

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OPENED = Notice(
    id="n-1",
    tenant="default",
    ticket='t-7" OR labels = "x',
    kind="open",
    role="finance_lead",
    severity=Severity.HIGH,
    at=NOW,
    decide_by=datetime(2026, 11, 25, 13, tzinfo=UTC),
    link="https://inbox.example/t/t-7",
)


@pytest.fixture
def jira() -> Iterator[Jira]:
    with jira_server() as served:
        yield served


def tickets(jira: Jira, **options: str) -> RestTickets:
    known = {"user": jira.user, "token": jira.token, "project": "SUP", "type": "Task"} | options
    return RestTickets(name="jira", url=jira.url, fields=load_map("jira"), options=known)


def test_an_open_ticket_becomes_one_issue_that_jira_accepts(jira: Jira) -> None:
    tickets(jira).deliver(OPENED, now=NOW)
    assert jira.refused == []
    fields = jira.issues["SUP-1"]
    assert fields["summary"] == f"Ticket {OPENED.ticket} waits for finance lead"
    assert fields["priority"] == {"name": "High"}
    assert fields["duedate"] == "2026-11-25"
    assert "https://inbox.example/t/t-7" in str(fields["description"])
    assert jira.comments == {}


def test_what_happens_next_becomes_a_comment(jira: Jira) -> None:
    one = tickets(jira)
    one.deliver(OPENED, now=NOW)
    one.deliver(replace(OPENED, id="n-2", kind="warn"), now=NOW)
    one.deliver(replace(OPENED, id="n-3", kind="approve"), now=NOW)
    assert (list(jira.issues), len(jira.comments["SUP-1"]), jira.refused) == (["SUP-1"], 2, [])


def test_the_same_notice_twice_makes_one_issue(jira: Jira) -> None:
    one = tickets(jira)
    one.deliver(OPENED, now=NOW)
    one.deliver(OPENED, now=NOW)
    assert list(jira.issues) == ["SUP-1"]


def test_a_lost_answer_does_not_make_a_second_issue(jira: Jira) -> None:
    jira.answers_lost = 1
    with pytest.raises(DeliveryError):
        tickets(jira).deliver(OPENED, now=NOW)
    tickets(jira).deliver(OPENED, now=NOW)
    assert list(jira.issues) == ["SUP-1"]


def test_an_event_whose_opening_was_lost_makes_the_issue_first(jira: Jira) -> None:
    tickets(jira).deliver(replace(OPENED, kind="escalate"), now=NOW)
    assert (list(jira.issues), len(jira.comments["SUP-1"])) == (["SUP-1"], 1)


def test_a_ticket_without_a_deadline_leaves_the_due_date_out(jira: Jira) -> None:
    tickets(jira).deliver(replace(OPENED, decide_by=None), now=NOW)
    assert jira.refused == []
    assert "duedate" not in jira.issues["SUP-1"]


def test_tickets_of_two_tenants_are_two_issues(jira: Jira) -> None:
    tickets(jira).deliver(OPENED, now=NOW)
    tickets(jira).deliver(replace(OPENED, tenant="other"), now=NOW)
    assert len(jira.issues) == 2


@pytest.mark.parametrize(("status", "is_final"), [(503, False), (429, False), (403, False), (422, True)])
def test_a_refusal_is_a_failure_with_its_status(jira: Jira, status: int, is_final: bool) -> None:
    jira.status = status
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as caught:
        tickets(jira).deliver(OPENED, now=NOW)
    assert caught.value.is_final is is_final


def test_a_map_that_breaks_the_schema_is_refused_by_the_stand_in(jira: Jira) -> None:
    shipped = load_map("jira")
    body = {"fields": {"project": {"key": "SUP"}, "summary": "x", "description": "plain text"}}
    broken = shipped.model_copy(
        update={"create": Request(method="POST", path="/rest/api/3/issue", body=body, id="key")}
    )
    with pytest.raises(DeliveryError, match="HTTP 400") as caught:
        replace(tickets(jira), fields=broken).deliver(OPENED, now=NOW)
    assert caught.value.is_final
    assert jira.refused


def test_wrong_credentials_fail_without_being_named(jira: Jira) -> None:
    one = tickets(jira, token="wr0ng")
    with pytest.raises(DeliveryError, match="HTTP 401") as caught:
        one.deliver(OPENED, now=NOW)
    assert "wr0ng" not in f"{caught.value} {one!r}"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(method="POST", path="/x/{nothing}", id="key"), "nothing is called {nothing}"),
        (Request(method="POST", path="/x", body={"a": ["{severity|colour}"]}, id="key"), "no table 'colour'"),
        (Request(method="POST", path="/x"), "where the id lies"),
    ],
)
def test_a_map_that_cannot_work_is_refused_at_once(request_: Request, says: str) -> None:
    shipped = load_map("jira")
    with pytest.raises(ConfigError, match=says.replace("{", r"\{")):
        RestTickets(
            name="jira",
            url="https://example.org",
            fields=FieldMap(find=shipped.find, create=request_),
            options={"project": "SUP"},
        )


def test_a_map_is_shipped_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "find: {method: GET, path: /x, id: a}\ncreate: {method: PUT, path: /x, id: a}\n"
    )
    assert load_map("own.yaml", folder=tmp_path).create.method == "PUT"
    (tmp_path / "bad.yaml").write_text("find: {method: DELETE, path: /x}\n")
    for name, says in [
        ("nowhere", "no map named"),
        ("none.yaml", "cannot be read"),
        ("bad.yaml", "bad.yaml: "),
    ]:
        with pytest.raises(ConfigError, match=says):
            load_map(name, folder=tmp_path)


def test_the_desks_file_names_it_by_kind(jira: Jira, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="rest", value="handrail_adapters.tickets_rest:channel", group=desk_settings.KINDS)
    monkeypatch.setattr(desk_settings, "entry_points", lambda group: [point])
    file = tmp_path / "desk.yaml"
    file.write_text(
        f"channels: {{jira: {{kind: rest, url: '{jira.url}', roles: [finance_lead], options: "
        "{map: jira, user: env:U, token: env:T, project: SUP, type: Task}}}\n"
    )
    loaded = desk_settings.load_settings(file, environ={"U": jira.user, "T": jira.token})
    loaded.channels[0].deliver(OPENED, now=NOW)
    assert list(jira.issues) == ["SUP-1"]
    with pytest.raises(ConfigError, match="no channel 'fax'"):
        file.write_text("channels: {x: {kind: fax, url: 'https://example.org'}}\n")
        desk_settings.load_settings(file)


def test_the_option_map_is_needed() -> None:
    with pytest.raises(ConfigError, match="option map"):
        channel("jira", "https://example.org", {}, desk_settings.Interest())
