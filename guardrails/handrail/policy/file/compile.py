"""From the text of a policy file to the policy: its shape, its rules, and the digest of its content.

Imports the YAML reader, the schema models and the parser, so `load` imports it with the first file.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from handrail.errors import PolicyError
from handrail.policy.file import build, build_rules, build_signals, build_tools
from handrail.policy.file.build import Artefact, PolicyBuilder
from handrail.policy.file.cases import build_cases
from handrail.policy.file.diagnostics import read_shape
from handrail.policy.file.document import Document, Path
from handrail.policy.file.read import MAX_BYTES
from handrail.policy.file.text_cases import build_text_cases
from handrail.policy.runtime.policy import CalibrationFile, Policy
from handrail.records import PolicyRef

NOT_CONTENT = frozenset({"tests", "test_defaults"})


def canonical(content: Mapping[str, Any], artefacts: Mapping[str, str]) -> str:
    """Return the canonical JSON of a policy without its tests; pure.

    Args:
        content: the plain content of the file.
        artefacts: sha256 of each file the policy builds on, by name.
    """
    kept = {key: value for key, value in content.items() if key not in NOT_CONTENT}
    return json.dumps(
        {"policy": kept, "artefacts": dict(artefacts)},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=_number,
    )


def fingerprint(content: Mapping[str, Any], artefacts: Mapping[str, str]) -> str:
    """Return the sha256 of the canonical content, in hexadecimal; pure."""
    return hashlib.sha256(canonical(content, artefacts).encode("utf-8", "surrogatepass")).hexdigest()


def content_of(policy: Policy) -> str:
    """Return the canonical JSON of a loaded policy, whose sha256 is the policy's; pure."""
    artefacts = {name: file.sha256 for name, file in policy.calibrations.items()}
    if policy.signals_model is not None:
        artefacts["signals_model"] = policy.signals_model.sha256
    return canonical(policy.content, artefacts)


def _number(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value.normalize())
    raise TypeError(f"{type(value).__name__} has no canonical form")


def compile_policy(
    text: str, *, file: str, folder: FilePath | None = None
) -> tuple[Policy | None, tuple[PolicyError, ...]]:
    """Compile a policy's text; returns the policy, or None and everything that is wrong."""
    try:
        document = Document(text, file)
        if not isinstance(document.value, dict):
            raise document.error("a policy is a mapping: policy, version, if_unsure, roles, …")
    except PolicyError as error:
        return None, (error,)
    read = read_shape(document)
    if read.shape is None:
        return None, _sorted(read.problems)
    builder = PolicyBuilder(document=document, shape=read.shape)
    policy = _assemble(builder, _artefacts(builder, folder), folder or FilePath())
    problems = read.beside(builder.problems)
    return (None, _sorted(problems)) if problems else (policy, ())


def _sorted(problems: Iterable[PolicyError]) -> tuple[PolicyError, ...]:
    return tuple(sorted(problems, key=lambda error: (error.line, error.column)))


def _artefacts(builder: PolicyBuilder, folder: FilePath | None) -> dict[str, Artefact | None]:
    """Read the threshold and the hash of each calibration; None for one that does not exist yet."""
    found: dict[str, Artefact | None] = {}
    for name, place in builder.shape.thresholds.items():
        path = (folder or FilePath()) / place
        at: Path = ("thresholds", name)
        if not path.is_file():
            found[name] = None
            builder.warnings.append(
                f"calibration '{place}' does not exist yet: rules that read model.threshold run in shadow"
            )
            continue
        data = path.read_bytes()[: MAX_BYTES + 1]
        threshold = _threshold(data)
        if threshold is None:
            builder.problem(f"'{place}' holds no `threshold` between 0 and 1", at)
            continue
        found[name] = (threshold, hashlib.sha256(data).hexdigest())
    return found


def _threshold(data: bytes) -> Decimal | None:
    try:
        raw = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    value = raw.get("threshold") if isinstance(raw, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value) if 0 <= value <= 1 else None


def _assemble(builder: PolicyBuilder, artefacts: Mapping[str, Artefact | None], folder: FilePath) -> Policy:
    shape = builder.shape
    build.check_time_zone(builder)
    build_rules.check_ids(builder)
    roles = build.build_roles(builder)
    constants = build.build_facts(builder, artefacts)
    build_tools.build_scopes(builder)
    builder.role(shape.if_unsure, ("if_unsure",))
    builder.role(shape.owner, ("owner",))
    builder.role(shape.on_conflict.to if shape.on_conflict else None, ("on_conflict", "to"))
    hashes = {name: artefact[1] for name, artefact in artefacts.items() if artefact}
    heads = build_signals.signals_model(builder, folder)
    content = builder.document.value
    hashed = {**hashes, "signals_model": heads.sha256} if heads else hashes
    return Policy(
        ref=PolicyRef(name=shape.policy, version=shape.version, sha256=fingerprint(content, hashed)),
        mode=shape.mode,
        if_unsure=shape.if_unsure,
        time_zone=shape.time_zone,
        owner=shape.owner,
        roles=roles,
        facts=builder.facts,
        tools=dict(shape.tools),
        scopes=builder.scopes,
        hand_offs=(*build_tools.unlisted_rule(builder), *build_rules.build_hand_offs(builder)),
        decisions=build_rules.build_decisions(builder),
        statements=build_rules.build_statements(builder),
        enforced_by=builder.role(shape.enforced_by, ("enforced_by",)),
        on_change=shape.on_change if isinstance(shape.on_change, str) else "move",
        moves=build.build_moves(builder),
        on_conflict=shape.on_conflict.to if shape.on_conflict else None,
        known_conflicts=build_rules.build_known_conflicts(builder),
        constants=constants,
        notices=build.build_notices(builder),
        scan=build.build_scan(builder),
        signals=build_signals.build_signals(builder),
        signals_model=heads,
        stream=shape.stream,
        self_check=shape.self_check,
        log=shape.log,
        calibrations={
            name: CalibrationFile(path=folder / shape.thresholds[name], sha256=sha256)
            for name, sha256 in hashes.items()
        },
        audit_rate=None if shape.audit_rate is None else float(shape.audit_rate),
        cases=build_cases(builder),
        text_cases=tuple(build_text_cases(builder)),
        warnings=tuple(builder.warnings),
        content=content,
    )
