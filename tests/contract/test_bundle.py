"""A case in a file: an auditor checks it without the store, and whatever was altered is found."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import NotAllowed, TicketNotFound
from handrail.ids import new_id
from handrail.records import PolicyRef
from handrail.store.audit.bundle import MANIFEST, SIGNATURE, packed, signed_part
from handrail.store.audit.bundle_check import CaseReport, check
from handrail.store.audit.chain import Event
from handrail.store.audit.verify import read_checkpoint
from handrail.store.bundle import BundleRequest
from handrail.store.crypto.signing import new_signer
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, SECRET, SIGNER, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
AUDITOR = new_signer("auditor")
KEYS = AUDITOR.public
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


def case(sides: Sides, **more: object) -> str:
    """A refund that was looked at, agreed to by finance, edited and done."""
    ticket = sides.app.open(new_ticket(new_id(), **more)).ticket  # type: ignore[arg-type]
    sides.inbox.view("default", ticket, actor())
    sides.inbox.claim("default", ticket, actor())
    said = Resolution(
        verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user=f"590 USD go to {SECRET}"
    )
    sides.inbox.resolve("default", ticket, said, actor())
    sides.app.begin("default", ticket, now=NOW + timedelta(minutes=2))
    sides.app.finish("default", ticket, Settlement.DONE, now=NOW + timedelta(minutes=2))
    return ticket


def bundled(sides: Sides, ticket: str, **more: object) -> bytes:
    wanted = BundleRequest(by="auditor", signer=AUDITOR, **more)  # type: ignore[arg-type]
    return sides.admin.bundle("default", ticket, wanted)


def files_of(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(files: Files) -> bytes:
    """Make the manifest and its plain checksum fit again, as somebody without a key can."""
    manifest = json.loads(files[MANIFEST])
    kept = {name: content for name, content in files.items() if name not in (MANIFEST, SIGNATURE)}
    manifest["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in kept.items()}
    text = json.dumps(manifest).encode()
    sealed = json.dumps({"key_id": "", "sha256": hashlib.sha256(text).hexdigest()}).encode()
    return packed({**kept, MANIFEST: text, SIGNATURE: sealed})


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sides, str, bytes]]:
    sides = sqlite_sides(tmp_path_factory.mktemp("intact") / "store.db")
    content = '{"artefacts":{},"policy":{"policy":"shop"}}'
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    ref = PolicyRef(name="shop", version="1", sha256=sha256)
    sides.app.note_policy(Event(tenant="default", kind="config.policy", at=NOW), ref, content)
    held = new_ticket(new_id())
    ticket = held.model_copy(update={"policy": held.policy.model_copy(update={"sha256": sha256})})
    made = sides.app.open(_with_digest(ticket)).ticket
    _through(sides, made)
    yield sides, made, sides.admin.bundle("default", made, BundleRequest(by="auditor"))
    sides.close()


def _with_digest(ticket: Any) -> Any:
    from handrail.tickets.action import action_digest

    digest = action_digest(
        ticket.action.tool, ticket.sealed.arguments, policy_sha256=ticket.policy.sha256, tenant=ticket.tenant
    )
    return ticket.model_copy(update={"action": ticket.action.model_copy(update={"digest": digest})})


def _through(sides: Sides, ticket: str) -> None:
    sides.inbox.view("default", ticket, actor())
    sides.inbox.claim("default", ticket, actor())
    sides.inbox.resolve("default", ticket, Resolution(verdict=Verdict.APPROVE), actor())
    sides.app.begin("default", ticket, now=NOW + timedelta(minutes=2))
    sides.app.finish("default", ticket, Settlement.DONE, now=NOW + timedelta(minutes=2))


def test_a_case_is_checked_without_its_store_and_says_who_saw_it(sides: Sides) -> None:
    ticket = case(sides)
    report = check(bundled(sides, ticket), None)
    assert report.problems == ()
    assert (report.ticket, report.tenant, report.state) == (ticket, "default", "applied")
    assert [(view["kind"], view["person"]) for view in report.views] == [
        ("ticket.bundle", "auditor"),
        ("ticket.view", "fay"),
    ]


def test_a_trusted_key_vouches_for_the_bundle_and_for_each_resolution(sides: Sides) -> None:
    data = bundled(sides, case(sides))
    both = type(KEYS)(keys={**KEYS.keys, **SIGNER.public.keys})
    assert check(data, both).problems == ()
    assert check(data, both).is_signed
    assert not check(data, new_signer().public).is_intact
    if sides.backend == "postgresql":
        # The bundle is the auditor's; the resolution in it needs the inbox's key.
        assert "not signed by a trusted key" in str(check(data, KEYS).problems)


def test_what_was_masked_stays_masked(sides: Sides) -> None:
    ticket = case(sides)
    data = bundled(sides, ticket)
    assert SECRET.encode() not in data
    assert b"[credit_card]" in data
    unmasked = bundled(sides, ticket, reader=actor())
    assert SECRET.encode() in unmasked
    report = check(unmasked)
    assert report.problems == ()
    assert ("ticket.unmask", "fay") in [(view["kind"], view["person"]) for view in report.views]


def test_only_a_person_of_its_roles_gets_texts_unmasked(sides: Sides) -> None:
    ticket = case(sides)
    with pytest.raises(NotAllowed):
        bundled(sides, ticket, reader=actor("pat"))
    with pytest.raises(TicketNotFound):
        bundled(sides, "nobody's")


def test_another_tenants_entries_are_not_in_a_bundle(sides: Sides) -> None:
    ticket = case(sides)
    sides.app.open(new_ticket(new_id(), tenant="acme"))
    sides.admin.look("default", ticket, by="root")
    data = bundled(sides, ticket)
    assert b"acme" not in data
    assert check(data).problems == ()


def missed(data: bytes, places: Iterable[int]) -> list[int]:
    """The places where an altered byte is not found."""
    found = []
    for at in places:
        altered = bytearray(data)
        altered[at] ^= 1
        if check(bytes(altered)).is_intact:
            found.append(at)
    return found


def test_an_altered_byte_is_found_wherever_it_lies(intact: tuple[Sides, str, bytes]) -> None:
    _, _, data = intact
    assert check(data).problems == ()
    # What stands between the files, and a byte of each hundred of the files themselves.
    around = {at for mark in (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06") for at in places(data, mark)}
    assert len(around) > 300
    assert missed(data, sorted(around | set(range(0, len(data), 97)))) == []


def places(data: bytes, mark: bytes) -> Iterator[int]:
    """The bytes of each header that begins with a mark."""
    at = data.find(mark)
    while at >= 0:
        yield from range(at, min(at + 46, len(data)))
        at = data.find(mark, at + 1)


@pytest.mark.slow
def test_every_altered_byte_is_found(intact: tuple[Sides, str, bytes]) -> None:
    _, _, data = intact
    assert missed(data, range(len(data))) == []


@pytest.mark.parametrize("cut", [1, 22, 100, 1000])
def test_a_bundle_that_was_cut_or_grew_is_found(intact: tuple[Sides, str, bytes], cut: int) -> None:
    _, _, data = intact
    for altered in (data[:-cut], data[cut:], data + b"\0" * cut, b"x" * cut + data, b""):
        assert not check(altered).is_intact


Alter = Callable[[Any], object]


def _entry(number: int, **values: object) -> Alter:
    return lambda rows: rows[number].update(values)


def _data(kind: str, **values: object) -> Alter:
    def alter(rows: Any) -> None:
        for row in rows:
            if row["kind"] == kind:
                row["data"] = json.dumps({**json.loads(row["data"]), **values}, sort_keys=True)

    return alter


ALTERED: dict[str, tuple[str, Alter]] = {
    "state": ("ticket.json", lambda view: view.update(state="rejected")),
    "version": ("ticket.json", lambda view: view.update(version=view["version"] - 1)),
    "later version": ("ticket.json", lambda view: view.update(version=view["version"] + 1)),
    "id": ("ticket.json", lambda view: view.update(id="another")),
    "tenant": ("ticket.json", lambda view: view.update(tenant="another")),
    "digest": ("ticket.json", lambda view: view.update(digest="00" * 32)),
    "policy": ("ticket.json", lambda view: view["ticket"]["policy"].update(sha256="00" * 32)),
    "content": ("ticket.json", lambda view: view["ticket"].update(id="another")),
    "shown verdict": ("ticket.json", lambda view: view["resolution"].update(verdict="reject")),
    "shown person": ("ticket.json", lambda view: view["resolution"].update(person="quin")),
    "shown role": ("ticket.json", lambda view: view["resolution"].update(role="legal_lead")),
    "shown as open": ("ticket.json", lambda view: view["resolution"].update(is_final=False)),
    "verdict": ("resolutions.json", lambda rows: rows[0].update(verdict="reject")),
    "person": ("resolutions.json", lambda rows: rows[0].update(person="quin")),
    "role": ("resolutions.json", lambda rows: rows[0].update(role="legal_lead")),
    "slot": ("resolutions.json", lambda rows: rows[0].update(slot="legal_lead")),
    "decided digest": ("resolutions.json", lambda rows: rows[0].update(digest="00" * 32)),
    "expiry": ("resolutions.json", lambda rows: rows[0].update(expires_at=rows[0]["expires_at"] + 1)),
    "other ticket": ("resolutions.json", lambda rows: rows[0].update(ticket="another")),
    "no resolution": ("resolutions.json", lambda rows: rows.clear()),
    "two resolutions": ("resolutions.json", lambda rows: rows.append(rows[0])),
    "policy text": ("policy.json", lambda content: content["policy"].update(policy="another")),
    "a view less": ("views.json", lambda views: views.pop()),
    "another viewer": ("views.json", lambda views: views[0].update(person="quin")),
    "view at": ("views.json", lambda views: views[0].update(at=0)),
    "an entry less": ("chain.jsonl", lambda rows: rows.pop(2)),
    "last entry less": ("chain.jsonl", lambda rows: rows.pop(-2)),
    "entries swapped": ("chain.jsonl", lambda rows: rows.reverse()),
    "an entry twice": ("chain.jsonl", lambda rows: rows.append(rows[-1])),
    "actor": ("chain.jsonl", _entry(3, actor="quin")),
    "kind": ("chain.jsonl", _entry(3, kind="ticket.reject")),
    "moment": ("chain.jsonl", _entry(3, at=0)),
    "data": ("chain.jsonl", _data("ticket.approve", digest="00" * 32)),
    "link": ("chain.jsonl", _entry(3, prev="00" * 32)),
}


def _read(name: str, content: bytes) -> Any:
    if name.endswith("jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    return json.loads(content)


def _written(name: str, value: Any) -> bytes:
    if name.endswith("jsonl"):
        return b"".join(json.dumps(row).encode() + b"\n" for row in value)
    return json.dumps(value).encode()


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_field_is_found_even_where_every_checksum_was_made_to_fit(
    intact: tuple[Sides, str, bytes], what: str
) -> None:
    _, _, data = intact
    name, alter = ALTERED[what]
    files = files_of(data)
    assert check(forged(files)).problems == ()
    value = _read(name, files[name])
    alter(value)
    report = check(forged({**files, name: _written(name, value)}))
    assert not report.is_intact, what


@pytest.mark.parametrize("name", ["ticket.json", "resolutions.json", "chain.jsonl", "views.json"])
def test_a_file_that_is_gone_is_found(intact: tuple[Sides, str, bytes], name: str) -> None:
    _, _, data = intact
    files = files_of(data)
    del files[name]
    assert not check(packed(files)).is_intact
    assert not check(forged(files)).is_intact


def test_a_forger_without_the_key_cannot_make_a_signed_bundle_fit(sides: Sides) -> None:
    files = files_of(bundled(sides, case(sides)))
    keys = type(KEYS)(keys={**KEYS.keys, **SIGNER.public.keys})
    assert not check(forged(files), keys).is_intact
    other = new_signer("auditor")
    signature = base64.b64encode(other.private.sign(signed_part(files[MANIFEST]))).decode()
    sealed = json.dumps({"key_id": "auditor", "signature": signature}).encode()
    assert not check(packed({**files, SIGNATURE: sealed}), keys).is_intact


def test_a_checkpoint_kept_elsewhere_shows_a_bundle_of_a_rewritten_log(sides: Sides) -> None:
    ticket = case(sides)
    known = read_checkpoint(sides.admin.checkpoint(AUDITOR, now=NOW), KEYS)
    data = bundled(sides, ticket)
    assert check(data, checkpoint=known).problems == ()
    altered = {**known, "heads": {writer: [end[0], "00" * 32] for writer, end in known["heads"].items()}}
    assert "not the entry of the checkpoint" in str(check(data, checkpoint=altered).problems)


def test_a_bundle_of_an_altered_store_says_so(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    ticket, other = case(sides), case(sides)
    with sides.admin.database.write("default") as conn:
        conn.exec_driver_sql(f"UPDATE decisions SET role = 'legal_lead' WHERE ticket = '{other}'")
    report: CaseReport = check(bundled(sides, ticket))
    assert "in the store, when it was made" in str(report.problems)
    sides.close()


def test_what_is_no_bundle_is_said_to_be_none() -> None:
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", "0" * 100_000)
    for data in (
        b"",
        b"PK",
        b"[]",
        empty.getvalue(),
        compressed.getvalue(),
        packed({"manifest.json": b"[]"}),
    ):
        assert check(data).problems == ("it cannot be read as a bundle of this version",)


def test_a_bundle_of_a_case_that_the_log_no_longer_reaches_back_to_says_so(tmp_path: Path) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    ticket = case(sides)
    sides.admin.prune_audit(before=NOW + timedelta(hours=1), by="root", now=NOW + timedelta(hours=2))
    report = check(bundled(sides, ticket))
    assert report.problems == ()
    assert report.is_pruned
    later = sides.app.open(new_ticket(new_id(), now=NOW + timedelta(hours=3))).ticket
    assert not check(bundled(sides, later)).is_pruned
    sides.close()
