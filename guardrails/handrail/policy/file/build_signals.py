"""Builds what a policy adds to signals and topics, as plain data; each with its place in the file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from handrail.policy.file.build import PolicyBuilder
from handrail.policy.file.document import Path
from handrail.policy.runtime.policy import CalibrationFile
from handrail.records import SignalKind
from handrail.text.suggest import near

TOPICS = ("health", "legal", "personnel", "financial")
NAMES = (*(str(kind) for kind in SignalKind), *TOPICS)
DECLARED = ("tools", "intents", "records")
"""How a policy declares that an exchange is on a topic."""


def build_signals(builder: PolicyBuilder) -> dict[str, Mapping[str, Any]]:
    """Return the additions by signal or topic, noting a problem for a name that is neither."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, shape in builder.shape.signals.items():
        path: Path = ("signals", name)
        if name not in NAMES:
            problem = f"'{name}' is no signal or topic{near(name, NAMES)}"
            builder.problem(problem, path, at_key=True)
        declared = [key for key in DECLARED if getattr(shape, key)]
        if declared and name not in TOPICS:
            builder.problem(f"'{declared[0]}' declares a topic; {name} is a signal", (*path, declared[0]))
        if any(not word.strip() for word in shape.words):
            builder.problem("a word is empty", (*path, "words"))
        position = builder.document.position(path, at_key=True)
        found[name] = {
            "level": None if shape.level is None else float(shape.level),
            **{key: tuple(getattr(shape, key)) for key in ("words", "match", "not_match", *DECLARED)},
            "at": (builder.document.file, position.line, position.column),
        }
    return found


def signals_model(builder: PolicyBuilder, folder: FilePath) -> CalibrationFile | None:
    """Return the file of the heads that a policy names, with its hash; None if it names none."""
    named = builder.shape.signals_model
    if named is None:
        return None
    path = folder / named
    if not path.is_file():
        builder.problem(f"'{named}' does not exist", ("signals_model",))
        return None
    return CalibrationFile(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
