"""What becomes of a guard's tickets: decided by people, withdrawn, waited for, read."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Unpack

from handrail.errors import ConfigError
from handrail.guard import context as scopes
from handrail.guard.call_runner import CallRunner
from handrail.guard.in_force import PolicyInForce
from handrail.guard.resolve import (
    DecidedBy,
    ResolutionFields,
    read_resolution,
    resolution_of,
    resolve,
    wait,
    withdraw,
)
from handrail.guard.threads import in_thread
from handrail.pipeline.decoded import masked_words
from handrail.policy import People, Policy
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.tickets.ticket import TicketView, Verdict


class Cases:
    """The tickets of a guard's calls, under its policy; `Guard` adds the calls.

    Args:
        store: where they live.
        in_force: the policy and what runs calls under it.
    """

    def __init__(self, store: TicketStore, in_force: PolicyInForce) -> None:
        self.store, self._in_force = store, in_force
        self._tools: dict[str, Callable[..., object]] = {}

    @property
    def _runner(self) -> CallRunner:
        return self._in_force.runner

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._runner.pipeline.policy

    @property
    def people(self) -> People | None:
        """Who fills which role, None where this guard knows no people; a people file is read again for it.

        Raises:
            RoleError, PolicyError: the file cannot be used now.
        """
        return self._in_force.people

    @property
    def tools(self) -> Mapping[str, Callable[..., object]]:
        """The functions that act which this guard guards, by name."""
        return self._tools

    def reload(self, policy: Policy) -> None:
        """Put another policy in force at once; calls that have begun end under the old one.

        With `handrail.policy.tools.watch.PolicyFile` a file that cannot be used changes nothing. The change
        is on record before it holds.

        Raises:
            StoreUnavailable: it could not be recorded; the old policy stays in force.
            RoleError: the people file does not fill its roles; the old policy stays in force.
            PolicyNotInForce: versions of it are put in force by people, and this one was not.
        """
        self._in_force.reload(policy)

    async def areload(self, policy: Policy) -> None:
        """Put another policy in force at once, as `reload` does."""
        await in_thread(self.reload, policy)

    def resolve(
        self, ticket: str, person: str, verdict: "Verdict | str", **fields: Unpack[ResolutionFields]
    ) -> "TicketView":
        """Record what a person decided about a ticket, claiming it first if it is free.

        For inboxes and tests that share a process with the guard. `person` must come from your own log-in.

        Args:
            ticket: its id.
            person: who decides; a member of the ticket's role.
            verdict: approve, edit, reject, answer or revise.
            **fields: what else they said, each may be left out: `reason_code` (a short code), `note` (for
                other reviewers), `message_to_user`, `message_to_agent`, `answer` (the text for the customer,
                for answer and edit), `changes` (new values of single arguments, for edit) or `arguments`
                (all of them as JSON), `parts`, `amounts`, `readback`, `digest`, `opened_at`,
                `valid_for`, `idempotency_key`; see `handrail.tickets.resolution.Resolution`.

        Raises:
            ConfigError: this guard knows no people, its store takes no decisions, or there is no such verdict
                or field.
            NotAllowed, AlreadyDecided, DecisionExpired, DigestMismatch: why it was not recorded.
        """
        from handrail.store import Actor

        resolution, tenant = resolution_of(verdict, fields), scopes.current().context.tenant
        people = self.people
        if people is None:
            raise ConfigError("this guard knows no people: Guard.from_policy(..., people='people.yaml')")
        actor = Actor(person=person, people=people, now=self._runner.now())
        by = DecidedBy(actor=actor, policy=self.policy, tools=self._tools)
        return resolve(self.store, tenant, ticket, resolution, by)

    async def aresolve(
        self, ticket: str, person: str, verdict: "Verdict | str", **fields: Unpack[ResolutionFields]
    ) -> "TicketView":
        """Record what a person decided about a ticket, as `resolve` does."""
        return await in_thread(self.resolve, ticket, person, verdict, **fields)

    def withdraw(self, ticket: str, *, words: str = "") -> ResolutionView | None:
        """End a ticket because the customer of the present context withdraws what they asked for.

        An approval that has not begun is taken back. Whoever waits for the ticket is told.

        Args:
            ticket: its id.
            words: what the customer said, for the people of its roles; it is kept sealed, with what is
                found in it masked.

        Raises:
            NotAllowed: it is another customer's.
            AlreadyUsed: its action has begun; the wish is on record for the people of its roles.
            AlreadyDecided: it was rejected, answered or ended otherwise.
        """
        kept = masked_words(words, self._runner.pipeline.scanner)
        withdraw(self.store, scopes.current().context, ticket, kept)
        return self.resolution(ticket)

    async def awithdraw(self, ticket: str, *, words: str = "") -> ResolutionView | None:
        """End a ticket because the customer withdraws, as `withdraw` does."""
        return await in_thread(self.withdraw, ticket, words=words)

    def resolution(self, ticket: str) -> ResolutionView | None:
        """What a person decided about a ticket, None while nobody has.

        Their words for the customer pass the scanner as an answer does.
        """
        return read_resolution(self._runner.pipeline, self.store, scopes.current().context.tenant, ticket)

    async def aresolution(self, ticket: str) -> ResolutionView | None:
        """What a person decided about a ticket, as `resolution` says."""
        return await in_thread(self.resolution, ticket)

    async def wait(self, ticket: str, *, timeout_s: float, every_s: float = 0.25) -> ResolutionView | None:
        """Wait for a person's decision; None when the time is up."""
        return await wait(lambda: self.aresolution(ticket), timeout_s=timeout_s, every_s=every_s)
