"""The digest that binds a resolution to one action: tool, arguments, policy and tenant."""

import hashlib
import json
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from handrail.errors import CheckFailed

MAX_DEPTH = 64
MAX_DIGITS = 64


def action_digest(tool: str, arguments_json: str, *, policy_sha256: str, tenant: str) -> str:
    """Return the sha256 (hex) of an action in canonical form; pure.

    Raises:
        CheckFailed: the arguments are not one unambiguous JSON object.
    """
    parts = {
        "arguments": canonical_arguments(arguments_json),
        "policy": policy_sha256,
        "tenant": tenant,
        "tool": tool,
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_arguments(arguments_json: str) -> str:
    """Return arguments as JSON with sorted keys, no white space and numbers in shortest decimal form; pure.

    `10`, `10.0` and `1e1` are one number, as they are for whoever runs the tool. Empty text stands for `{}`.

    Raises:
        CheckFailed: not JSON, not an object, a key twice, NaN or an infinity, or beyond any sane size.
    """
    if not arguments_json.strip():
        return "{}"
    try:
        value = json.loads(
            arguments_json,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
        )
    except (json.JSONDecodeError, RecursionError):
        raise CheckFailed("action arguments", why="not JSON") from None
    if not isinstance(value, dict):
        raise CheckFailed("action arguments", why="not a JSON object")
    return _written(value, 0)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise CheckFailed("action arguments", why="a key occurs twice")
    return result


def _constant(_: str) -> NoReturn:
    raise CheckFailed("action arguments", why="NaN or infinity")


def _number(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise CheckFailed("action arguments", why="a number of too many digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CheckFailed("action arguments", why="unreadable number") from None
    if abs(number.adjusted()) > MAX_DIGITS:
        raise CheckFailed("action arguments", why="a number out of range")
    return number


def _written(value: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise CheckFailed("action arguments", why="nested too deeply")
    if isinstance(value, dict):
        fields = (f"{json.dumps(key)}:{_written(value[key], depth + 1)}" for key in sorted(value))
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item, depth + 1) for item in value) + "]"
    if isinstance(value, Decimal):
        return _shortest(value)
    return json.dumps(value)


def _shortest(number: Decimal) -> str:
    if number == 0:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
