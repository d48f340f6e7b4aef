"""Data is held against its JSON Schema; a schema that says what is not understood is not taken for one."""

from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.text.json_schema import UnreadableSchema, misfits

ARGUMENTS = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 0, "exclusiveMaximum": 1000, "multipleOf": 0.5},
        "currency": {"enum": ["USD", "EUR"]},
        "order": {"type": "string", "pattern": "^o[0-9]+$", "minLength": 2, "maxLength": 4},
        "due": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1, "maxItems": 2},
        "pair": {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "uniqueItems": True},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "size": {"oneOf": [{"type": "integer"}, {"minimum": 3}], "not": {"const": 7}},
        "both": {"allOf": [{"exclusiveMinimum": 1}, {"maximum": 5}]},
        "tags": {
            "type": "object",
            "patternProperties": {"^x": {"type": "integer"}},
            "propertyNames": {"maxLength": 2},
            "minProperties": 1,
            "maxProperties": 2,
        },
    },
    "required": ["amount"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
    "title": "Refund",
}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"amount": "590"}, "amount is not of the type number"),
        ({"amount": True}, "amount is not of the type number"),
        ({"amount": -1}, "amount is less than 0"),
        ({"amount": 1000}, "amount is not less than 1000"),
        ({"amount": 1.2}, "amount is no multiple of 0.5"),
        ({}, "amount is missing"),
        ({"amount": 1, "amout": 2}, "the action has no argument 'amout'; did you mean 'amount'?"),
        (
            {"amount": 1, "currency": "USDD"},
            "currency is none of the values to choose from; did you mean 'USD'?",
        ),
        ({"amount": 1, "currency": ["USD"]}, "currency is none of the values to choose from"),
        ({"amount": 1, "order": "p1"}, "order is not of the form that is asked for"),
        ({"amount": 1, "order": "o"}, "order is not of the form that is asked for"),
        ({"amount": 1, "order": "o1234"}, "order has more characters than 4"),
        ({"amount": 1, "due": "tomorrow"}, "due is no date"),
        ({"amount": 1, "lines": []}, "lines has fewer parts than 1"),
        ({"amount": 1, "lines": [{"sku": "a"}] * 3}, "lines has more parts than 2"),
        ({"amount": 1, "lines": [{"sku": 5}]}, "lines.0.sku is not of the type string"),
        ({"amount": 1, "lines": [{}]}, "lines.0.sku is missing"),
        (
            {"amount": 1, "lines": [{"sku": "a", "skv": 1}]},
            "lines.0 has no argument 'skv'; did you mean 'sku'?",
        ),
        ({"amount": 1, "pair": ["a"]}, "pair.0 is not of the type integer"),
        ({"amount": 1, "pair": [1, 2]}, "pair.1 is not of the type string"),
        ({"amount": 1, "pair": [1, "a", "a"]}, "pair holds something twice"),
        ({"amount": 1, "note": 5}, "note fits none of the forms that are allowed"),
        ({"amount": 1, "size": 4}, "size does not fit exactly one of the forms that are allowed"),
        ({"amount": 1, "size": 7}, "size is of a form that is not allowed"),
        ({"amount": 1, "both": 1}, "both is not more than 1"),
        ({"amount": 1, "both": 6}, "both is more than 5"),
        ({"amount": 1, "tags": {"xa": "1"}}, "tags.xa is not of the type integer"),
        ({"amount": 1, "tags": {"xyz": 1}}, "tags.xyz is not a name that is allowed here"),
        ({"amount": 1, "tags": {}}, "tags has fewer names than 1"),
        ({"amount": 1, "tags": {"x": 1, "y": 1, "z": 1}}, "tags has more names than 2"),
        ([], "the action is not of the type object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_never_with_its_value(data: object, what: str) -> None:
    assert what in [str(one) for one in misfits(ARGUMENTS, data)]


@pytest.mark.parametrize(
    "data",
    [
        {"amount": 590},
        {"amount": 0.5, "currency": "EUR", "order": "o12", "due": "2026-03-04", "note": None},
        {"amount": 1, "lines": [{"sku": "a"}], "pair": [1, "a"], "size": 2, "both": 5, "tags": {"x": 1}},
    ],
)
def test_what_fits_is_let_by(data: object) -> None:
    assert misfits(ARGUMENTS, data) == ()


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"if": {}}, "if"),
        ({"contains": {}}, "contains"),
        ({"nullable": True}, "nullable"),
        ({"type": "money"}, "type"),
        ({"type": []}, "type"),
        ({"enum": "a"}, "enum"),
        ({"items": [{}]}, "items"),
        ({"pattern": "(?=a)"}, "pattern"),
        ({"pattern": 5}, "pattern"),
        ({"format": "iban"}, "format"),
        ({"minimum": "5"}, "minimum"),
        ({"exclusiveMinimum": True}, "exclusiveMinimum"),
        ({"multipleOf": 0}, "multipleOf"),
        ({"required": "a"}, "required"),
        ({"properties": []}, "properties"),
        ({"anyOf": []}, "anyOf"),
        ({"anyOf": [{"type": "number"}, {"if": {}}]}, "if"),
        ({"prefixItems": {}}, "prefixItems"),
        ({"oneOf": []}, "oneOf"),
        ({"allOf": {}}, "allOf"),
        ({"patternProperties": []}, "patternProperties"),
        *(
            ({word: "1"}, word)
            for word in (
                *("maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems"),
                *("maxItems", "minProperties", "maxProperties"),
            )
        ),
        ({"$ref": "other.json"}, r"\$ref"),
        ({"$ref": "#/nowhere"}, r"\$ref"),
        ({"$ref": "#"}, "nested too deeply"),
        ({"not": 5}, "not an object"),
        (5, "not an object"),
    ],
)
def test_a_word_that_is_not_understood_makes_the_schema_unreadable(schema: object, word: str) -> None:
    with pytest.raises(UnreadableSchema, match=f"^{word}$"):
        misfits(schema, 5)


def told(schema: object, data: object) -> list[str]:
    return [str(one) for one in misfits(schema, data)]


@pytest.mark.parametrize(
    ("schema", "data", "what"),
    [
        (False, 5, ["the action is not allowed"]),
        ({"properties": {"a": False, "b": True}}, {"a": 1, "b": 2}, ["a is not allowed"]),
        ({"type": ["string", "null"]}, 5, ["the action is not of the type string or null"]),
        ({"const": 7}, 8, ["the action is not the one value that is allowed"]),
        ({"minLength": 2}, "a", ["the action has fewer characters than 2"]),
        ({"const": {"a": [1]}}, {"a": [1]}, []),
        ({"const": {"a": [1]}}, {"a": [2]}, ["the action is not the one value that is allowed"]),
        ({"const": {"a": 1}}, {"a": True}, ["the action is not the one value that is allowed"]),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], ["the action holds something twice"]),
        ({"uniqueItems": False}, [1, 1], []),
        ({"uniqueItems": True}, [Decimal("1.5"), 2], []),
        ({"additionalProperties": False}, {"x": 1}, ["the action has no argument 'x'"]),
        ({"additionalProperties": {"type": "string"}}, {"x": 1}, ["x is not of the type string"]),
        (
            {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": {"type": "null"}},
            {"x1": "a", "y": 5},
            ["y is not of the type null"],
        ),
        (
            {"properties": {"amount": {}}, "patternProperties": {"^x": {}}},
            {"xa": 1, "amout": 1},
            ["the action has no argument 'amout'; did you mean 'amount'?"],
        ),
        ({"patternProperties": {"^x": {"type": "string"}}}, ["x"], []),
        ({"propertyNames": {"maxLength": 1}}, ["xx"], []),
        ({"prefixItems": [{"type": "string"}]}, "5", []),
        ({"prefixItems": [{"type": "string"}]}, ["a", 5, 6], []),
        ({"prefixItems": [{}, {"type": "string"}]}, ["a"], []),
        (
            {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 3}]},
            2,
            ["the action is less than 3"],
        ),
        (
            {"anyOf": [{"minimum": 3}, {"minimum": 4}]},
            2,
            ["the action fits none of the forms that are allowed"],
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            2,
            ["the action fits none of the forms that are allowed"],
        ),
        (
            {"$defs": {"a/b~c": {"type": "string"}}, "$ref": "#/$defs/a~1b~0c"},
            5,
            ["the action is not of the type string"],
        ),
        ({"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a"}, "x", []),
    ],
)
def test_each_word_says_exactly_what_does_not_fit(schema: object, data: object, what: list[str]) -> None:
    assert told(schema, data) == what


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date", "2026-03-04", "2026-03-99"),
        ("date-time", "2026-03-04T10:00:00", "today"),
        ("time", "10:00", "noon"),
        ("uuid", "12345678-1234-5678-1234-567812345678", "1234"),
        ("email", "a@example.org", "a@example.org and b@example.org"),
        ("email", "a@b", "@b"),
        ("uri", "mailto:a", "mailto"),
        ("uri", "https://example.org/a", "https://example.org/a b"),
    ],
)
def test_a_format_lets_by_what_is_of_it(form: str, good: str, bad: str) -> None:
    assert told({"format": form}, good) == []
    assert told({"format": form}, bad) == [f"the action is no {form}"]
    assert told({"format": form}, 5) == []


@pytest.mark.parametrize(
    "word",
    [
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "$schema", "$id", "$anchor", "$defs", "definitions"),
    ],
)
def test_a_word_that_only_describes_is_read_over(word: str) -> None:
    assert told({word: "anything", "type": "number"}, 5) == []


def test_what_is_missing_and_what_is_not_listed_say_so_of_themselves() -> None:
    (missing,) = misfits({"required": ["a"]}, {})
    assert (missing.path, missing.is_missing, missing.is_unlisted) == (("a",), True, False)
    (unlisted,) = misfits({"properties": {}}, {"a": 1})
    assert (unlisted.path, unlisted.is_missing, unlisted.is_unlisted) == (("a",), False, True)
    (wrong,) = misfits({"type": "null"}, 5)
    assert (wrong.is_missing, wrong.is_unlisted) == (False, False)


def test_schemas_are_followed_64_deep_and_no_deeper() -> None:
    def nested(depth: int) -> dict[str, object]:
        schema: dict[str, object] = {"type": "number"}
        for _ in range(depth):
            schema = {"allOf": [schema]}
        return schema

    assert told(nested(64), 5) == []
    with pytest.raises(UnreadableSchema, match=r"^nested too deeply$"):
        misfits(nested(65), 5)


def test_a_wrong_pattern_among_properties_makes_the_schema_unreadable() -> None:
    with pytest.raises(UnreadableSchema, match=r"^pattern$"):
        misfits({"properties": {}, "patternProperties": {"(": {}}}, {"a": 1})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "b1", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])
SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True),
            "enum": st.lists(JSON, min_size=1, max_size=3),
            "minimum": st.integers(-5, 5),
            "exclusiveMaximum": st.integers(-5, 5),
            "minLength": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "pattern": st.sampled_from(["^a", "1$"]),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"additionalProperties": inner | st.booleans()},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    ),
    max_leaves=4,
)


@given(SCHEMAS, JSON)
def test_it_says_what_the_reference_implementation_says(schema: dict[str, object], data: object) -> None:
    assert (not misfits(schema, data)) is jsonschema.Draft202012Validator(schema).is_valid(data)
