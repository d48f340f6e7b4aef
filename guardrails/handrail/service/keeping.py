"""What people keep for themselves: saved views, when they last looked, API tokens, and an end to sessions."""

import base64
import binascii
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from handrail.errors import CheckFailed, NotPermitted
from handrail.ids import new_id
from handrail.service.managing import Managing
from handrail.service.permissions import Operation, require
from handrail.service.queries import ListQuery
from handrail.service.reviewer import Level, Reviewer, Scope
from handrail.store.kept_answers import KeptAnswer
from handrail.store.own import TokenRecord

LONGEST_NAME = 64
LONGEST_TOKEN = timedelta(days=366)
_MARK = "hrt1"
_QUERY = TypeAdapter(ListQuery)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """An API token that was just made; its `text` is shown once and kept nowhere."""

    text: str
    record: TokenRecord


class Keeping(Managing):
    """What belongs to one person; nobody reads or changes another one's."""

    def views(self, who: Reviewer) -> Mapping[str, ListQuery]:
        """Return a person's saved views by name; one that cannot be read any more is left out."""
        require(Operation.LIST, who)
        found = {}
        for name, text in self._store.views(who.tenant, who.person).items():
            try:
                found[name] = _QUERY.validate_json(text)
            except ValidationError:
                continue
        return found

    def save_view(self, who: Reviewer, name: str, query: ListQuery) -> None:
        """Keep a view under a name; one of this name is replaced.

        Raises:
            CheckFailed: no name, or one that is too long.
        """
        require(Operation.LIST, who)
        text = _QUERY.dump_json(query, exclude={"cursor"}, exclude_defaults=True).decode()
        self._store.save_view(who.tenant, who.person, _named(name), text, now=self.now)

    def drop_view(self, who: Reviewer, name: str) -> None:
        """Forget a saved view."""
        require(Operation.LIST, who)
        self._store.drop_view(who.tenant, who.person, name)

    def seen(self, who: Reviewer) -> datetime | None:
        """Return when a person last looked at their list, None if never, and keep that they look now."""
        require(Operation.LIST, who)
        before, _ = self._store.marked(who.tenant, who.person)
        self._store.mark(who.tenant, who.person, seen_at=self.now)
        return before

    def take_key(self, who: Reviewer, key: str, digest: str) -> KeptAnswer | None:
        """Take an idempotency key of one's own; returns what it was taken for within a day, None if new."""
        return self._store.take_key(who.tenant, who.person, key, digest, now=self.now)

    def keep_answer(self, who: Reviewer, key: str, answer: str) -> None:
        """Keep the answer to the step of a key; it holds no content and no secret."""
        self._store.keep_answer(who.tenant, who.person, key, answer)

    def give_key_back(self, who: Reviewer, key: str) -> None:
        """Free a key whose step was refused."""
        self._store.give_key_back(who.tenant, who.person, key)

    def sign_out_everywhere(self, who: Reviewer) -> None:
        """End every session that a person began before now."""
        self._store.mark(who.tenant, who.person, signed_out_at=self.now)

    def signed_out_at(self, tenant: str, person: str) -> datetime | None:
        """Return the moment before which a person's sessions count no longer, None for none."""
        return self._store.marked(tenant, person)[1]

    def make_token(
        self, who: Reviewer, name: str, scopes: Iterable[Scope], *, valid_for: timedelta
    ) -> NewToken:
        """Make an API token that acts as this person, with no more than they may do themselves.

        Raises:
            NotPermitted: a scope they lack, or they must prove anew who they are.
            CheckFailed: no name, no scope, or valid for too long.
        """
        require(Operation.TOKENS, who)
        wanted = frozenset(scopes)
        if not wanted or not timedelta(0) < valid_for <= LONGEST_TOKEN:
            raise CheckFailed("token", why="it needs a scope, and an end within a year")
        if not wanted <= who.scopes:
            raise NotPermitted(Operation.TOKENS.value, "scope")
        record = TokenRecord(
            id=new_id(),
            person=who.person,
            name=_named(name),
            scopes=tuple(sorted(scope.value for scope in wanted)),
            made_at=self.now,
            expires_at=self.now + valid_for,
        )
        secret = secrets.token_urlsafe(32)
        self._store.add_token(who.tenant, record, secret)
        tenant = base64.urlsafe_b64encode(who.tenant.encode()).decode().rstrip("=")
        return NewToken(text=f"{_MARK}.{tenant}.{record.id}.{secret}", record=record)

    def tokens(self, who: Reviewer) -> tuple[TokenRecord, ...]:
        """Return a person's tokens, the newest first, without their secrets."""
        require(Operation.LIST, who)
        return self._store.tokens(who.tenant, who.person)

    def revoke_token(self, who: Reviewer, name: str) -> bool:
        """End a token of one's own; returns whether it was in use."""
        require(Operation.LIST, who)
        return self._store.revoke_token(who.tenant, name, who.person, now=self.now)

    def reviewer_of_token(self, text: str, roles_of: Callable[[str], frozenset[str]]) -> Reviewer | None:
        """Return whoever a token acts as, None where it is unknown, altered, ended or revoked.

        Args:
            text: the token.
            roles_of: the roles that a person fills now.
        """
        parts = text.split(".", 3)
        if len(parts) != 4 or parts[0] != _MARK:
            return None
        try:
            tenant = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        record = self._store.token(tenant, parts[2], parts[3], now=self.now)
        if record is None:
            return None
        return Reviewer(
            person=record.person,
            tenant=tenant,
            roles=roles_of(record.person),
            scopes=frozenset(Scope(scope) for scope in record.scopes),
            level=Level.TOKEN,
        )


def _named(name: str) -> str:
    found = " ".join(name.split())
    if not 0 < len(found) <= LONGEST_NAME:
        raise CheckFailed("name", why=f"1 to {LONGEST_NAME} characters")
    return found
