"""What a request says of its tools, so that a call that is proposed carries the schema of its arguments."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from handrail.records import Draft, ToolCall
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of


def schemas_of(request: Json) -> Mapping[str, str]:
    """Return the JSON Schema of each tool's arguments by its name, as text; pure.

    Chat completions, responses and messages declare tools in different fields, and some keep tools inside
    others. A name that is declared twice takes what one of its schemas takes.
    """
    if "tools" not in request and "functions" not in request:
        return {}
    found: dict[str, list[object]] = {}
    for tool in _declared(request):
        name = text_of(tool.get("name"))
        schema = next((tool[field] for field in _SCHEMAS if tool.get(field) is not None), None)
        if name and schema is not None:
            known = found.setdefault(name, [])
            known += [schema] if schema not in known else []
    return {name: json.dumps(own[0] if len(own) == 1 else {"anyOf": own}) for name, own in found.items()}


_SCHEMAS = ("parameters", "input_schema", "parametersJsonSchema")


def _declared(holder: Json) -> Iterator[Json]:
    for tool in (*objects_of(holder.get("tools")), *objects_of(holder.get("functions"))):
        yield mapping_of(tool.get("function")) or tool
        yield from _declared({"tools": tool.get("tools")})


def with_schemas(drafts: Sequence[Draft], schemas: Mapping[str, str]) -> tuple[Draft, ...]:
    """Return drafts whose calls carry the schema of their arguments, where it is known; pure."""
    if not schemas:
        return tuple(drafts)
    return tuple(
        replace(draft, tool_calls=tuple(_with_schema(call, schemas) for call in draft.tool_calls))
        if draft.tool_calls
        else draft
        for draft in drafts
    )


def _with_schema(call: ToolCall, schemas: Mapping[str, str]) -> ToolCall:
    schema = "" if call.parameters else schemas.get(call.name, "")
    return replace(call, parameters=schema) if schema else call
