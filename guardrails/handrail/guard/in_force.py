"""The policy that a guard's calls run under, until another one takes its place."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from handrail.errors import PolicyNotInForce, StoreUnavailable
from handrail.guard.call_runner import CallRunner
from handrail.guard.enforcement import enforced
from handrail.guard.opening import pipeline_of, prepare, record_policy
from handrail.guard.samples import sampler_of
from handrail.guard.supplied import check_supplied
from handrail.policy import People, Policy
from handrail.policy.file.people_file import PeopleFile
from handrail.scan import Scanner

FIRST_USE = datetime.min.replace(tzinfo=UTC)


class PolicyInForce:
    """Holds what runs calls under the policy in force, and puts another policy there.

    Args:
        running: runs calls under the policy that was given.
        people: who fills its roles.
        scanner: a scanner of the program's own, which stays whatever the policy.
        tool_kinds: by tool whether it reads or acts; grows as tools come.
    """

    def __init__(
        self,
        running: CallRunner,
        *,
        people: People | PeopleFile | None,
        scanner: Scanner | None,
        tool_kinds: Mapping[str, str],
    ) -> None:
        self._running, self._people = running, people
        self._scanner, self._tool_kinds = scanner, tool_kinds
        self._folder: Path | None = None
        # Whatever was given, what people put in force holds; the first call looks.
        self._due: datetime | None = FIRST_USE

    def loaded_from(self, folder: Path, *, due: datetime | None) -> None:
        """Say where the policy's file is, and when another version of it comes in force."""
        self._folder, self._due = folder, due

    @property
    def runner(self) -> CallRunner:
        """What runs calls: under the version of the policy that is due, once it is.

        Raises:
            PolicyNotInForce: versions of it are put in force by people, and this one was not.
        """
        store, clock = self._running.store, self._running.now
        if self._due is not None and clock() >= self._due:
            from handrail.store import SqlStore

            # Out of reach, the store is asked again by the next call; what it cannot record is not released.
            with suppress(StoreUnavailable):
                if isinstance(store, SqlStore):
                    held, due = enforced(store, self._running.pipeline.policy, self._folder, clock())
                    if held is not self._running.pipeline.policy:
                        self._put(held)
                    self._due = due
        return self._running

    @property
    def people(self) -> People | None:
        """Who fills which role, None where nobody was named; a people file is read again for it.

        Raises:
            RoleError, PolicyError: the file cannot be used now.
        """
        return self._people.current if isinstance(self._people, PeopleFile) else self._people

    def reload(self, policy: Policy) -> None:
        """Put another policy in force at once; see `Guard.reload`."""
        from handrail.store import SqlStore

        store = self._running.store
        if isinstance(store, SqlStore):
            held, self._due = enforced(store, policy, self._folder, self._running.now())
            if held is not policy:
                raise PolicyNotInForce(policy.ref.name, "this version was not put in force")
        self._put(policy)

    def _put(self, policy: Policy) -> None:
        store = self._running.store
        if self._running.facts is None:
            check_supplied(policy)
        people = self._people.under(policy) if isinstance(self._people, PeopleFile) else self._people
        pipeline = pipeline_of(policy, self._scanner, self._tool_kinds)
        prepare(pipeline)
        sampler = sampler_of(pipeline, store)
        from handrail.store import SqlStore

        if isinstance(store, SqlStore):
            record_policy(store, policy, self._running.now())
        recorder, self._people = (
            replace(self._running.recorder, policy=policy, scanner=pipeline.scanner),
            people,
        )
        self._running = replace(self._running, pipeline=pipeline, sampler=sampler, recorder=recorder)
