"""Brings the tables to this version. The check costs one query; alembic loads only to upgrade."""

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text, update

from handrail.errors import ConfigError
from handrail.store.audit.chain import end_mac, floor_mac
from handrail.store.crypto.keys import KeyRing
from handrail.store.database import Database
from handrail.store.tables import audit_heads, keys_metadata

REVISION = "0012"
SCRIPTS = Path(__file__).with_name("migrations")
# As alembic makes it, so that a later version can upgrade what this one made.
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('handrail.migrate', 0))")


def prepare(database: Database, ring: KeyRing) -> None:
    """Make sure that the tables are of this version; SQLite files are made and upgraded, PostgreSQL is not.

    Raises:
        ConfigError: PostgreSQL's tables are missing or older, or any database's are newer.
        StoreUnavailable: the database cannot be reached.
    """
    with database.read() as conn:
        found = revision(conn)
    if found == REVISION:
        return
    if database.is_postgres:
        raise ConfigError(
            f"the store's tables are of version {found or 'none'}, this is {REVISION}; "
            "run as their owner: handrail store upgrade URL"
        )
    upgrade(database)
    _adopt_chains(database, ring)


def _adopt_chains(database: Database, ring: KeyRing) -> None:
    """Authenticate the ends of the chains that an earlier version left, once, after an upgrade."""
    with database.write() as conn:
        for head in conn.execute(select(audit_heads).where(audit_heads.c.mac.is_(None))).all():
            macs = {
                "mac": end_mac(ring, head.writer, head.seq, head.hash),
                "floor_mac": floor_mac(ring, head.writer, head.floor_seq, head.floor_hash),
            }
            conn.execute(update(audit_heads).where(audit_heads.c.writer == head.writer).values(**macs))


def prepare_keys(database: Database) -> None:
    """Make the table of data keys in its own file."""
    with database.write() as conn:
        keys_metadata.create_all(conn)


def upgrade(database: Database) -> None:
    """Run what migrations are due, in one transaction, one process at a time.

    Raises:
        ConfigError: the tables are newer than this version of handrail.
    """
    with database.write() as conn:
        if database.is_postgres:
            conn.execute(_LOCK)
        if revision(conn) == REVISION:
            return
        if not database.is_postgres and not inspect(conn).get_table_names():
            _make(conn)
            return
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = conn
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise ConfigError(
                f"the store's tables are of version {revision(conn)}, newer than this handrail ({REVISION})"
            ) from None


def _make(conn: Connection) -> None:
    """Make every table in an empty SQLite file, by the scripts that an upgrade runs."""
    for script in sorted((SCRIPTS / "versions").glob("*_sqlite.sql")):
        run_script(conn, script.name[:4])
    conn.exec_driver_sql(_VERSION_TABLE)
    conn.exec_driver_sql("INSERT INTO alembic_version (version_num) VALUES (?)", (REVISION,))


def run_script(conn: Connection, number: str) -> None:
    """Run the statements of one revision, as they are written for this database."""
    script = SCRIPTS / "versions" / f"{number}_{conn.dialect.name}.sql"
    for statement in script.read_text().split(";;\n"):
        if statement.strip():
            conn.exec_driver_sql(statement)


def revision(conn: Connection) -> str | None:
    """Return the version of the tables, None for none."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
