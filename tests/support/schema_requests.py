"""Requests made by walking the types that the OpenAI package checks calls with, without a library for it.

`hostile_requests.from_types` makes them more thoroughly and takes longer; these are for every test run.
"""

import json
import random
from typing import Any

from support.hostile_requests import CHAT, RESPONSES, Hostile, planted, request_schemas

DEEPEST = 8


def made(count: int, *, seed: int = 0) -> list[Hostile]:
    """Return requests, the planted words in one place of each; half of them hold values of a wrong type."""
    document, chance = request_schemas(), random.Random(seed)
    found = []
    for number in range(count):
        target = (CHAT, RESPONSES)[number % 2]
        asked = document["paths"][target]["post"]["requestBody"]["content"]["application/json"]["schema"]
        walk = _Walk(document["components"]["schemas"], chance, is_odd=number % 4 > 1)
        body = planted(walk.value(asked), chance.randrange(1000))
        found.append(Hostile(name=f"walked {number}", target=target, body=json.dumps(body).encode()))
    return found


class _Walk:
    def __init__(self, schemas: dict[str, Any], chance: random.Random, *, is_odd: bool) -> None:
        self._schemas, self._chance, self._is_odd = schemas, chance, is_odd

    def value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if depth and self._is_odd and self._chance.random() < 0.1:
            return self._chance.choice([None, 7, "x", ["x"], {"x": "y"}, [[{}]]])
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].removeprefix("#/components/schemas/")], depth)
        for kind in ("anyOf", "oneOf", "allOf"):
            if kind in schema:
                return self.value(self._chance.choice(schema[kind]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                length = self._chance.randrange(1, 3) if depth < DEEPEST else 0
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(length)]
            case "integer" | "number":
                return self._chance.randrange(1, 5)
            case "boolean":
                return self._chance.random() < 0.5
            case "null":
                return None
            case _:
                return self._chance.choice(["", "some words", '{"a": 1}', "not {json"])

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        share = 0.0 if depth >= DEEPEST else 0.3
        return {
            name: self.value(part, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or self._chance.random() < share
        }
