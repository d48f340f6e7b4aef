"""What a check of a policy has to say: remarks with place and witness, also as SARIF 2.1.0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from handrail.policy.language.format import format_value
from handrail.records import FactValue


class Level(StrEnum):
    """How much a remark matters: an error stops CI, a warning only when asked to, a note never."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


CODES: Mapping[str, tuple[Level, str]] = {
    "not-loadable": (Level.ERROR, "The file is no policy."),
    "conflict": (Level.ERROR, "Two rules of a decision can both be live and disagree."),
    "known-conflict": (Level.NOTE, "Two rules disagree, and the file says why that is accepted."),
    "no-such-conflict": (Level.WARNING, "A known conflict is listed that is none (any more)."),
    "shadow-conflict": (Level.NOTE, "A rule in shadow would disagree with another rule."),
    "never-applies": (Level.WARNING, "No possible case makes the rule true."),
    "never-decides": (Level.WARNING, "Whenever the rule is true, others already decide the same."),
    "gap": (Level.WARNING, "A case with all facts known that no rule of a decision covers."),
    "gap-missing": (Level.NOTE, "A missing optional fact sends a decision to `if_unsure`."),
    "impossible": (Level.ERROR, "The statements about the facts leave no case possible."),
    "no-deadline": (Level.WARNING, "A role that decides has no `answer_within`."),
    "no-backup": (Level.WARNING, "A role that decides has no `backup`."),
    "backup-circle": (Level.NOTE, "Backups form a circle; the chain ends where it began."),
    "no-because": (Level.WARNING, "A hand-off or block without a `because`."),
    "untested": (Level.WARNING, "A hand-off or block that no test in the file fires."),
    "untested-pattern": (Level.WARNING, "An entity with patterns and no text under `match:` to try them on."),
    "test-failed": (Level.ERROR, "A test in the file fails."),
    "unscoped-argument": (Level.WARNING, "An argument of whatever is called; say of which tool it is."),
    "no-source": (Level.WARNING, "A fact that rules read and whose declaration names no source."),
    "unreadable-test": (Level.WARNING, "A test states a fact in a form that is not read."),
    "unread-fact": (Level.NOTE, "A declared fact that no rule reads."),
    "no-scanner": (Level.WARNING, "A finding type that no scanner reports."),
    "uncalibrated": (Level.NOTE, "A calibration that does not exist yet; its rules run in shadow."),
    "not-analysed": (Level.NOTE, "A question that boxes cannot answer; `handrail[prove]` may."),
}
"""Every remark: how much it matters and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to say about a policy. `line` and `column` count from 1, 0 is none."""

    code: str
    message: str
    line: int = 1
    column: int = 0
    rules: tuple[str, ...] = ()
    decision: str | None = None
    witness: Mapping[str, FactValue] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """How much it matters."""
        return CODES[self.code][0]


SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(files: Sequence[tuple[str, Sequence[Remark]]], *, version: str) -> dict[str, Any]:
    """Return remarks by file as one SARIF log; pure."""
    rules = [
        {
            "id": code,
            "shortDescription": {"text": words},
            "defaultConfiguration": {"level": str(level)},
        }
        for code, (level, words) in CODES.items()
    ]
    results = [_result(file, remark) for file, remarks in files for remark in remarks]
    driver = {"name": "handrail policy check", "version": version, "rules": rules}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(file: str, remark: Remark) -> dict[str, Any]:
    return {
        "ruleId": remark.code,
        "level": str(remark.level),
        "message": {"text": remark.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file},
                    "region": {"startLine": max(1, remark.line)},
                }
            }
        ],
        "properties": as_data(remark),
    }


def as_data(remark: Remark) -> dict[str, Any]:
    """Return a remark as JSON data; pure."""
    return {
        "code": remark.code,
        "level": str(remark.level),
        "message": remark.message,
        "line": remark.line,
        "rules": list(remark.rules),
        "decision": remark.decision,
        "witness": {name: format_value(value) for name, value in remark.witness.items()},
    }
