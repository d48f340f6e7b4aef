"""The OpenAPI document, made from the table of operations."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from handrail import __version__
from handrail.inbox import problem
from handrail.inbox.rest.answered import ProblemAnswer
from handrail.inbox.rest.beside import BESIDE, BesideOperation
from handrail.inbox.rest.operations import OPERATIONS
from handrail.inbox.rest.sent import Nothing
from handrail.inbox.rest.table import ApiOperation

BASE = "/api/v1"
_REFS = "#/components/schemas/{model}"
_TICKET = {
    "name": "ref",
    "in": "path",
    "required": True,
    "description": "The ticket's id, or its reference as people say it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key again is the same step, not a second one.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the ticket as it was shown; a ticket that has moved on is refused.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}
_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the ticket as it was shown before.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}


_PASSKEY = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The passkey's id.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 1400},
}
_PAGE_TOKEN = {
    "name": "X-CSRF-Token",
    "in": "header",
    "required": True,
    "description": "The token of the session's pages, the field `csrf` of their forms.",
    "schema": {"type": "string"},
}
_EVENTS = (
    'Server-sent events: `event: change` with `data: {"change": "…"}`, another text after every change, and '
    "comments as signs of life. The stream ends after ten minutes, or with the session."
)


def document(address: str) -> Mapping[str, Any]:
    """Return the whole document; `address` is where people reach the inbox, empty for where it is asked."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas)
    for beside in BESIDE:
        path = paths.setdefault(beside.path, {"servers": [{"url": address or "/"}]})
        path[beside.method.lower()] = _described_beside(beside, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "handrail inbox",
            "version": __version__,
            "description": "What people do with tickets, for programs; masked for whoever asks. Pages and "
            "forms are left out.",
        },
        "servers": [{"url": f"{address}{BASE}"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.found,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "handrail"},
            },
        },
    }


class _Schemas:
    """Schemas of every model, each for the way it travels."""

    def __init__(self) -> None:
        sent: list[tuple[type, str]] = [(one.takes, "validation") for one in OPERATIONS]
        got: list[tuple[type, str]] = [(one.answers, "serialization") for one in OPERATIONS]
        sent += [(one.takes, "validation") for one in BESIDE if one.takes is not None]
        answers: list[type] = [one.answers for one in BESIDE if one.answers is not None]
        got += [(one, "serialization") for one in (*answers, ProblemAnswer)]
        wanted = list(dict.fromkeys([*sent, *got]))
        by_model, found = models_json_schema(wanted, ref_template=_REFS)  # type: ignore[arg-type]
        self.found: dict[str, Any] = found["$defs"]
        self._by_model = by_model

    def sent(self, model: type) -> dict[str, Any]:
        """Return the schema of what is sent."""
        return dict(self._by_model[model, "validation"])

    def answered(self, model: type) -> dict[str, Any]:
        """Return the schema of what is answered."""
        return dict(self._by_model[model, "serialization"])


def _described(operation: ApiOperation, schemas: _Schemas) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_TICKET] if operation.is_of_a_ticket else []
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.about}
    if operation.is_tagged:
        parameters.append(_NONE_MATCH)
    if operation.is_step:
        parameters += [_KEY, _MATCH]
        described["requestBody"] = {
            "required": operation.takes is not Nothing,
            "content": {"application/json": {"schema": schemas.sent(operation.takes)}},
        }
    else:
        parameters += _query(operation, schemas)
    if parameters:
        described["parameters"] = parameters
    described["responses"] = _responses(operation, schemas)
    return described


def _described_beside(operation: BesideOperation, schemas: _Schemas) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_PASSKEY] if "{id}" in operation.path else []
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "security": [{"session": []}],
    }
    if operation.takes is not None:
        parameters.append(_PAGE_TOKEN)
        described["requestBody"] = {
            "required": operation.takes is not Nothing,
            "content": {"application/json": {"schema": schemas.sent(operation.takes)}},
        }
    if parameters:
        described["parameters"] = parameters
    content = (
        {"application/json": {"schema": schemas.answered(operation.answers)}}
        if operation.answers is not None
        else {"text/event-stream": {"schema": {"type": "string", "description": _EVENTS}}}
    )
    described["responses"] = {
        "200": {"description": "Done.", "content": content},
        **_problems(operation.statuses, schemas),
    }
    return described


def _query(operation: ApiOperation, schemas: _Schemas) -> list[dict[str, Any]]:
    name = schemas.sent(operation.takes)["$ref"].rpartition("/")[2]
    properties = schemas.found[name].get("properties", {})
    return [
        {"name": field, "in": "query", "schema": schema, "style": "form", "explode": True}
        for field, schema in properties.items()
    ]


def _responses(operation: ApiOperation, schemas: _Schemas) -> dict[str, Any]:
    done: dict[str, Any] = {
        "description": "Done.",
        "content": {"application/json": {"schema": schemas.answered(operation.answers)}},
    }
    if operation.is_tagged:
        done["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The ticket's version."}}
    return {"200": done, **_problems(operation.statuses, schemas)}


def _problems(statuses: Iterable[HTTPStatus], schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status in statuses:
        found[str(status.value)] = {"description": status.phrase}
        if status is not HTTPStatus.NOT_MODIFIED:
            schema = schemas.answered(ProblemAnswer)
            found[str(status.value)]["content"] = {problem.MEDIA_TYPE: {"schema": schema}}
    return found
