"""The API answers as its OpenAPI document says, whatever it is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from handrail.inbox.rest.openapi import BASE, document
from handrail.inbox.rest.operations import OPERATIONS
from handrail.inbox.rest.sent import Nothing
from support.inbox import HERE, Browser, Scene, inbox_of_tickets

EXAMPLES, MANY = 3, 150
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    limits = {"steps": 1_000_000, "sign_ins": 1_000_000}
    with inbox_of_tickets(tmp_path_factory.mktemp("inbox"), limits=limits) as found:
        yield found


def test_the_document_names_every_operation_of_the_table_once() -> None:
    found = document("")
    named = [
        (method.upper(), path, about["operationId"])
        for path, methods in found["paths"].items()
        for method, about in methods.items()
    ]
    assert sorted(named) == sorted((one.method, one.path, one.name) for one in OPERATIONS)
    assert len({name for _, _, name in named}) == len(named)


def test_the_document_is_served(scene: Scene) -> None:
    served = scene.signed_in("fay").api("GET", "/openapi.json").json()
    assert served["paths"] == document("")["paths"]


@pytest.mark.parametrize("name", [one.name for one in OPERATIONS])
def test_whatever_is_sent_the_answer_is_documented(scene: Scene, name: str) -> None:
    hold(scene, name, EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in OPERATIONS])
def test_whatever_is_sent_and_much_of_it_the_answer_is_documented(scene: Scene, name: str) -> None:
    hold(scene, name, MANY)


def hold(scene: Scene, name: str, examples: int) -> None:
    """Send an operation what fits its schema and what does not, and hold each answer to the document."""
    operation = schemathesis.openapi.from_dict(dict(document(""))).find_operation_by_id(name)
    browser = scene.signed_in("fay")
    token = browser.token("/sign-in")
    modes = [GenerationMode.POSITIVE]
    if next(one for one in OPERATIONS if one.name == name).takes is not Nothing:
        modes.append(GenerationMode.NEGATIVE)
    for mode in modes:

        @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: Any, is_real: bool) -> None:
            if is_real and "ref" in case.path_parameters:
                case.path_parameters["ref"] = scene.ticket().id
            case.validate_response(called(browser, token, case), checks=CHECKS)

        holds()


def called(browser: Browser, token: str, case: Any) -> Any:
    """Send what was made, with the session of a browser and the token of its pages."""
    sent = case.as_transport_kwargs(base_url=f"{HERE}{BASE}")
    headers = {**dict(sent["headers"]), "x-csrf-token": token}
    body = {name: sent[name] for name in ("json", "data") if sent.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body["content"] = body.pop("data")
    return browser.request(sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body)
