"""Opens what a guard stands on: policy, scanner, calibration, people, store and spool."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.clock import Clock
from handrail.confidence.cascade import Cascade, SelfCheck
from handrail.errors import ConfigError, StoreUnavailable
from handrail.guard.enforcement import enforced, follow
from handrail.guard.text_cases import TextResult, refuse_failing_texts, run_text_cases
from handrail.pipeline.hearing import prepare_hearing
from handrail.pipeline.pipeline import Pipeline
from handrail.policy import Policy, load
from handrail.policy.file.people_file import PeopleFile
from handrail.policy.file.read import read_source
from handrail.scan import EntitySpec, ListedValue, Origin, Scanner, ScanSpec
from handrail.scan.spec import NO_TAGGER, SHIPPED, Analyzer
from handrail.scan.stream_horizon import stream_judge
from handrail.signals.heads import Heads, unpacked
from handrail.signals.listening import DEFAULT, Listening, OwnWords
from handrail.text.amounts import read_amounts

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration
    from handrail.store import Spool, SqlStore


SCANNERS = 16
"""How many scanners are kept for policies that look for the same."""


def scanner_of(policy: Policy, analyzers: Sequence[Analyzer] = ()) -> Scanner:
    """Return the scanner that a policy asks for: the same one for policies that look for the same.

    Args:
        policy: its `scan:` section says what to look for.
        analyzers: more scanners to run, such as `handrail_adapters.presidio.PresidioScanner`.

    Raises:
        PolicyError: an entity of its own cannot be used; says where it stands in the file.
    """
    spec = spec_of(policy.scan, analyzers)
    return Scanner(spec) if analyzers else _scanner(spec)


@lru_cache(maxsize=SCANNERS)
def _scanner(spec: ScanSpec) -> Scanner:
    return Scanner(spec)


def spec_of(settings: Mapping[str, Any], analyzers: Sequence[Analyzer] = ()) -> ScanSpec:
    """Turn a loaded policy's `scan:` section into a specification; pure."""
    given = {name: settings[name] for name in ("floor", "tagger") if name in settings}
    return ScanSpec(
        entities=tuple(_entity(entity) for entity in settings.get("entities", ())),
        allow=tuple(ListedValue(value=value) for value in settings.get("allow", ())),
        deny=tuple(ListedValue(**value) for value in settings.get("deny", ())),
        enable=frozenset(settings.get("enable", ())),
        disable=frozenset(settings.get("disable", ())),
        analyzers=tuple(analyzers),
        **given,
    )


def _entity(raw: Mapping[str, Any]) -> EntitySpec:
    file, line, column = raw["at"]
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
    }
    del values["at"]
    if "score" in values:
        values["score"] = float(values["score"])
    return EntitySpec(**values, origin=Origin(file=file, line=line, column=column))


ANSWER = "answer"
"""Name under `thresholds:` of the calibration that speaks of answers."""


def pipeline_of(
    policy: Policy, scanner: Scanner | None = None, tool_kinds: Mapping[str, str] | None = None
) -> Pipeline:
    """Return what every call under a policy shares, with the policy's calibration if there is one.

    Second looks centre on the calibrated threshold that the policy names.

    Args:
        policy: the policy.
        scanner: what finds sensitive data; by default handrail's own with the policy's additions.
        tool_kinds: by tool whether it reads or acts, as its framework declares it.

    Raises:
        PolicyError: the policy does not find what its own texts say; see `text_results`.
        ConfigError: as `calibration_of`, and where the policy names a tagger that no analyzer here is.
    """
    if scanner is None:
        _check_tagger(policy)
    refuse_failing_texts(text_results(policy))
    threshold = policy.constants.get("model.threshold")
    known = float(threshold) if isinstance(threshold, Decimal) else None
    cascade = Cascade(
        self_check=SelfCheck(check=policy.self_check, threshold=known),
        calibration=calibration_of(policy),
        is_logged=is_sampled(policy),
    )
    return Pipeline(
        policy=policy,
        scanner=scanner or scanner_of(policy),
        cascade=cascade,
        listening=listening_of(policy),
        tool_kinds=tool_kinds if tool_kinds is not None else {},
    )


def text_results(policy: Policy) -> tuple[TextResult, ...]:
    """Try the texts that a policy gives for its signals and entities; nothing is built where it has none.

    Raises:
        PolicyError: an entity of its own cannot be used.
        ConfigError: as `listening_of`.
    """
    if not policy.text_cases:
        return ()
    return run_text_cases(policy, scanner_of(policy), listening_of(policy))


def _check_tagger(policy: Policy) -> None:
    # Without its tagger a policy's rules on names and addresses would find nothing and let everything pass.
    tagger = policy.scan.get("tagger", SHIPPED)
    if tagger not in (SHIPPED, NO_TAGGER):
        raise ConfigError(
            f"the policy's scan.tagger is {tagger!r}, which is no part of handrail; give the guard a"
            " `scanner` that has it: scanner_of(policy, analyzers), of handrail.guard"
        )


def prepare(pipeline: Pipeline) -> None:
    """Read and compile now what the first call, in an event loop perhaps, would wait for."""
    pipeline.scanner.prepare()
    if pipeline.named_out is not None:
        stream_judge(pipeline.scanner, pipeline.named_out).prepare()
    prepare_hearing(pipeline.listening)
    read_amounts("12 EUR")


def listening_of(policy: Policy) -> Listening:
    """Return what a policy listens for: its own words, levels and heads.

    Raises:
        ConfigError: the file of its heads cannot be read, or has changed since the policy was loaded.
    """
    own = {
        name: OwnWords(**{key: one[key] for key in ("level", "words", "match", "not_match")})
        for name, one in policy.signals.items()
    }
    if not own and policy.signals_model is None:
        return DEFAULT
    return Listening(own=own, heads=_own_heads(policy))


def _own_heads(policy: Policy) -> Heads | None:
    file = policy.signals_model
    if file is None:
        return None
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file.path}: cannot be read: {error.strerror or 'unknown'}") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ConfigError(f"{file.path}: has changed since the policy was loaded; load the policy again")
    return unpacked(data, source=str(file.path))


def is_sampled(policy: Policy) -> bool:
    """True when answers under a policy are drawn to be checked: it names a calibration or an `audit_rate`."""
    named = ANSWER in (policy.content.get("thresholds") or {})
    return policy.reads_confidence and (named or policy.audit_rate is not None)


def calibration_of(policy: Policy) -> "Calibration | None":
    """Read the calibration of answers that a policy was loaded with, None if it has none.

    Raises:
        ConfigError: the file cannot be read, is no calibration, or has changed since the policy was loaded.
    """
    file = policy.calibrations.get(ANSWER)
    if file is None:
        return None
    from handrail.confidence.calibration.artefact import read

    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file.path}: cannot be read: {error.strerror or 'unknown'}") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ConfigError(f"{file.path}: has changed since the policy was loaded; load the policy again")
    calibration = read(data, source=str(file.path))
    stated = policy.constants.get("model.threshold")
    if stated is None or not math.isclose(float(str(stated)), calibration.threshold, rel_tol=1e-12):
        raise ConfigError(f"{file.path}: threshold: does not follow from the rest of the calibration")
    return calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardParts:
    """The parts of a guard, ready for use; another version of the policy may be `due` to be in force."""

    policy: Policy
    people: PeopleFile | None
    store: "SqlStore"
    spool: "Spool"
    folder: Path
    due: datetime | None


def open_parts(
    policy: str | Path, people: str | Path | None, store: "str | SqlStore", now: Clock
) -> GuardParts:
    """Open the parts, drain the spool and settle what an earlier process left; see `Guard.from_policy`."""
    from handrail.store import Spool, open_store

    loaded, folder = load(policy), read_source(policy)[0].parent
    if isinstance(store, str):
        store = open_store(store, clock=now)
    # Out of reach, the store is asked at the first call which version is in force.
    due: datetime | None = now()
    with suppress(StoreUnavailable):
        loaded, due = enforced(store, loaded, folder, now())
    roles = PeopleFile(people, loaded) if people is not None else None
    spool = Spool.beside(store.database.url.render_as_string(hide_password=False))
    # With the store out of reach still, waiting tickets wait on, and new ones join them.
    with suppress(StoreUnavailable):
        spool.drain(store)
        store.recover(now())
        record_policy(store, loaded, now())
    return GuardParts(policy=loaded, people=roles, store=store, spool=spool, folder=folder, due=due)


def record_policy(store: "SqlStore", policy: Policy, at: datetime) -> None:
    """Put on record which policy decides from now on, with what it says.

    Raises:
        StoreUnavailable: it could not be recorded.
    """
    from handrail.policy.file.compile import content_of
    from handrail.store.audit.chain import Event

    data = {"name": policy.ref.name, "version": policy.ref.version, "sha256": policy.ref.sha256}
    event = Event(tenant="default", kind="config.policy", at=at, data=data)
    store.note_policy(event, policy.ref, content_of(policy))
    follow(store, policy, at)
