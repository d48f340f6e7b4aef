"""Compares what authorises with the chains: where tickets stand, what was decided, used and spent."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from handrail.store.audit.chain import records
from handrail.store.crypto.authentic import is_authentic
from handrail.store.crypto.keys import KeyRing
from handrail.store.tables import ledger, pauses, policy_changes, resolutions, tickets, uses
from handrail.tickets.ports import Settlement

PRUNED = "audit.prune"
REMOVED = "ticket.prune"
RESERVE = "ledger.reserve"
POLICY_TENANT = "default"
_POLICY_KINDS = tuple(f"policy.{kind}" for kind in ("propose", "agree", "withdraw", "withdraw_agree"))
_HOLDS = {"pause.on": True, "pause.off": False}
_FINAL_FIRST = (Settlement.DONE.value, Settlement.NO_EFFECT.value, Settlement.UNKNOWN.value)
_SETTLED = {f"ledger.{settlement.value}": settlement.value for settlement in Settlement}

Ref: TypeAlias = tuple[str, str]
"""A tenant and the id of a ticket or an entry."""
Wrong: TypeAlias = tuple[str, str]
"""Where something is wrong, and what."""


@dataclass(slots=True)
class Standing:
    """What the chains say of tickets, resolutions, uses and spending, gathered entry by entry."""

    states: dict[Ref, dict[int, object]] = field(default_factory=dict)
    turns: dict[tuple[str, str, int], Mapping[str, Any]] = field(default_factory=dict)
    begun: Counter[Ref] = field(default_factory=Counter)
    spent: dict[Ref, set[tuple[str, str]]] = field(default_factory=dict)
    ends: dict[Ref, set[str]] = field(default_factory=dict)
    removed: set[Ref] = field(default_factory=set)
    policies: set[tuple[str, str, str]] = field(default_factory=set)
    holds: dict[Ref, list[tuple[int, bool]]] = field(default_factory=dict)
    pruned_before: int = 0

    def note(self, row: Mapping[str, Any]) -> None:
        """Take an entry into account; one that cannot be read is reported by its hash."""
        ticket, kind = (row["tenant"], row["ticket"]), row["kind"]
        try:
            data = json.loads(row["data"])
        except ValueError:
            return
        if row["version"]:
            self.states.setdefault(ticket, {})[row["version"]] = data.get("state")
        if isinstance(data.get("turn"), int):
            self.turns[*ticket, data["turn"]] = row
        if kind == "ticket.begin":
            self.begun[ticket] += 1
        elif kind in _POLICY_KINDS:
            self.policies.add((kind, str(data.get("change")), str(data.get("sha256"))))
        elif kind in _HOLDS:
            hold = (row["tenant"], str(data.get("of")))
            self.holds.setdefault(hold, []).append((row["at"], _HOLDS[kind]))
        elif kind == REMOVED:
            self.removed.add(ticket)
        elif kind == PRUNED and "kinds" not in data:
            self.pruned_before = max(self.pruned_before, int(data.get("before", 0)))
        elif kind == RESERVE or kind in _SETTLED:
            entry = (row["tenant"], str(data.get("entry")))
            if kind == RESERVE:
                what = (str(data.get("tool")), str(data.get("digest")))
                self.spent.setdefault(entry, set()).add(what)
            else:
                self.ends.setdefault(entry, set()).add(_SETTLED[kind])

    def _end_of(self, entry: Ref) -> str:
        """Return the state that an entry must be in; several writers' entries come in no order."""
        ends = self.ends.get(entry, set())
        return next((end for end in _FINAL_FIRST if end in ends), "reserved")

    def compared(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        """Yield what does not stand in the tables as the chains say."""
        yield from self._tickets(conn, ring)
        yield from self._resolutions(conn, ring)
        yield from self._uses(conn)
        yield from self._ledger(conn, ring)
        yield from _totals(conn)
        yield from self._policies(conn, ring)
        yield from self._holds(conn, ring)

    def compared_own(self, conn: Connection, ring: KeyRing, tenant: str) -> Iterator[Wrong]:
        """Yield the same as far as one tenant sees it, whose entries alone were noted.

        Changes of a policy are on record for one tenant, and parts of totals are for administrators.
        """
        yield from self._tickets(conn, ring)
        yield from self._resolutions(conn, ring)
        yield from self._uses(conn)
        yield from self._ledger(conn, ring)
        if tenant == POLICY_TENANT:
            yield from self._policies(conn, ring)
        yield from self._holds(conn, ring)

    def _holds(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        placed = {hold for hold, steps in self.holds.items() if _is_on(steps)}
        found = set()
        for row in conn.execute(select(pauses)):
            hold, where = (row.tenant, row.role), f"hold {row.role or 'of everything'}"
            found.add(hold)
            lacks_mac = row.mac is None and conn.dialect.name == "sqlite"
            if lacks_mac or not is_authentic(ring, "pauses", row._mapping):
                yield where, "it was altered"
            if hold not in placed and row.at >= self.pruned_before:
                yield where, "it is not on record"
        for tenant, role in sorted(placed - found):
            what = f"it is on record for {tenant} and gone from the store"
            yield f"hold {role or 'of everything'}", what

    def _policies(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        found = set()
        for row in conn.execute(select(policy_changes)):
            step = (f"policy.{row.kind}", row.change, row.sha256)
            found.add(step)
            lacks_mac = row.mac is None and conn.dialect.name == "sqlite"
            if lacks_mac or not is_authentic(ring, "policy_changes", row._mapping):
                yield f"policy {row.name}", "who put it in force was altered"
            if step not in self.policies and row.at >= self.pruned_before:
                yield f"policy {row.name}", f"{row.kind} by {row.person} is not on record"
        for kind, change, _ in sorted(self.policies - found):
            yield f"policy change {change}", f"{kind} is on record and gone from the store"

    def _tickets(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        found = set()
        for row in conn.execute(select(tickets)):
            ticket, where = (row.tenant, row.id), f"ticket {row.id}"
            found.add(ticket)
            if not is_authentic(ring, "tickets", row._mapping):
                yield where, "it was altered"
            if row.created_at < self.pruned_before:
                continue
            steps = self.states.get(ticket, {})
            for version in sorted(set(range(1, row.version + 1)) - steps.keys()):
                yield where, f"step {version} is not on record"
            if max(steps, default=0) > row.version:
                yield where, "it was set back to an earlier step"
            elif steps.get(row.version, row.state) != row.state:
                yield where, f"it is {row.state}, and on record as {steps[row.version]}"
        for tenant, name in sorted(set(self.states) - found - self.removed):
            yield f"ticket {name}", f"it is on record for {tenant} and gone from the store"

    def _resolutions(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        found = set()
        for row in conn.execute(select(resolutions).where(resolutions.c.decided_at >= self.pruned_before)):
            where, turn = f"ticket {row.ticket}", (row.tenant, row.ticket, row.turn)
            found.add(turn)
            if not is_authentic(ring, "decisions", row._mapping):
                yield where, f"resolution {row.turn} was altered"
            entry = self.turns.get(turn)
            if entry is None or not records(entry, {**row._mapping}):
                yield where, f"resolution {row.turn} is not on record as it stands"
        for tenant, name, number in sorted(set(self.turns) - found):
            is_older = self.turns[tenant, name, number]["at"] < self.pruned_before
            if (tenant, name) not in self.removed and not is_older:
                yield f"ticket {name}", f"resolution {number} is on record and gone from the store"

    def _uses(self, conn: Connection) -> Iterator[Wrong]:
        query = select(uses.c.tenant, uses.c.ticket, func.count().label("count")).where(uses.c.kind == "used")
        query = query.where(uses.c.at >= self.pruned_before).group_by(uses.c.tenant, uses.c.ticket)
        found = {(row.tenant, row.ticket): row.count for row in conn.execute(query)}
        for ticket in sorted({*found, *self.begun} - self.removed):
            if found.get(ticket, 0) != self.begun[ticket]:
                yield f"ticket {ticket[1]}", "how often it was begun is not on record as it stands"

    def _ledger(self, conn: Connection, ring: KeyRing) -> Iterator[Wrong]:
        found = set()
        for row in conn.execute(select(ledger).where(ledger.c.at >= self.pruned_before)):
            where, entry = f"ledger {row.id}", (row.tenant, row.id)
            found.add(entry)
            unchanging = {name: value for name, value in row._mapping.items() if name != "state"}
            if not is_authentic(ring, "ledger", unchanging):
                yield where, "it was altered"
            is_reserved = (row.tool, row.digest) in self.spent.get(entry, ())
            if not is_reserved or row.state != self._end_of(entry):
                yield where, "it is not on record as it stands"
        for _, name in sorted(set(self.spent) - found):
            yield f"ledger {name}", "it is on record and gone from the store"


def _is_on(steps: list[tuple[int, bool]]) -> bool:
    """Tell whether a hold stands after its steps; several writers' entries come in no order."""
    last = max(at for at, _ in steps)
    latest = [is_on for at, is_on in steps if at == last]
    return latest[0] if len(latest) == 1 else sum(1 if is_on else -1 for _, is_on in steps) > 0


_KEPT = """
SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, entries, units
FROM ledger_totals WHERE entries <> 0 OR units <> 0
"""
_ADDED_UP = """
SELECT tenant, tool, per, "key", level, bucket, name, currency, scale, sum(entries), sum(units)
FROM ledger_parts GROUP BY tenant, tool, per, "key", level, bucket, name, currency, scale
"""


def _totals(conn: Connection) -> Iterator[Wrong]:
    """Yield tools whose running totals are not what their entries come to, by customer or however."""
    found = set()
    for one, other in ((_KEPT, _ADDED_UP), (_ADDED_UP, _KEPT)):
        found |= {(row.tool, row.per) for row in conn.exec_driver_sql(f"{one} EXCEPT {other}")}
    for tool, per in sorted(found):
        yield f"ledger {tool}", f"its totals by {per} are not what its entries come to"
