"""Which policy a program runs: the one it was given, unless people put another version in force."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.clock import Clock, now_utc
from handrail.errors import PolicyNotInForce
from handrail.policy import Policy, loads
from handrail.tickets.policy_change import on_change

if TYPE_CHECKING:
    from handrail.store import SqlStore

log = logging.getLogger("handrail")
_SHOWN = 8
"""How much of a hash tells two versions apart in the log."""


def enforced(
    store: "SqlStore", given: Policy, folder: Path | None, now: datetime
) -> tuple[Policy, datetime | None]:
    """Return the policy that holds now, and when the next version will.

    Where no policy was ever put in force in this store it is the given one. Otherwise what is in force
    is built from the source that people agreed to, whatever the file says.

    Raises:
        PolicyNotInForce: what is given comes in force later and nothing is before, is of a name of which
            nothing is in force while others are, or what is in force cannot be built again.
        StoreUnavailable: the store is out of reach, or the record was altered.
    """
    from handrail.store.policies import in_force, upcoming

    name = given.ref.name
    every = store.policy_changes()
    changes = [change for change in every if change.name == name]
    held, coming = in_force(changes, now), upcoming(changes, now)
    due = coming.since if coming is not None else None
    if held is None:
        if coming is not None and coming.sha256 == given.ref.sha256:
            raise PolicyNotInForce(name, f"this version is in force from {coming.since:%Y-%m-%d %H:%M %Z} on")
        if any(change.since is not None and change.since <= now for change in every):
            raise PolicyNotInForce(name, "no version of it was put in force, and others of this store were")
        return given, due
    if held.sha256 == given.ref.sha256:
        return given, due
    policy = loads(held.source, file=f"{name} in force", folder=folder)
    if policy.ref.sha256 != held.sha256:
        raise PolicyNotInForce(name, "what is in force names a file that has changed since")
    log.warning(
        "policy %s: version %s (%s) is in force, not the one held here (%s, %s)",
        name,
        policy.ref.version,
        policy.ref.sha256[:_SHOWN],
        given.ref.version,
        given.ref.sha256[:_SHOWN],
    )
    return policy, due


@dataclass(slots=True, kw_only=True)
class PolicyInForce:
    """The policy that holds whenever it is asked for; a change is built, and told in the log, once.

    Args:
        store: where people put policies in force.
        held: the one that was given; afterwards the last one that held.
        folder: where its calibration files are.
        clock: the time.
    """

    store: "SqlStore"
    held: Policy
    folder: Path | None
    clock: Clock = now_utc

    def __call__(self) -> Policy:
        """Return the policy that holds now.

        Raises:
            PolicyNotInForce, StoreUnavailable: as `enforced`.
        """
        self.held = enforced(self.store, self.held, self.folder, self.clock())[0]
        return self.held


def follow(store: "SqlStore", policy: Policy, now: datetime) -> None:
    """Do with the open tickets of earlier versions what the policy says of them (`on_change`)."""
    if policy.on_change == "keep" and store.open_roles() <= policy.roles.keys():
        return
    judge = partial(on_change, policy)
    store.follow_policy(judge, name=policy.ref.name, sha256=policy.ref.sha256, now=now)
