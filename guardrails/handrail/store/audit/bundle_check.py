"""Checks the bundle of a case without the store: any altered byte is found, and what does not fit."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from handrail.errors import CheckFailed
from handrail.store.audit import bundle as parts
from handrail.store.audit.chain import DECISIONS, entry_hash, records
from handrail.store.crypto.signing import Trusted, signed_bytes
from handrail.store.tables import micros
from handrail.tickets.action import action_digest
from handrail.tickets.lifecycle import UNDECIDED, State

_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError)
"""What reading an archive that was altered can raise."""
_REQUIRED = (parts.MANIFEST, parts.SIGNATURE, parts.TICKET, parts.RESOLUTIONS, parts.CHAIN, parts.VIEWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """What a check of a bundle found.

    `is_signed` says that a trusted key signed it. `is_followed` says that the entries of each chain are whole
    from the first one about the ticket on, `is_pruned` that the log no longer reaches back to it. `views` are
    who saw the ticket, oldest first.
    """

    ticket: str = ""
    tenant: str = ""
    state: str = ""
    sha256: str = ""
    entries: int = 0
    is_signed: bool = False
    is_followed: bool = False
    views: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    is_pruned: bool = False

    @property
    def is_intact(self) -> bool:
        """True if nothing was altered and everything fits."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A bundle's files, read."""

    manifest: Mapping[str, Any]
    view: Mapping[str, Any]
    resolutions: Sequence[Mapping[str, Any]]
    entries: Sequence[Mapping[str, Any]]
    views: Sequence[Mapping[str, Any]]
    policy: bytes | None
    unmasked: Mapping[str, Any] | None

    @property
    def is_pruned(self) -> bool:
        """True if the ticket is older than what is left of the log."""
        held = self.view["ticket"]
        since = held["created_at"] if held is not None else self.view["updated_at"]
        return micros(datetime.fromisoformat(since)) < int(self.manifest["pruned_before"])

    @property
    def own(self) -> list[Mapping[str, Any]]:
        """The entries about the ticket itself."""
        mine = (self.manifest["tenant"], self.manifest["ticket"])
        return [entry for entry in self.entries if (entry["tenant"], entry["ticket"]) == mine]


def check(
    data: bytes, trusted: Trusted | None = None, checkpoint: Mapping[str, Any] | None = None
) -> CaseReport:
    """Return what is wrong with a bundle, without any store.

    Args:
        data: the bundle.
        trusted: public keys. With them, the bundle must be signed by one, and each signed resolution too.
        checkpoint: where chains ended at some time, kept elsewhere; see `handrail.store.audit.verify`.
    """
    digest = hashlib.sha256(data).hexdigest()
    try:
        files = _unpacked(data)
        problems = [*_container(data, files)]
        case = _read(files)
        is_signed, unsigned = _signed(files, trusted)
        for rule in _RULES:
            problems += rule(case)
        problems += [*unsigned, *_signatures(case, trusted), *_checkpoint(case, checkpoint)]
        return CaseReport(
            ticket=case.manifest["ticket"],
            tenant=case.manifest["tenant"],
            state=case.view["state"],
            sha256=digest,
            entries=len(case.entries),
            is_signed=is_signed,
            is_followed=_is_followed(case),
            views=tuple(case.views),
            problems=tuple(problems),
            is_pruned=case.is_pruned,
        )
    except (*_BROKEN, TypeError, AttributeError, RecursionError, CheckFailed):
        # What does not read as a bundle of this version is none, whatever was altered.
        return CaseReport(sha256=digest, problems=("it cannot be read as a bundle of this version",))


def _unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED or info.file_size > len(data) for info in found):
            raise ValueError("no bundle is compressed")
        return {info.filename: archive.read(info) for info in found}


def _container(data: bytes, files: Mapping[str, bytes]) -> Iterator[str]:
    if parts.packed(files) != data:
        yield "the archive was altered outside of its files"
    for name in _REQUIRED:
        if name not in files:
            yield f"{name} is gone"
    listed = json.loads(files[parts.MANIFEST])["files"]
    for name in sorted({*listed, *files} - {parts.MANIFEST, parts.SIGNATURE}):
        if name not in files:
            yield f"{name} is gone"
        elif name not in listed:
            yield f"{name} was added"
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]:
            yield f"{name} was altered"


def _read(files: Mapping[str, bytes]) -> _Case:
    manifest = json.loads(files[parts.MANIFEST])
    if manifest["format"] != parts.FORMAT:
        raise ValueError("another format")
    unmasked = files.get(parts.UNMASKED)
    return _Case(
        manifest=manifest,
        view=json.loads(files[parts.TICKET]),
        resolutions=json.loads(files[parts.RESOLUTIONS]),
        entries=[json.loads(line) for line in files[parts.CHAIN].splitlines()],
        views=json.loads(files[parts.VIEWS]),
        policy=files.get(parts.POLICY),
        unmasked=json.loads(unmasked) if unmasked is not None else None,
    )


def _signed(files: Mapping[str, bytes], trusted: Trusted | None) -> tuple[bool, list[str]]:
    """Return whether a trusted key signed the manifest, and what is wrong with its signature."""
    manifest, said = files[parts.MANIFEST], json.loads(files[parts.SIGNATURE])
    if not said["key_id"]:
        wrong = ["it is not signed"] if trusted is not None else []
        if said["sha256"] != hashlib.sha256(manifest).hexdigest():
            wrong.append("manifest.json was altered")
        return False, wrong
    signature = base64.b64decode(said["signature"], validate=True)
    if trusted is None:
        return False, []
    is_good = trusted.has_signed(said["key_id"], signature, parts.signed_part(manifest))
    return is_good, [] if is_good else ["it is not signed by a trusted key, or was altered since"]


def _store(case: _Case) -> Iterator[str]:
    """What the store itself said when the bundle was made."""
    for problem in case.manifest["problems"]:
        yield f"in the store, when it was made: {problem}"


def _chain(case: _Case) -> Iterator[str]:
    for entry in case.entries:
        if entry_hash(entry) != entry["hash"]:
            yield f"{entry['writer']}#{entry['seq']} was altered"
    for before, entry in pairwise(case.entries):
        where = f"{entry['writer']}#{entry['seq']}"
        if (before["writer"], before["seq"]) >= (entry["writer"], entry["seq"]):
            yield f"{where} is out of order"
        elif _follows(before, entry) and entry["prev"] != before["hash"]:
            yield f"{where} does not follow the entry before it"


def _follows(before: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return (before["writer"], before["seq"] + 1) == (entry["writer"], entry["seq"])


def _is_followed(case: _Case) -> bool:
    followed = [entry for entry in case.entries if not entry["writer"].startswith(DECISIONS)]
    pairs = pairwise(followed)
    return all(_follows(one, other) for one, other in pairs if one["writer"] == other["writer"])


def _ticket(case: _Case) -> Iterator[str]:
    """The ticket's steps are on record, each once, and end where it stands, unless they were pruned."""
    view = case.view
    yield from _identity(case)
    if case.is_pruned:
        return
    steps: dict[int, list[str]] = {}
    for entry in case.own:
        if entry["version"]:
            steps.setdefault(entry["version"], []).append(json.loads(entry["data"])["state"])
    for version in sorted(set(range(1, view["version"] + 1)) | set(steps)):
        if len(steps.get(version, ())) != 1 or version > view["version"]:
            yield f"step {version} of the ticket is not on record once"
    if steps.get(view["version"], [""])[-1] != view["state"]:
        yield f"it is {view['state']}, and not on record as that"


def _identity(case: _Case) -> Iterator[str]:
    view, manifest = case.view, case.manifest
    if (view["id"], view["tenant"]) != (manifest["ticket"], manifest["tenant"]):
        yield "the ticket is another one"
    held = view["ticket"]
    if held is not None and held["policy"]["sha256"] != manifest["policy"]:
        yield "the ticket names another policy"
    if held is not None and held["id"] != view["id"]:
        yield "the ticket's content is another one's"


def _resolutions(case: _Case) -> Iterator[str]:
    """Each resolution is on record as it stands, and none is missing; what is decided has one."""
    entries: dict[int, Mapping[str, Any]] = {}
    for entry in case.own:
        turn = json.loads(entry["data"]).get("turn")
        if turn is not None:
            entries[turn] = entry
    for resolution in case.resolutions:
        said = entries.pop(resolution["turn"], None)
        mine = (resolution["tenant"], resolution["ticket"])
        is_mine = mine == (case.manifest["tenant"], case.manifest["ticket"])
        if said is None and is_mine and resolution["decided_at"] < case.manifest["pruned_before"]:
            continue
        if said is None or not is_mine or not records(said, resolution):
            yield f"resolution {resolution['turn']} is not on record as it stands"
    for turn in sorted(entries):
        yield f"resolution {turn} is on record and not in the bundle"
    yield from _last(case)


def _last(case: _Case) -> Iterator[str]:
    """The resolution that the ticket shows is the last one in the bundle."""
    shown, state = case.view["resolution"], State(case.view["state"])
    if shown is None:
        return
    undone = {json.loads(entry["data"]).get("undone") for entry in case.own if entry["kind"] == "ticket.undo"}
    standing = [one for one in case.resolutions if one["turn"] not in undone]
    last = standing[-1] if standing else None
    same = ("verdict", "person", "role")
    if last is None or any(last[name] != shown[name] for name in same):
        yield "the ticket shows another resolution than the bundle holds"
    elif bool(last["is_final"]) != shown["is_final"]:
        yield "whether the resolution is final is not as the bundle holds it"
    elif state not in UNDECIDED and last["digest"] != case.view["digest"]:
        yield "the ticket's action is not the one that was decided on"


def _policy(case: _Case) -> Iterator[str]:
    if case.policy is None:
        return
    if hashlib.sha256(case.policy).hexdigest() != case.manifest["policy"]:
        yield "policy.json is not the policy that the ticket names"


def _views(case: _Case) -> Iterator[str]:
    said = parts.views_of(case.entries, case.manifest["tenant"], case.manifest["ticket"])
    if list(case.views) != said:
        yield "views.json is not what the chain says of who saw the ticket"


def _action(case: _Case) -> Iterator[str]:
    """The digest is that of the action, where its arguments are there unmasked and nobody edited them."""
    held, sealed = case.view["ticket"], (case.unmasked or {}).get("texts")
    if held is None or held["action"] is None or sealed is None or not held["action"]["digest"]:
        return
    action = held["action"]
    found = action_digest(
        action["tool"],
        sealed["arguments"],
        policy_sha256=held["policy"]["sha256"],
        tenant=case.manifest["tenant"],
    )
    if found != action["digest"]:
        yield "the unmasked arguments are not those of the action that the ticket holds"


def _signatures(case: _Case, trusted: Trusted | None) -> Iterator[str]:
    """Each resolution that was signed is as it was signed, by a trusted key."""
    for resolution in case.resolutions:
        if trusted is None or not resolution["key_id"] or resolution["signature"] is None:
            continue
        signature = base64.b64decode(resolution["signature"], validate=True)
        if not trusted.has_signed(resolution["key_id"], signature, signed_bytes(resolution)):
            yield f"resolution {resolution['turn']} is not signed by a trusted key, or was altered since"


def _checkpoint(case: _Case, checkpoint: Mapping[str, Any] | None) -> Iterator[str]:
    ends = {(writer, end[0]): end[1] for writer, end in checkpoint["heads"].items()} if checkpoint else {}
    for entry in case.entries:
        where = (entry["writer"], entry["seq"])
        if ends.get(where, entry["hash"]) != entry["hash"]:
            yield f"{entry['writer']}#{entry['seq']} is not the entry of the checkpoint"


_RULES: tuple[Callable[[_Case], Iterator[str]], ...] = (
    _store, _chain, _ticket, _resolutions, _policy, _views, _action,
)  # fmt: skip
