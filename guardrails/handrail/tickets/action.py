"""What acts, as one frozen value, and the digest that binds a resolution to it."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from handrail.errors import CheckFailed
from handrail.records import ToolCall

MAX_DEPTH = 64
MAX_DIGITS = 64


RECEIVER = "self"
"""Name among an action's arguments for the identity of the object whose method acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenAction:
    """One action: a tool and its canonical arguments, the receiver of a method among them.

    It is judged, shown, edited, stored and run from this one value. Two calls are one action if these are
    equal: compact, spaced, escaped and re-ordered JSON is one, and so are `10`, `10.0` and `1e1`.
    """

    tool: str
    arguments: str

    @classmethod
    def of(cls, call: ToolCall) -> "FrozenAction":
        """Return the action that a call is.

        Raises:
            CheckFailed: an argument could not be read, or they are not one unambiguous JSON object.
        """
        if call.unreadable:
            raise CheckFailed("action arguments", why=", ".join(call.unreadable))
        return cls(tool=call.name, arguments=canonical_arguments(call.arguments))

    def digest(self, *, policy_sha256: str, tenant: str) -> str:
        """Return the digest that binds a resolution to it; see `action_digest`."""
        return action_digest(self.tool, self.arguments, policy_sha256=policy_sha256, tenant=tenant)


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


def proposal_key(call: ToolCall, *, within: str) -> str:
    """Return an id (32 hex digits) of one proposed call; pure.

    A step of a framework that runs again gets the same one, however its JSON is written then. Another action
    gets another one, also where a model gives it the id of an earlier call.

    Args:
        call: the call.
        within: what its id is unique in, such as the name of a thread.
    """
    try:
        arguments = FrozenAction.of(call).arguments
    except CheckFailed:
        arguments = call.arguments
    text = "\x00".join((within, call.id, call.name, arguments))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def canonical_arguments(arguments_json: str) -> str:
    """Return arguments as JSON with sorted keys, no white space and numbers in shortest decimal form; pure.

    `10`, `10.0` and `1e1` are one number, as they are for whoever runs the tool. Empty text stands for `{}`.

    Raises:
        CheckFailed: not JSON, not an object, a key twice, NaN or an infinity, or beyond any sane size.
    """
    return _written(_parsed(arguments_json), 0)


def with_receiver(edited: str, original: str) -> str:
    """Return edited arguments, canonical, of the same object's method as the original ones; pure.

    Raises:
        CheckFailed: the edit names another object: whose method acts is no argument that a person may write.
    """
    try:
        receiver = _parsed(original).get(RECEIVER)
    except CheckFailed:
        return edited
    arguments = _parsed(edited)
    if receiver is None:
        return edited
    if _written(arguments.setdefault(RECEIVER, receiver), 0) != _written(receiver, 0):
        raise CheckFailed("decide", why="the object whose method acts cannot be edited")
    return _written(arguments, 0)


def _parsed(arguments_json: str) -> dict[str, object]:
    if not arguments_json.strip():
        return {}
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
    return value


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
