"""A stand-in for Jira Cloud's REST API version 3 that refuses what its documented schemas do not allow."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema

TEXT = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "text"},
        "text": {"type": "string", "minLength": 1},
        "marks": {"type": "array"},
    },
}
PARAGRAPH = {
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "paragraph"},
        "content": {"type": "array", "items": TEXT},
        "attrs": {"type": "object"},
    },
}
DOCUMENT = {
    "type": "object",
    "required": ["type", "version", "content"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "doc"},
        "version": {"const": 1},
        "content": {"type": "array", "items": PARAGRAPH},
    },
}
BY_KEY_OR_ID = {
    "type": "object",
    "anyOf": [{"required": ["id"]}, {"required": ["key"]}, {"required": ["name"]}],
    "additionalProperties": {"type": "string"},
}
CREATE = {
    "type": "object",
    "required": ["fields"],
    "additionalProperties": False,
    "properties": {
        "fields": {
            "type": "object",
            "required": ["project", "issuetype", "summary"],
            "properties": {
                "project": BY_KEY_OR_ID,
                "issuetype": BY_KEY_OR_ID,
                "summary": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^\n]*$"},
                "description": DOCUMENT,
                "labels": {"type": "array", "items": {"type": "string", "pattern": r"^\S{1,255}$"}},
                "priority": BY_KEY_OR_ID,
                "duedate": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            },
        },
        "update": {"type": "object"},
        "properties": {"type": "array"},
        "historyMetadata": {"type": "object"},
        "transition": {"type": "object"},
    },
}
SEARCH = {
    "type": "object",
    "required": ["jql"],
    "additionalProperties": False,
    "properties": {
        "jql": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "string"}},
        "maxResults": {"type": "integer", "minimum": 1, "maximum": 5000},
        "nextPageToken": {"type": "string"},
        "expand": {"type": "string"},
        "reconcileIssues": {"type": "array", "items": {"type": "integer"}},
    },
}
COMMENT = {
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {
        "body": DOCUMENT,
        "visibility": {"type": "object"},
        "properties": {"type": "array"},
    },
}
_COMMENT_PATH = re.compile(r"/rest/api/3/issue/([A-Z]+-\d+)/comment")


@dataclass
class Jira:
    """What the stand-in holds: fields and comments by key; `refused` are requests that broke a schema."""

    url: str = ""
    user: str = "bot@example.org"
    token: str = "t0ken"
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers_lost: int = 0
    status: int = 0

    def handle(self, path: str, body: bytes, authorization: str) -> tuple[int, Any]:
        self.bodies.append(body)
        expected = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"errorMessages": ["Client must be authenticated to access this resource."]}
        if self.status:
            return self.status, {"errorMessages": ["down"]}
        try:
            return self._route(path, json.loads(body))
        except jsonschema.ValidationError as error:
            self.refused.append(error.json_path)
            return 400, {"errorMessages": [error.message], "errors": {}}

    def _route(self, path: str, data: Any) -> tuple[int, Any]:
        if path == "/rest/api/3/search/jql":
            jsonschema.validate(data, SEARCH)
            return 200, {"issues": self._found(data["jql"]), "isLast": True}
        if path == "/rest/api/3/issue":
            jsonschema.validate(data, CREATE)
            key = f"{data['fields']['project']['key']}-{len(self.issues) + 1}"
            self.issues[key] = data["fields"]
            return 201, {"id": str(10000 + len(self.issues)), "key": key, "self": f"{self.url}/{key}"}
        found = _COMMENT_PATH.fullmatch(path)
        if found and found[1] in self.issues:
            jsonschema.validate(data, COMMENT)
            self.comments.setdefault(found[1], []).append(data["body"])
            return 201, {"id": "1", "body": data["body"]}
        return 404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}

    def _found(self, jql: str) -> list[dict[str, Any]]:
        parsed = re.fullmatch(r'labels = "(\S+)" AND project = "([A-Z]+)"', jql)
        assert parsed, jql
        label, project = parsed.groups()
        return [
            {"id": "1", "key": key, "fields": {}}
            for key, fields in self.issues.items()
            if label in fields.get("labels", []) and fields["project"]["key"] == project
        ]


@contextmanager
def jira_server() -> Iterator[Jira]:
    """Serve a stand-in on loopback."""
    jira = Jira()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = jira.handle(self.path, body, self.headers.get("authorization", ""))
            if jira.answers_lost and status == 201:
                jira.answers_lost -= 1
                self.connection.close()
                return
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    jira.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield jira
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
