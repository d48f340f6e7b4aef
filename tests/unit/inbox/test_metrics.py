"""Metrics say how much waits and how the inbox answers: kinds and numbers, to whoever shows the key."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from handrail.gateway.metrics import Metrics as GatewayMetrics
from support.inbox import Scene, inbox_of_tickets
from support.stores import SECRET

ALERTS = Path(__file__).parents[3] / "examples" / "prometheus_alerts.yaml"
OIDC = {"issuer": "https://id.example.com", "client_id": "inbox"}
KEY = "metrics-key-0123456789"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path) as found:
        yield found


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {name}"
    return float(found[1])


def test_what_waits_is_counted_by_role(scene: Scene) -> None:
    scene.ticket(customer="anna@example.org")
    scene.ticket()
    scene.clock.move(minutes=31)
    text = scene.browser().get("/metrics").text
    assert value(text, 'handrail_open_tickets{role="finance_lead"}') == 2
    assert value(text, 'handrail_overdue_tickets{role="finance_lead"}') == 2
    assert value(text, "handrail_desk_timer_late_seconds") >= 60
    assert value(text, "handrail_inbox_store_up") == 1


def test_no_word_of_a_ticket_and_no_name_of_a_person_is_in_it(scene: Scene) -> None:
    ticket, browser = scene.ticket(customer="anna@example.org"), scene.signed_in("fay")
    browser.get(f"/tickets/{ticket.id}?said={SECRET}")
    browser.get(f"/api/v1/tickets/{ticket.id}")
    text = scene.browser().get("/metrics").text
    for word in (SECRET, "anna", "fay", ticket.id, "1182", "/tickets"):
        assert word not in text


def test_requests_are_counted_by_kind_and_class(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    browser.get("/api/v1/me")
    browser.get("/api/v1/none")
    text = browser.get("/metrics").text
    assert value(text, 'handrail_inbox_requests_total{kind="api",status="2xx"}') == 1
    assert value(text, 'handrail_inbox_requests_total{kind="api",status="4xx"}') == 1


def test_metrics_are_for_whoever_shows_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDRAIL_METRICS_KEY", raising=False)
    with inbox_of_tickets(tmp_path, development=False, address="https://i.example.com", oidc=OIDC) as scene:
        browser = scene.browser("https://i.example.com")
        assert browser.get("/metrics").status_code == 401
        assert browser.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
        monkeypatch.setenv("HANDRAIL_METRICS_KEY", KEY)
        assert browser.get("/metrics").status_code == 401
        assert browser.get("/metrics", headers={"authorization": f"Bearer {KEY}"}).status_code == 200


def test_every_metric_of_the_example_alerts_is_one_that_there_is(scene: Scene) -> None:
    scene.ticket()
    there = scene.browser().get("/metrics").text + GatewayMetrics().text().decode()
    rules = YAML(typ="safe", pure=True).load(ALERTS.read_text())["groups"][0]["rules"]
    assert len(rules) >= 8
    for rule in rules:
        for name in re.findall(r"handrail_\w+", rule["expr"]):
            base = re.sub(r"_(total|bucket)$", "", name)
            assert f"# TYPE {base}" in there, f"{rule['alert']} asks for {name}"
