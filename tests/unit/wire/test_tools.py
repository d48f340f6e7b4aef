import json
from typing import Any

import pytest

from handrail.records import Draft, ToolCall
from handrail.wire.tools import schemas_of, with_schemas

SCHEMA: Any = {"type": "object", "properties": {"amount": {"type": "string"}}}
OTHER: Any = {"type": "object", "properties": {"order": {"type": "integer"}}}


@pytest.mark.parametrize(
    "request_",
    [
        {"tools": [{"type": "function", "function": {"name": "pay", "parameters": SCHEMA}}]},
        {"functions": [{"name": "pay", "parameters": SCHEMA}]},
        {"tools": [{"type": "function", "name": "pay", "parameters": SCHEMA, "strict": True}]},
        {"tools": [{"name": "pay", "input_schema": SCHEMA}]},
        {"tools": [{"type": "namespace", "name": "n", "tools": [{"name": "pay", "parameters": SCHEMA}]}]},
        {"tools": [{"name": "pay", "input_schema": SCHEMA}, {"name": "pay", "input_schema": SCHEMA}]},
    ],
)
def test_the_schema_of_a_tool_is_found_in_every_format(request_: Any) -> None:
    assert {name: json.loads(text) for name, text in schemas_of(request_).items()} == {"pay": SCHEMA}


def test_a_name_that_is_declared_twice_takes_what_one_of_its_schemas_takes() -> None:
    tools: Any = [{"name": "pay", "input_schema": SCHEMA}, {"name": "pay", "input_schema": OTHER}]
    assert json.loads(schemas_of({"tools": tools})["pay"]) == {"anyOf": [SCHEMA, OTHER]}


@pytest.mark.parametrize("tools", [None, 5, "pay", [None, 3, {"name": 5}, {"name": "pay"}, {"function": 1}]])
def test_what_declares_no_schema_gives_none(tools: Any) -> None:
    assert schemas_of({"tools": tools}) == {}


def test_a_call_carries_the_schema_of_its_name_and_keeps_its_own() -> None:
    known = ToolCall(id="1", name="pay", arguments="{}", parameters="{}")
    calls = (ToolCall(id="0", name="pay", arguments="{}"), known, ToolCall(id="2", name="x", arguments="{}"))
    (draft,) = with_schemas([Draft(tool_calls=calls)], {"pay": "true"})
    assert [call.parameters for call in draft.tool_calls] == ["true", "{}", ""]
    assert draft == Draft(tool_calls=calls)
