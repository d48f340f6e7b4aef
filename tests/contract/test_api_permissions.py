"""Every operation of the API, by everybody, on a ticket of their own tenant and of another one.

The table of the API and the service's table of needs make the cases; what each comes to is said here anew,
from the words of the needs alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from handrail.inbox.rest.operations import OPERATIONS
from handrail.inbox.rest.sent import Nothing
from handrail.inbox.rest.table import ApiOperation
from handrail.service.permissions import NEEDS, Membership, Operation
from support.inbox import Browser, Scene, inbox_of_tickets
from support.stores import SECRET

PEOPLE = {"fay": "member", "pat": "covers", "lea": "later", "quin": "outsider", "max": "manager"}
BODIES: dict[str, Any] = {
    "ask": {"question": "Which order?"},
    "inform": {"answer": "1182"},
    "reassign": {"role": "legal_lead"},
    "link": {"of": "0197f0"},
    "reconcile": {"outcome": "done"},
    "decide": {"verdict": "approve"},
    "preview": {"verdict": "approve"},
    "unmask": {"fields": ["lines"], "reason": "to check it"},
    "snooze": {"until": "2026-03-02T11:00:00Z"},
    "extend": {"minutes": 10},
    "revise": {"instruction": "Ask for the order first."},
    "batch_preview": {"verdict": "reject", "tickets": ["0197f0"]},
    "batch_decide": {
        "verdict": "reject",
        "tickets": [{"ticket": "0197f0", "digest": "", "version": 1, "previewed": "x"}],
    },
    "pause": {"role": "queue_manager", "why": "stock-taking"},
    "resume": {"role": "queue_manager"},
    "make_token": {"name": "nightly", "scopes": ["read"]},
    "revoke_token": {"id": "0197f0"},
    "own_answer": {"answer": "It comes tomorrow."},
    "replay": {"ids": ["0197f0"]},
    "accept_proposal": {"week": "2026-W09", "proposal": "1a2b3c4d", "result": "0" * 64},
    "decline_proposal": {"week": "2026-W09", "proposal": "1a2b3c4d"},
}
REFUSED = {403, 404}


@dataclass
class Everybody:
    scene: Scene
    browsers: dict[str, Browser]
    stranger: Browser
    elsewhere: Browser


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    limits = {"steps": 100_000, "sign_ins": 1000}
    with inbox_of_tickets(tmp_path_factory.mktemp("inbox"), managers=["max"], limits=limits) as scene:
        browsers = {person: scene.signed_in(person) for person in PEOPLE}
        sessions = scene.app.state.inbox.sessions
        elsewhere = scene.browser()
        session = sessions.signed_in("fay", "other", roles=None, manager=True)
        elsewhere.cookies[sessions.cookie] = sessions.set_cookie(session).partition("=")[2].partition(";")[0]
        yield Everybody(scene, browsers, scene.browser(), elsewhere)


def asked(browser: Browser, operation: ApiOperation, ref: str, other: str = "0197f0") -> Any:
    body = None if operation.method == "GET" else BODIES.get(operation.name, {})
    if operation.name == "link":
        body = {"of": other}
    return browser.api(operation.method, operation.path.replace("{ref}", ref), body)


def test_every_operation_that_takes_something_has_its_body_here() -> None:
    assert {one.name for one in OPERATIONS if one.is_step and one.takes is not Nothing} <= {
        *BODIES,
        "withdraw",
        "claim_next",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_a_stranger_may_nothing(everybody: Everybody, operation: ApiOperation) -> None:
    ticket = everybody.scene.ticket()
    before = everybody.scene.store.history("default", ticket.id)
    answer = asked(everybody.stranger, operation, ticket.id)
    assert answer.status_code == 401
    assert everybody.scene.store.history("default", ticket.id) == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("person", PEOPLE)
def test_who_may_is_who_the_table_says(everybody: Everybody, operation: ApiOperation, person: str) -> None:
    ticket, other = everybody.scene.ticket(co_approvers=("legal_lead",)), everybody.scene.ticket()
    before = everybody.scene.store.history("default", ticket.id)
    answer = asked(everybody.browsers[person], operation, ticket.id, other.id)
    assert answer.status_code < 500
    if operation.needs is None or NEEDS[operation.needs].membership is Membership.ANYBODY:
        assert answer.status_code == 200
        return
    of = {
        Membership.ROLE: {"member", "covers"},
        Membership.ROUTE: {"member", "covers", "later"},
        Membership.MANAGER: {"manager"},
        Membership.OWNER: {"manager"},
    }[NEEDS[operation.needs].membership]
    if PEOPLE[person] in of:
        # Theirs to do, though the ticket may not be where the step begins.
        assert answer.status_code != 401
        assert answer.json().get("code") not in ("not_permitted", "step_up_needed", "not_found")
    else:
        assert answer.status_code in REFUSED
        assert answer.json()["code"] in ("not_permitted", "not_found")
        assert SECRET not in answer.text
        assert everybody.scene.store.history("default", ticket.id) == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_another_tenants_ticket_is_not_there(everybody: Everybody, operation: ApiOperation) -> None:
    ticket = everybody.scene.ticket()
    before = everybody.scene.store.history("default", ticket.id)
    answer = asked(everybody.elsewhere, operation, ticket.id)
    is_of_one = operation.is_of_a_ticket or operation.needs is Operation.CHANGE_POLICY
    assert answer.status_code == (404 if is_of_one else 200)
    assert ticket.id not in answer.text
    assert SECRET not in answer.text
    assert everybody.scene.store.history("default", ticket.id) == before


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_step], ids=lambda one: one.name)
def test_no_step_is_taken_without_the_pages_token(everybody: Everybody, operation: ApiOperation) -> None:
    ticket, browser = everybody.scene.ticket(), everybody.browsers["fay"]
    before = everybody.scene.store.history("default", ticket.id)
    path = f"/api/v1{operation.path.replace('{ref}', ticket.id)}"
    assert browser.post(path, json=BODIES.get(operation.name, {})).status_code == 403
    assert everybody.scene.store.history("default", ticket.id) == before
