"""Remarks as SARIF 2.1.0, which code hosts show beside the lines they are about."""

from collections.abc import Sequence
from typing import Any

from handrail.policy.analyse.remarks import CODES, Remark
from handrail.policy.analyse.witness import spoken

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
        "witness": {name: spoken(value) for name, value in remark.witness.items()},
    }
