"""Opens a ticket store by its URL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from handrail.clock import Clock, now_utc
from handrail.errors import ConfigError
from handrail.store.crypto import keys as environment
from handrail.store.crypto.keys import FileKeys, FixedKeys, KeyProvider, new_ring, ring_of
from handrail.store.crypto.sealing import Sealer
from handrail.store.crypto.signing import Signer, Signing, Trusted
from handrail.store.database import Database, file_of, parse_url, refuse_volatile
from handrail.store.migrate import prepare, prepare_keys
from handrail.store.reviewer import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may decide: the inbox side's signing key, and whose signatures the application accepts."""

    signer: Signer | None = None
    trusted: Trusted | None = None


def open_store(
    url: str,
    *,
    allow_volatile: bool = False,
    key_provider: KeyProvider | None = None,
    trust: Trust | None = None,
    clock: Clock = now_utc,
) -> SqlStore:
    """Open a store; a SQLite file and its tables are made if they are not there. Safe to repeat.

    Args:
        url: `sqlite:///file.db`, `sqlite://` (in memory, gone with the process) or `postgresql://…`.
        allow_volatile: accept memory, and file systems that can lose the file or cannot lock it.
        key_provider: where the key ring comes from; if None, the environment (see `environment`), and for
            SQLite a key file beside the store that is made when it is not there.
        trust: PostgreSQL needs `trusted`, and `signer` too where people decide; if None, the environment.
            SQLite needs neither.
        clock: time of what no caller dates.

    Raises:
        ConfigError: the URL, the file system, the keys or the version of the tables will not do.
        MissingExtra: PostgreSQL without psycopg.

    A database that is out of reach now is asked again by every call: each raises StoreUnavailable until then.
    """
    parsed, trust = parse_url(url), trust or Trust()
    database = Database(parsed)
    if database.is_postgres:
        return _postgres(database, key_provider, trust, clock)
    if database.is_memory and not allow_volatile:
        raise ConfigError("a store in memory is lost with the process; allow_volatile=True accepts that")
    file = file_of(parsed)
    if file is not None and not allow_volatile:
        refuse_volatile(file)
    if file is not None and not file.parent.is_dir():
        raise ConfigError(f"the folder {file.parent} does not exist")
    provider = key_provider or environment.key_provider() or _own_keys(file)
    database.prepare_with(lambda tables: prepare(tables, ring_of(provider)))
    keys = Database(_keys_url(parsed, file))
    keys.prepare_with(prepare_keys)
    sealer = Sealer(provider, apart=keys)
    is_required = trust.trusted is not None
    signing = Signing(signer=trust.signer, trusted=trust.trusted, is_required=is_required)
    return SqlStore(database, sealer, signing, clock)


def _postgres(database: Database, provider: KeyProvider | None, trust: Trust, clock: Clock) -> SqlStore:
    provider = provider or environment.key_provider()
    if provider is None:
        raise ConfigError(
            "PostgreSQL needs keys: pass key_provider=FileKeys(path), "
            "or set HANDRAIL_KEYS or HANDRAIL_KEY_FILE"
        )
    signer = trust.signer or environment.signer()
    trusted = trust.trusted or environment.trusted() or (signer.public if signer else None)
    if trusted is None:
        raise ConfigError(
            "PostgreSQL needs to know whose resolutions count: pass trust=Trust(trusted=…), "
            "or set HANDRAIL_TRUSTED_KEYS"
        )
    sealer = Sealer(provider)
    database.prepare_with(lambda tables: prepare(tables, sealer.ring))
    signing = Signing(signer=signer, trusted=trusted, is_required=True)
    return SqlStore(database, sealer, signing, clock)


def _own_keys(file: Path | None) -> KeyProvider:
    if file is None:
        return FixedKeys(new_ring())
    return FileKeys(file.with_name(f"{file.name}.key"), create=True)


def _keys_url(url: URL, file: Path | None) -> URL:
    """Data keys lie in a file of their own, so that a copy of the store alone can be erased for good."""
    return url if file is None else url.set(database=str(file.with_name(f"{file.name}-keys")))
