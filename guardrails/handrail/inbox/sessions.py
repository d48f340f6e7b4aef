"""Sessions: who has signed in, sealed into a cookie that nobody else can read, make or change.

A session gets a new id whenever somebody signs in, so an id from before means nothing afterwards.
"""

import base64
import hmac
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError

from handrail.clock import Clock
from handrail.ids import new_id
from handrail.inbox.settings import Settings

_NONCE_BYTES = 12
_SALT_BYTES = 16
_LONGEST_COOKIE = 4096
_RENEWED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser's session; `person` is empty until somebody has signed in.

    `roles` are those that the organisation's provider claims, None where the people file alone says.
    `proved_at` is when they last showed who they are, `seen_at` when they last did something. Until
    `bound_until` a passkey has shown who they are for one ticket, and for one action by its digest.
    """

    id: str
    person: str = ""
    tenant: str = ""
    roles: tuple[str, ...] | None = None
    is_manager: bool = False
    signed_in_at: float = 0.0
    proved_at: float = 0.0
    seen_at: float = 0.0
    bound_ticket: str = ""
    bound_digest: str = ""
    bound_until: float = 0.0

    @property
    def is_signed_in(self) -> bool:
        """True once somebody has signed in."""
        return bool(self.person)


_SESSION = TypeAdapter(Session)


class Sessions:
    """Opens and seals session cookies.

    Args:
        settings: for how long sessions last, and whether cookies travel by https only.
        clock: the time.
        key: 32 bytes; from the settings if None.
    """

    def __init__(self, settings: Settings, clock: Clock, *, key: bytes | None = None) -> None:
        self._limits, self._clock, self._is_secure = settings.limits, clock, settings.is_secure
        self._key = key or settings.session_key()
        self._cipher = AESGCM(self._derived("session"))
        # The prefix makes a browser refuse such a cookie from a neighbouring host or over http.
        self.cookie = "__Host-handrail" if self._is_secure else "handrail"

    def _derived(self, purpose: str) -> bytes:
        return hmac.new(self._key, purpose.encode(), sha256).digest()

    def anonymous(self) -> Session:
        """Return the session of a browser in which nobody has signed in."""
        return Session(id=new_id(), seen_at=self._clock().timestamp())

    def signed_in(self, person: str, tenant: str, *, roles: tuple[str, ...] | None, manager: bool) -> Session:
        """Return a new session, under a new id, of a person who has just shown who they are."""
        now = self._clock().timestamp()
        return Session(
            id=new_id(),
            person=person,
            tenant=tenant,
            roles=roles,
            is_manager=manager,
            signed_in_at=now,
            proved_at=now,
            seen_at=now,
        )

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None if it is none of ours, was altered or has run out."""
        session = self._unsealed(cookie)
        return session if session is not None and not self._has_run_out(session) else None

    def run_out(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie in which somebody had signed in and that has run out, else None.

        It says who they were, and lets them do nothing.
        """
        session = self._unsealed(cookie)
        is_theirs = session is not None and session.is_signed_in and self._has_run_out(session)
        return session if is_theirs else None

    def _unsealed(self, cookie: str | None) -> Session | None:
        try:
            return _SESSION.validate_python(self.opened(cookie, "session")) if cookie else None
        except ValidationError:
            return None

    def _has_run_out(self, session: Session) -> bool:
        now = self._clock().timestamp()
        if now - session.seen_at > self._limits.idle_s:
            return True
        return session.is_signed_in and now - session.signed_in_at > self._limits.session_s

    def renewed(self, session: Session) -> Session | None:
        """Return the session as seen now; None where its cookie is young enough to stay."""
        now = self._clock().timestamp()
        return replace(session, seen_at=now) if now - session.seen_at > _RENEWED_AFTER.seconds else None

    def is_fresh(self, session: Session) -> bool:
        """Tell whether the person showed who they are a short while ago."""
        return self._clock().timestamp() - session.proved_at <= self._limits.fresh_s

    def set_cookie(self, session: Session) -> str:
        """Return the `Set-Cookie` header's value for a session."""
        values = asdict(session)
        return self.cookie_header(self.cookie, self.sealed(values, "session"), self._limits.session_s)

    def cookie_header(self, name: str, value: str, seconds: int) -> str:
        """Return a `Set-Cookie` header's value: for this host only, out of reach of scripts."""
        secure = "; Secure" if self._is_secure else ""
        return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

    def sealed(self, values: dict[str, object], purpose: str) -> str:
        """Return values sealed for one purpose, as text for a cookie."""
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(values, separators=(",", ":")).encode()
        return (
            base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text, purpose.encode()))
            .rstrip(b"=")
            .decode()
        )

    def opened(self, text: str, purpose: str) -> "dict[str, object] | None":
        """Return what was sealed for a purpose, None if it was not by us, for another purpose, or altered."""
        if len(text) > _LONGEST_COOKIE:
            return None
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            clear = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
            found = json.loads(clear)
        except (ValueError, InvalidTag):
            return None
        return found if isinstance(found, dict) else None

    def csrf_token(self, session: Session) -> str:
        """Return what every form and every changing request of this session carries; another one each time.

        A token that were the same in every compressed page could be guessed from the pages' lengths.
        """
        salt = os.urandom(_SALT_BYTES).hex()
        return salt + self._csrf_mark(session, salt)

    def is_csrf_token(self, session: Session, given: str) -> bool:
        """Tell whether a request carries a token of this session."""
        salt, mark = given[: 2 * _SALT_BYTES], given[2 * _SALT_BYTES :]
        return hmac.compare_digest(self._csrf_mark(session, salt).encode(), mark.encode())

    def _csrf_mark(self, session: Session, salt: str) -> str:
        return hmac.new(self._derived("csrf"), f"{session.id} {salt}".encode(), sha256).hexdigest()
