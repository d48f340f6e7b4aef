"""The policies that a front end needs: the one in force, and those that earlier tickets were stopped by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from handrail.clock import Clock, now_utc
from handrail.errors import ConfigError
from handrail.policy import Policy, loads
from handrail.store import SqlStore

if TYPE_CHECKING:
    from handrail.guard.enforcement import PolicyInForce


class Policies(Protocol):
    """Where the service reads policies."""

    @property
    def tools(self) -> Mapping[str, Callable[..., object]]:
        """The guarded functions that run in this process, by name; an edit is held against them."""

    def current(self) -> Policy:
        """Return the policy in force now."""

    def of(self, sha256: str) -> Policy | None:
        """Return a policy by its content hash, None where its text is not kept or cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPolicy:
    """One policy, whatever the store says is in force; for a command that names its policy file."""

    policy: Policy
    tools: Mapping[str, Callable[..., object]] = field(default_factory=dict)

    def current(self) -> Policy:
        """Return the policy."""
        return self.policy

    def of(self, sha256: str) -> Policy | None:
        """Return the policy if it is the one with this hash."""
        return self.policy if self.policy.ref.sha256 == sha256 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicies:
    """The policy that people put in force in a store, else the given one, and the earlier ones of the store.

    `folder` is where the calibration files of a policy lie.
    """

    store: SqlStore
    given: Policy
    folder: Path | None = None
    tools: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    clock: Clock = now_utc
    _in_force: "PolicyInForce" = field(init=False, repr=False)
    _known: dict[str, Policy | None] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        from handrail.guard.enforcement import PolicyInForce

        followed = PolicyInForce(store=self.store, held=self.given, folder=self.folder, clock=self.clock)
        object.__setattr__(self, "_in_force", followed)

    def current(self) -> Policy:
        """Return the policy in force now."""
        return self._in_force()

    def of(self, sha256: str) -> Policy | None:
        """Return a policy by its content hash."""
        if sha256 == self.given.ref.sha256:
            return self.given
        if sha256 not in self._known:
            self._known[sha256] = self._read(sha256)
        return self._known[sha256]

    def _read(self, sha256: str) -> Policy | None:
        for change in self.store.policy_changes():
            if change.sha256 == sha256:
                try:
                    return loads(change.source, file=change.name, folder=self.folder)
                except ConfigError:
                    return None
        return None
