"""Mirrors tickets into any system with a REST interface, by a map from notices to its fields.

A map says how to find the record of a ticket, how to create it and what to send for each further event. It
can only name what a notice holds, so nothing that was said leaves the house.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from handrail.desk.channels import EVERYTHING, TIMEOUT_S, DeliveryError, Interest, check_url
from handrail.desk.notice import Notice
from handrail.desk.settings import first_problem, read_yaml
from handrail.errors import ConfigError
from handrail.records import Severity
from handrail.store.reviews import REVIEW
from handrail.text.json_data import leaves
from handrail.text.paths import at

_HOLE = re.compile(r"\{([a-z_]+)(?:\|([a-z_]+))?\}")
_FINAL = frozenset({400, 404, 410, 422})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Request(_Strict):
    """One request: `{name}` in any text is filled in; `id` says where in the answer the record's id lies."""

    method: Literal["GET", "POST", "PUT", "PATCH"]
    path: str
    body: Any = None
    id: str = ""


class Auth(_Strict):
    """Basic authentication, filled from the channel's options."""

    user: str
    password: str


class FieldMap(_Strict):
    """How to talk to a system. `then` goes by event (`warn`, `approve` …), `default` for all others.

    Texts may hold `{title} {body} {ticket} {tenant} {role} {severity} {event} {decide_by} {link} {notice}`,
    `{ref}` (letters and digits that stand for the ticket), `{id}` (of its record) and the channel's options;
    `{severity|priority}` looks up a table, `{decide_by|date}` gives the day. A field that stays empty is
    left out.
    """

    auth: Auth | None = None
    headers: dict[str, str] = {}
    tables: dict[str, dict[str, str]] = {}
    find: Request
    create: Request
    then: dict[str, Request] = {}


def load_map(name: str, *, folder: Path = Path()) -> FieldMap:
    """Load a map: a shipped one by name (`jira`) or a YAML file.

    Raises:
        ConfigError: there is none, or it cannot be read; says where.
    """
    if re.fullmatch(r"[a-z_]+", name):
        found = resources.files("handrail_adapters").joinpath("maps", f"{name}.yaml")
        if not found.is_file():
            raise ConfigError(f"no map named {name!r}; give the path of a YAML file")
        text = found.read_text(encoding="utf-8")
    else:
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"map {name}: cannot be read ({type(error).__name__})") from None
    try:
        return FieldMap.model_validate(read_yaml(text, file=name))
    except ValidationError as error:
        raise first_problem(error, file=name) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestTickets:
    """A channel of the desk that keeps a record in another system for each ticket.

    The record is looked up before it is created, so that a lost answer does not make a second one as far as
    that system's search is up to date.

    Args:
        name: name of the channel.
        url: address of the system; https, or http on loopback.
        fields: the map.
        options: values for the map, such as a project and credentials.
        interest: which notices it is for.
        client: what sends.
    """

    name: str
    url: str
    fields: FieldMap
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    interest: Interest = EVERYTHING
    client: httpx.Client | None = None

    def __post_init__(self) -> None:
        check_url(self.url, channel=self.name)
        known = _values(_PROBE, self.options) | {"id": "1"}
        for request in (self.fields.find, self.fields.create, *self.fields.then.values()):
            for text in (leaf for _, leaf in leaves([request.path, request.body]) if isinstance(leaf, str)):
                self._filled(text, known)
        if not self.fields.find.id or not self.fields.create.id:
            raise ConfigError(f"channel {self.name}: find and create must say where the id lies")

    def wants(self, notice: Notice) -> bool:
        """Tell whether a notice is meant; pure."""
        # A week's review is no ticket.
        return notice.kind != REVIEW and self.interest.matches(notice)

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        """Make sure the record exists, and tell it what happened."""
        with self._client() as client:
            values = _values(notice, self.options)
            record = self._id(self._send(client, self.fields.find, values), self.fields.find.id)
            if record is None:
                created = self._send(client, self.fields.create, values)
                record = self._id(created, self.fields.create.id)
                if record is None:
                    raise DeliveryError(self.name, "no id in the answer")
                if notice.kind == "open":
                    return
            then = self.fields.then.get(notice.kind, self.fields.then.get("default"))
            if then is not None and notice.kind != "open":
                self._send(client, then, values | {"id": record})

    def _client(self) -> AbstractContextManager[httpx.Client]:
        if self.client is not None:
            return nullcontext(self.client)
        return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    def _send(self, client: httpx.Client, request: Request, values: Mapping[str, str]) -> Any:
        path = self._filled(request.path, values, escape=lambda text: quote(text, safe=""))
        auth = self.fields.auth
        try:
            answer = client.request(
                request.method,
                self.url.rstrip("/") + path,
                json=self._body(request.body, values),
                headers={name: self._filled(text, values) for name, text in self.fields.headers.items()},
                auth=(self._filled(auth.user, values), self._filled(auth.password, values)) if auth else None,
            )
        except httpx.HTTPError as error:
            raise DeliveryError(self.name, type(error).__name__, is_down=True) from None
        if not answer.is_success:
            status = answer.status_code
            raise DeliveryError(self.name, f"HTTP {status}", is_final=status in _FINAL)
        try:
            return answer.json() if answer.content else None
        except json.JSONDecodeError:
            raise DeliveryError(self.name, "answer is not JSON") from None

    def _body(self, value: Any, values: Mapping[str, str]) -> Any:
        """Fill a body; a field whose text comes out empty is left out."""
        if isinstance(value, str):
            return self._filled(value, values)
        if isinstance(value, list):
            return [self._body(item, values) for item in value]
        if isinstance(value, dict):
            filled = {name: self._body(item, values) for name, item in value.items()}
            return {name: item for name, item in filled.items() if item != ""}
        return value

    def _filled(
        self, text: str, values: Mapping[str, str], *, escape: Callable[[str], str] = lambda text: text
    ) -> str:
        def fill(hole: re.Match[str]) -> str:
            name, way = hole.groups()
            if name not in values:
                raise ConfigError(f"channel {self.name}: nothing is called {{{name}}}")
            if way == "date":
                return escape(values[name][:10])
            if way is not None and way not in self.fields.tables:
                raise ConfigError(f"channel {self.name}: no table {way!r}")
            value = values[name] if way is None else self.fields.tables[way].get(values[name], "")
            return escape(value)

        return _HOLE.sub(fill, text)

    def _id(self, answer: Any, path: str) -> str | None:
        found = at(answer, path.split("."))
        return str(found) if isinstance(found, str | int) else None


def channel(name: str, url: str, options: Mapping[str, str], interest: Interest) -> RestTickets:
    """Build the channel that the desk's file calls `kind: rest`; the option `map` names the map.

    Raises:
        ConfigError: no map, or one that does not fit.
    """
    if "map" not in options:
        raise ConfigError(f"channel {name}: the option map is missing, for example jira")
    fields = load_map(options["map"], folder=Path(options.get("folder", ".")))
    return RestTickets(name=name, url=url, fields=fields, options=options, interest=interest)


def _values(notice: Notice, options: Mapping[str, str]) -> dict[str, str]:
    whole = f"{notice.tenant}|{notice.ticket}"
    own = {
        "title": notice.title,
        "body": notice.body,
        "ticket": notice.ticket,
        "tenant": notice.tenant,
        "role": notice.role,
        "severity": str(notice.severity),
        "event": notice.kind,
        "decide_by": notice.decide_by.astimezone(UTC).isoformat() if notice.decide_by else "",
        "link": notice.link,
        "notice": notice.id,
        "ref": f"handrail-{hashlib.sha256(whole.encode()).hexdigest()[:24]}",
    }
    return dict(options) | own


# Stands for any notice where a map is only checked.
_PROBE = Notice(
    id="1",
    tenant="t",
    ticket="1",
    kind="open",
    role="r",
    severity=Severity.LOW,
    at=datetime(2026, 1, 1, tzinfo=UTC),
)
