"""Which policy is in force: who proposed it, who else agreed, and from when on it holds."""

# Until people put a policy in force in this store, programs run the one they were given. From then on they
# take no other: the source of what is in force lies here, and is compiled again where a file says something
# else; a policy of another name has to be put in force too, so that renaming a file opens no way around.
#
# Rows of `policy_changes` are added and never changed. A change is a row of kind `propose` and a row of kind
# `agree`, by two people of the role that the policy in force says (`enforced_by`); it holds from its
# `effective_from` on, and not before both agreed. Until then it can be withdrawn: by one person while only
# one has proposed it, by two (`withdraw`, then `withdraw_agree`) once two have agreed to it. Each row is
# authenticated as what people decide of tickets is: by a keyed hash on SQLite, by the inbox's signature on
# PostgreSQL. Each is in the audit log too.

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from handrail.errors import ConfigError, PolicyNotInForce, StoreUnavailable
from handrail.ids import new_id
from handrail.records import PolicyRef
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import is_authentic
from handrail.store.crypto.signing import Trusted
from handrail.store.tables import micros, moment, policy_changes
from handrail.store.tickets.actor import Actor
from handrail.store.transaction import Transaction

PROPOSE, AGREE = "propose", "agree"
WITHDRAW, WITHDRAW_AGREE = "withdraw", "withdraw_agree"
SIGNED: Final = (
    "id", "change", "kind", "name", "sha256", "person", "role", "at", "effective_from", "source", "key_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A version of a policy on its way to be in force.

    `by` are those who proposed it and agreed. It holds from `since` on; None while a second person is needed,
    and for what was withdrawn. `withdrawn_by` are those who said so; `is_withdrawn` once they are enough.
    """

    id: str
    name: str
    sha256: str
    source: str
    role: str
    by: tuple[str, ...]
    effective_from: datetime
    since: datetime | None
    withdrawn_by: tuple[str, ...] = ()
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """A policy that a person wants in force, its source, and the role that may put it there.

    Without `effective_from` it is from now on, or from when somebody else has proposed it.
    """

    ref: PolicyRef
    source: str
    role: str
    effective_from: datetime | None = None


def changes(tx: Transaction, name: str | None) -> tuple[PolicyChange, ...]:
    """Return every change of a policy, of all policies for None, oldest first.

    Raises:
        StoreUnavailable: a row was altered, or nobody trusted signed it.
    """
    query = select(policy_changes)
    if name is not None:
        query = query.where(policy_changes.c.name == name)
    rows = [row._mapping for row in tx.conn.execute(query.order_by(policy_changes.c.at, policy_changes.c.id))]
    for row in rows:
        _authentic(tx, row)
    return tuple(_changes(rows))


def in_force(found: Sequence[PolicyChange], now: datetime) -> PolicyChange | None:
    """Return the change that holds at a moment, None if none does; pure."""
    held = [change for change in found if change.since is not None and change.since <= now]
    return max(held, key=_newest, default=None)


def upcoming(found: Sequence[PolicyChange], now: datetime) -> PolicyChange | None:
    """Return the change that will hold next, None if none will; pure."""
    later = [change for change in found if change.since is not None and change.since > now]
    return min(later, key=_newest, default=None)


def _newest(change: PolicyChange) -> tuple[datetime, str]:
    assert change.since is not None
    return change.since, change.id


def enforce(tx: Transaction, wanted: Enforcement, actor: Actor) -> PolicyChange:
    """Propose a policy, or agree to what somebody else has proposed; returns the change as it then stands.

    Saying again what one has said changes nothing.

    Raises:
        PolicyNotInForce: the person does not fill the role, or is away.
    """
    role = _acting_role(actor, wanted.ref.name, wanted.role, "put it in force")
    alike = [
        one
        for one in changes(tx, wanted.ref.name)
        if one.sha256 == wanted.ref.sha256 and not one.is_withdrawn
    ]
    if wanted.effective_from is None:
        alike = [one for one in alike if one.since is None]
    else:
        alike = [one for one in alike if one.effective_from == wanted.effective_from]
    said = alike[-1] if alike else None
    when = said.effective_from if said is not None else wanted.effective_from or actor.now
    wanted = replace(wanted, effective_from=when)
    if said is None:
        return _add(tx, PROPOSE, new_id(), wanted, (actor, role))
    if said.since is not None or actor.is_one_of(said.by) or actor.stands_in_for(said.by, actor.now):
        return said
    return _add(tx, AGREE, said.id, wanted, (actor, role))


def withdraw(tx: Transaction, name: str, change: str, actor: Actor) -> PolicyChange:
    """Withdraw a change that is not in force yet, or agree to that; returns the change as it then stands.

    One person is enough while only one has proposed it. Saying again what one has said changes nothing.

    Raises:
        PolicyNotInForce: there is no such change, it is in force, or the person does not fill its role or is
            away.
    """
    found = next((one for one in changes(tx, name) if one.id == change), None)
    if found is None:
        raise PolicyNotInForce(name, "there is no such change")
    role = _acting_role(actor, name, found.role, "withdraw it")
    if found.is_withdrawn or actor.is_one_of(found.withdrawn_by):
        return found
    if found.since is not None and found.since <= actor.now:
        raise PolicyNotInForce(name, "it is in force; put the version before in force again")
    if found.withdrawn_by and actor.stands_in_for(found.withdrawn_by, actor.now):
        return found
    wanted = Enforcement(
        ref=PolicyRef(name=name, version="", sha256=found.sha256),
        source=found.source,
        role=found.role,
        effective_from=found.effective_from,
    )
    kind = WITHDRAW_AGREE if found.withdrawn_by else WITHDRAW
    return _add(tx, kind, change, wanted, (actor, role))


def _acting_role(actor: Actor, name: str, role: str, what: str) -> str:
    acting = actor.acting_role(role)
    if acting is None:
        raise PolicyNotInForce(name, f"only a member of {role} may {what}")
    if actor.away_until() is not None:
        raise PolicyNotInForce(name, "this person is away")
    return acting


def _add(tx: Transaction, kind: str, change: str, wanted: Enforcement, by: tuple[Actor, str]) -> PolicyChange:
    (actor, role), when = by, wanted.effective_from or by[0].now
    signer = tx.signing.signer
    if signer is None and tx.signing.is_required:
        raise ConfigError("this store takes signed changes only, and no signing key is given here")
    values: dict[str, Any] = {
        "id": new_id(),
        "change": change,
        "kind": kind,
        "name": wanted.ref.name,
        "sha256": wanted.ref.sha256,
        "person": actor.person,
        "role": role,
        "at": micros(actor.now),
        "effective_from": micros(when),
        "source": wanted.source if kind == PROPOSE else "",
        "key_id": signer.key_id if signer else "",
    }
    values["mac"] = tx.mac("policy_changes", values)
    values["signature"] = signer.private.sign(_signed(values)) if signer else None
    tx.conn.execute(policy_changes.insert().values(**values))
    data = {"change": change, "name": wanted.ref.name, "sha256": wanted.ref.sha256}
    data |= {"from": values["effective_from"]}
    tx.events.append(
        Event(tenant="default", kind=f"policy.{kind}", at=actor.now, actor=actor.person, role=role, data=data)
    )
    return next(one for one in changes(tx, wanted.ref.name) if one.id == change)


def _changes(rows: Sequence[Mapping[Any, Any]]) -> Iterator[PolicyChange]:
    steps: dict[tuple[str, str], Mapping[Any, Any]] = {}
    for row in rows:
        steps.setdefault((row["change"], row["kind"]), row)
    for row in rows:
        if row["kind"] != PROPOSE:
            continue
        change = row["change"]
        second = steps.get((change, AGREE))
        since = None
        if second is not None and _is_second(second, row):
            since = moment(max(row["effective_from"], second["at"], row["at"]))
        end, ends = steps.get((change, WITHDRAW)), steps.get((change, WITHDRAW_AGREE))
        withdrawn = tuple(one for one in (end, ends) if one is not None and one["sha256"] == row["sha256"])
        is_withdrawn = bool(withdrawn) and (
            second is None or (end is not None and ends is not None and _is_second(ends, end))
        )
        if since is not None and any(moment(one["at"]) >= since for one in withdrawn):
            # What is in force is not ended by withdrawing it.
            is_withdrawn = False
        yield PolicyChange(
            id=row["change"],
            name=row["name"],
            sha256=row["sha256"],
            source=row["source"],
            role=row["role"],
            by=(row["person"], second["person"]) if second is not None else (row["person"],),
            effective_from=moment(row["effective_from"]),
            since=None if is_withdrawn else since,
            withdrawn_by=tuple(one["person"] for one in withdrawn),
            is_withdrawn=is_withdrawn,
        )


def _is_second(second: Mapping[Any, Any], first: Mapping[Any, Any]) -> bool:
    """Tell whether another person said the same of the same version and day."""
    same = ("sha256", "effective_from")
    return second["person"] != first["person"] and all(second[name] == first[name] for name in same)


def _signed(row: Mapping[Any, Any]) -> bytes:
    text = json.dumps([row[name] for name in SIGNED], ensure_ascii=False, separators=(",", ":"))
    return b"handrail policy 1\n" + text.encode("utf-8", "surrogatepass")


def _authentic(tx: Transaction, row: Mapping[Any, Any]) -> None:
    if tx.is_postgres:
        trusted, signature = tx.signing.trusted, row["signature"]
        if trusted is None and tx.signing.signer is not None:
            trusted = tx.signing.signer.public
        if trusted is None or signature is None or not _is_signed(row, trusted):
            raise StoreUnavailable("policy", why="who put it in force is not signed by a trusted key")
    elif row["mac"] is None or not is_authentic(tx.ring, "policy_changes", row):
        raise StoreUnavailable("policy", why="who put it in force was altered; run `handrail audit verify`")


def _is_signed(row: Mapping[Any, Any], trusted: Trusted) -> bool:
    return trusted.has_signed(row["key_id"], bytes(row["signature"]), _signed(row))
