"""What a policy is, whatever its comments, spacing and tests: the sha256 of its canonical content."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

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


def _number(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value.normalize())
    raise TypeError(f"{type(value).__name__} has no canonical form")
