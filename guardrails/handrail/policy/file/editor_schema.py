"""The JSON Schema of a policy file, for editors: of one policy it offers facts, tools and roles."""

from typing import Any

from handrail.policy.file.schema import PolicyShape
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.sources import FORMS
from handrail.policy.runtime.policy import Policy


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
    many = {"type": "array", "items": roles}
    given = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _stated(fact) for name, fact in policy.facts.items()},
    }
    found["properties"] |= {"if_unsure": roles, "owner": roles, "test_defaults": given}
    definitions = found["$defs"]
    definitions["CaseShape"]["properties"]["given"] = given
    definitions["ExpectShape"]["properties"] |= {"hand_off": many, "owner": roles}
    definitions["RoleShape"]["properties"] |= {"backup": roles, "covers": many}
    for name in ("HandOffShape", "AnswerShape", "ConflictShape"):
        definitions[name]["properties"] |= {"to": roles, "also_to": many}
    conditions = {"examples": [_compared(fact) for fact in policy.facts.values()]}
    for name, key in _CONDITIONS:
        definitions[name]["properties"][key] |= conditions
    tools = sorted({*policy.tools, *policy.scopes.named_by(policy.scopes.tools)})
    fact = definitions["FactShape"]["properties"]
    fact["from"] |= {"examples": [*(f"{tool}.args." for tool in tools), *FORMS]}
    if tools:
        fact["where"] |= {"examples": tools}
        fact["after"] |= {"examples": ["user_yes", *(f"tool.{tool}" for tool in tools)]}


_CONDITIONS = (("HandOffShape", "when"), ("BusinessRuleShape", "when"), ("DecisionShape", "applies_when"))


def _compared(fact: FactDeclaration) -> str:
    """Return a comparison with a fact, as an editor offers it."""
    match fact.type:
        case Kind.YES_NO:
            return fact.name
        case Kind.MONEY:
            return f"{fact.name} > 100 {fact.currencies[0]}"
        case Kind.DURATION:
            return f"{fact.name} > 30 days"
        case Kind.TIME:
            return f"{fact.name} >= 22:00"
        case Kind.SET:
            return f'{fact.name} has "{fact.values[0]}"'
        case Kind.NUMBER | Kind.WHOLE:
            return f"{fact.name} > 1"
        case _:
            return f'{fact.name} == "{fact.values[0] if fact.values else ""}"'


def _stated(fact: FactDeclaration) -> dict[str, Any]:
    """Return how a fact is written in a test; null states that it is unknown."""
    match fact.type:
        case Kind.YES_NO:
            return {"enum": [True, False, "yes", "no", None]}
        case Kind.NUMBER:
            return {"type": ["number", "null"]}
        case Kind.PERCENT:
            return {"type": ["number", "string", "null"], "pattern": r"^-?\d+(\.\d+)? ?(%|percent)$"}
        case Kind.DATE:
            return {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}
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
            return {"type": ["string", "null"], **({"examples": list(fact.values)} if fact.values else {})}
