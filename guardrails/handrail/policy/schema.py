"""The JSON Schema of policy files, for editors; with a policy at hand it also knows that policy's facts."""

from typing import Any

from handrail.policy.facts import FactDeclaration, Kind
from handrail.policy.policy import Policy
from handrail.policy.shape import PolicyShape


def schema(policy: Policy | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a policy file; pure.

    Args:
        policy: its roles and facts become the names that editors offer and check.
    """
    found = PolicyShape.model_json_schema(by_alias=True)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "handrail policy"
    if policy is not None:
        _offer(found, policy)
    return found


def _offer(found: dict[str, Any], policy: Policy) -> None:
    roles = {"enum": sorted(policy.roles)}
    given = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _stated(fact) for name, fact in policy.facts.items()},
    }
    found["properties"]["if_unsure"] = roles
    found["properties"]["test_defaults"] = given
    definitions = found["$defs"]
    definitions["CaseShape"]["properties"]["given"] = given
    definitions["ExpectShape"]["properties"]["hand_off"] = {"type": "array", "items": roles}
    for name in ("HandOffShape", "AnswerShape", "ConflictShape"):
        definitions[name]["properties"]["to"] = roles


def _stated(fact: FactDeclaration) -> dict[str, Any]:
    """Return how a fact is written in a test; null states that it is unknown."""
    match fact.type:
        case Kind.YES_NO:
            return {"enum": [True, False, "yes", "no", None]}
        case Kind.NUMBER:
            return {"type": ["number", "null"]}
        case Kind.WHOLE:
            return {"type": ["integer", "null"]}
        case Kind.MONEY:
            return {"type": ["string", "null"], "pattern": r"^\d+(\.\d+)? ?[A-Z]{3}$"}
        case Kind.DURATION:
            return {
                "type": ["string", "null"],
                "pattern": r"^-?\d+(\.\d+)? ?(second|minute|hour|day|week)s?$",
            }
        case Kind.TIME:
            return {"type": ["string", "null"], "pattern": r"^\d{1,2}:\d{2}(:\d{2})?$"}
        case Kind.ONE_OF | Kind.WEEKDAY:
            return {"enum": [*fact.values, None]}
        case Kind.SET:
            return {"type": ["array", "null"], "items": {"enum": list(fact.values)}}
        case Kind.TEXT:
            return {"type": ["string", "null"]}
