"""What keeps a store trustworthy: the audit chain, keys, erasure, retention, migrations and the spool."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from handrail.errors import ConfigError, StoreUnavailable, TicketNotFound
from handrail.store import Spool, open_store
from handrail.store.audit.verify import read_checkpoint
from handrail.store.crypto.keys import FileKeys, FixedKeys, KeyRing, parse_ring, write_ring
from handrail.store.crypto.signing import new_signer, read_signer, read_trusted, write_signer, write_trusted
from handrail.store.database import Database, file_system, parse_url, refuse_volatile
from handrail.store.migrate import REVISION, revision, upgrade
from handrail.store.tables import metadata
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import (
    KEYS,
    NOW,
    RING,
    SECRET,
    SIGNER,
    Sides,
    actor,
    new_ticket,
    postgres_sides,
    sqlite_sides,
)

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


def lived(sides: Sides, customer: str = "erika") -> str:
    """Take one ticket all the way, and return its id."""
    ticket = new_ticket(customer=customer)
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE, note="fine"), actor())
    sides.app.begin("default", ticket.id, now=NOW)
    sides.app.finish("default", ticket.id, Settlement.DONE, now=NOW)
    return ticket.id


def owner(sides: Sides) -> str:
    return sides.logins.owner if sides.logins else sides.url


def tamper(sides: Sides, statement: str, **values: object) -> None:
    engine = create_engine(owner(sides))
    with engine.begin() as conn:
        conn.execute(text(statement), values)
    engine.dispose()


COLUMNS = ("tenant", "ticket", "version", "kind", "actor", "role", "at", "data", "prev", "hash")


@pytest.mark.parametrize("column", COLUMNS)
def test_any_edit_of_an_entry_is_found_and_named(column: str, tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    lived(sides)
    assert sides.admin.verify().is_intact
    change = (
        f"{column} + 1"
        if column in ("version", "at")
        else f"substr({column}, 1, length({column}) - 1) || '~'"
    )
    with sides.admin.database.write() as conn:
        conn.exec_driver_sql(f"UPDATE audit SET {column} = {change} WHERE seq = 3")
    report = sides.admin.verify()
    assert any(problem.where.endswith(("#3", "#4")) for problem in report.problems)
    sides.close()


def test_a_deleted_entry_a_cut_end_and_a_lost_writer_are_found_and_named(sides: Sides) -> None:
    name = lived(sides)
    with sides.admin.read("default") as tx:
        row = tx.conn.exec_driver_sql("SELECT writer, max(seq) AS seq FROM audit GROUP BY writer").first()
    assert row is not None
    tamper(sides, "DELETE FROM audit WHERE writer = :w AND seq = :s", w=row.writer, s=row.seq)
    report = sides.admin.verify()
    assert any("cut off" in problem.what or "every entry" in problem.what for problem in report.problems)
    assert any(name in problem.where for problem in report.problems)


def test_a_chain_cut_together_with_its_end_is_found_by_a_checkpoint_kept_elsewhere(sides: Sides) -> None:
    lived(sides)
    kept = read_checkpoint(sides.admin.checkpoint(SIGNER, now=NOW), SIGNER.public)
    assert sides.admin.verify(kept).is_intact
    tamper(sides, "DELETE FROM audit")
    tamper(sides, "DELETE FROM audit_heads")
    tamper(sides, "DELETE FROM decisions")
    tamper(sides, "DELETE FROM tickets")
    assert not sides.admin.verify().is_intact
    tamper(sides, "DELETE FROM uses")
    tamper(sides, "DELETE FROM ledger")
    assert sides.admin.verify().is_intact
    assert not sides.admin.verify(kept).is_intact
    with pytest.raises(ConfigError, match="trusted key"):
        read_checkpoint(sides.admin.checkpoint(SIGNER, now=NOW), new_signer().public)


def test_a_ticket_that_vanished_from_the_store_is_named(sides: Sides) -> None:
    name = lived(sides)
    tamper(sides, "DELETE FROM decisions WHERE ticket = :t", t=name)
    tamper(sides, "DELETE FROM tickets WHERE id = :t", t=name)
    assert any(name in problem.where for problem in sides.admin.verify().problems)


def test_the_export_holds_every_entry_and_no_content(sides: Sides) -> None:
    lived(sides)
    entries = list(sides.admin.export())
    assert {"ticket.open", "ticket.claim", "ticket.approve", "ticket.begin", "ticket.applied"} <= {
        entry["kind"] for entry in entries
    }
    assert SECRET not in json.dumps(entries)
    assert "erika" not in json.dumps(entries)


def test_nothing_sensitive_lies_readable_in_the_file(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    lived(sides)
    sides.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert tmp_path / "store.db" in files
    for path in files:
        data = path.read_bytes()
        assert SECRET.encode() not in data
        assert b"erika" not in data
        assert b"headphones" not in data


def test_an_erased_customer_is_gone_from_the_store_its_backup_and_the_spool(tmp_path: Path) -> None:
    sides, spool = (
        sqlite_sides(tmp_path / "store.db"),
        Spool(tmp_path / "spool", FileKeys(tmp_path / "store.db.key")),
    )
    done, still_open = lived(sides), new_ticket(customer="erika", conversation="c9")
    sides.app.open(still_open)
    spool.put(new_ticket(customer="erika"))
    other = lived(sides, customer="otto")
    sides.admin.back_up(tmp_path / "backup.db")
    assert sides.admin.erase("default", "erika", by="dpo", now=NOW, spool=spool) == 2
    assert sides.inbox.get("default", done).erased
    assert sides.inbox.get("default", still_open.id).state is State.CANCELLED
    assert sides.inbox.get("default", other).ticket is not None
    assert spool.drain(sides.app).erased == 1
    assert sides.admin.verify().is_intact
    sides.close()
    shutil.copy(tmp_path / "store.db-keys", tmp_path / "backup.db-keys")
    shutil.copy(tmp_path / "store.db.key", tmp_path / "backup.db.key")
    restored = sqlite_sides(tmp_path / "backup.db")
    assert restored.inbox.get("default", done).erased
    assert restored.inbox.get("default", other).ticket is not None
    restored.close()


def test_erasing_works_on_both_databases_and_a_new_ticket_of_that_customer_is_readable(sides: Sides) -> None:
    done = lived(sides)
    assert sides.admin.erase("default", "erika", by="dpo", now=NOW) == 1
    assert sides.inbox.get("default", done).erased
    resolution = sides.app.resolution("default", done)
    assert resolution is not None
    assert resolution.answer == ""
    fresh = new_ticket(customer="erika")
    sides.app.open(fresh)
    assert sides.inbox.get("default", fresh.id).ticket is not None


def test_old_tickets_are_pruned_and_the_chain_stays_verifiable(sides: Sides) -> None:
    name = lived(sides)
    still_open = new_ticket()
    sides.app.open(still_open)
    later = NOW + timedelta(days=400)
    assert sides.admin.prune("default", before=later, by="admin", now=later) == 1
    with pytest.raises(TicketNotFound):
        sides.inbox.get("default", name)
    assert sides.inbox.get("default", still_open.id).state is State.READY
    assert sides.admin.verify().is_intact
    assert sides.admin.prune_audit(before=later, by="admin", now=later) > 0
    report = sides.admin.verify()
    assert report.is_intact, report.problems


def test_a_rotated_master_key_opens_old_and_new_content(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "ring.key", create=True)
    sides = sqlite_sides(tmp_path / "store.db", key_provider=keys)
    old = lived(sides)
    keys.rotate()
    assert sides.admin.rotate(by="admin", now=NOW) > 0
    new = lived(sides, customer="otto")
    sides.close()
    ring = keys.ring()
    only_new = KeyRing(current=ring.current, keys={ring.current: ring.key(ring.current)}, index=ring.index)
    again = sqlite_sides(tmp_path / "store.db", key_provider=FixedKeys(only_new))
    assert again.inbox.get("default", old).ticket is not None
    assert again.inbox.get("default", new).ticket is not None
    again.close()


def test_a_process_with_the_old_ring_learns_of_a_new_key(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "ring.key", create=True)
    old, new = (sqlite_sides(tmp_path / "store.db", key_provider=keys) for _ in range(2))
    old.app.open(new_ticket())
    keys.rotate()
    new.admin.rotate(by="admin", now=NOW)
    ticket = new_ticket(customer="later")
    new.app.open(ticket)
    assert old.inbox.get("default", ticket.id).ticket is not None
    old.close()
    new.close()


def test_content_moved_to_another_ticket_does_not_open(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    one, two = lived(sides), lived(sides)
    with sides.admin.database.write() as conn:
        conn.exec_driver_sql(
            "UPDATE tickets SET content = (SELECT content FROM tickets WHERE id = ?) WHERE id = ?", (one, two)
        )
    with pytest.raises(StoreUnavailable, match="altered"):
        sides.inbox.get("default", two)
    sides.close()


def test_a_key_file_is_made_for_its_owner_only_and_refused_when_others_can_read_it(tmp_path: Path) -> None:
    sqlite_sides(tmp_path / "store.db").app.close()
    path = tmp_path / "store.db.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_store(f"sqlite:///{tmp_path}/store.db", allow_volatile=True)


def test_no_key_is_in_any_message_or_repr() -> None:
    assert "1111" not in repr(RING)
    assert "private" not in repr(SIGNER).lower().replace("private=", "")
    with pytest.raises(ConfigError) as raised:
        parse_ring('{"current": "k1", "keys": {"k1": "c2VjcmV0"}, "index": "c2VjcmV0"}', "ring")
    assert "c2VjcmV0" not in str(raised.value)


def test_rings_and_signing_keys_read_back_as_they_were_written() -> None:
    assert parse_ring(write_ring(RING), "ring") == RING
    again = read_signer(write_signer(SIGNER))
    assert read_trusted(write_trusted(SIGNER.public)) == again.public


def test_postgresql_refuses_to_start_without_keys_or_without_knowing_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HANDRAIL_KEYS", "HANDRAIL_KEY_FILE", "HANDRAIL_SIGNING_KEY", "HANDRAIL_TRUSTED_KEYS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="HANDRAIL_KEYS"):
        open_store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(ConfigError, match="HANDRAIL_TRUSTED_KEYS"):
        open_store("postgresql://nobody@127.0.0.1:1/none", key_provider=KEYS)
    monkeypatch.setenv("HANDRAIL_KEYS", write_ring(RING))
    monkeypatch.setenv("HANDRAIL_TRUSTED_KEYS", write_trusted(SIGNER.public))
    store = open_store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        store.open(new_ticket())
    store.close()


def test_a_store_error_names_no_value(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    ticket = new_ticket()
    with sides.app.database.write() as conn:
        conn.exec_driver_sql("DROP TABLE outbox")
    with pytest.raises(StoreUnavailable) as raised:
        sides.app.open(ticket)
    assert SECRET not in str(raised.value)
    assert ticket.id not in str(raised.value)
    assert raised.value.__cause__ is None
    sides.close()


def test_network_and_memory_file_systems_are_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        "2 1 0:40 / /mnt/share rw shared:1 - nfs4 server:/x rw\n"
        "3 1 0:41 / /dev/shm rw - tmpfs tmpfs rw\n"
    )
    assert file_system(Path("/home/x"), mounts) == "ext4"
    for path in ("/mnt/share/db", "/dev/shm/db"):
        with pytest.raises(ConfigError):
            refuse_volatile(Path(path), mounts)
    refuse_volatile(Path("/mnt/shared-but-local/db"), mounts)
    with pytest.raises(ConfigError, match="allow_volatile"):
        open_store("sqlite://")


def test_opening_is_idempotent_and_migrated_tables_are_the_declared_ones(sides: Sides) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import handrail.store.passkeys
    import handrail.store.samples  # noqa: F401 - both declare a table

    database = Database(create_engine(owner(sides)).url)
    upgrade(database)
    options = {"include_name": lambda name, kind, _: (kind, name) != ("table", "data_keys")}
    with database.read() as conn:
        found = compare_metadata(MigrationContext.configure(conn, opts=options), metadata)
    database.close()
    assert found == []


def test_tables_of_a_later_version_are_refused(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    with sides.app.database.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    sides.close()
    with pytest.raises(ConfigError, match=f"9999.*{REVISION}"):
        open_store(f"sqlite:///{tmp_path}/store.db", allow_volatile=True)


def test_the_spool_keeps_order_survives_damage_and_drains_once(tmp_path: Path) -> None:
    sides, spool = sqlite_sides(tmp_path / "store.db"), Spool(tmp_path / "spool", KEYS)
    made = [new_ticket(f"s{number}", now=NOW + timedelta(seconds=number)) for number in range(4)]
    for ticket in reversed(made):
        spool.put(ticket)
    assert spool.waiting() == 4
    for path in (tmp_path / "spool").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    damaged = sorted((tmp_path / "spool").glob("*.ticket"))[1]
    damaged.write_text("{")
    opened: list[str] = []

    class Recorder:
        def open(self, ticket):  # type: ignore[no-untyped-def]
            opened.append(ticket.id)
            return sides.app.open(ticket)

    done = spool.drain(Recorder())
    assert (done.opened, done.damaged) == (3, 1)
    assert opened == ["s0", "s2", "s3"]
    assert spool.drain(Recorder()).opened == 0
    assert list((tmp_path / "spool").glob("*.damaged"))
    sides.close()


def test_a_drain_stops_where_the_store_is_away_and_goes_on_later(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", KEYS)
    spool.put(new_ticket())

    class Away:
        def open(self, ticket):  # type: ignore[no-untyped-def]
            raise StoreUnavailable("store")

    with pytest.raises(StoreUnavailable):
        spool.drain(Away())
    assert spool.waiting() == 1


def test_a_spool_that_cannot_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="spool"):
        Spool(tmp_path / "file" / "spool", KEYS).put(new_ticket())


def test_importing_handrail_loads_no_database_code() -> None:
    import subprocess
    import sys

    code = "import sys, handrail; sys.exit('sqlalchemy' in sys.modules or 'alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False).returncode == 0


def test_a_new_file_has_the_tables_that_an_upgrade_makes(tmp_path: Path) -> None:
    schemas = []
    for name, is_upgraded in (("made.db", False), ("upgraded.db", True)):
        database = Database(parse_url(f"sqlite:///{tmp_path / name}"))
        with database.write() as conn:
            if is_upgraded:
                # A file that holds anything is upgraded step by step.
                conn.exec_driver_sql("CREATE TABLE other (a INTEGER)")
        upgrade(database)
        with database.read() as conn:
            found = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE name != 'other'").all()
            assert revision(conn) == REVISION
        schemas.append({row.name: "".join((row.sql or "").split()) for row in found})
        database.close()
    assert schemas[0] == schemas[1]
