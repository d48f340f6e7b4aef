import json
import time

import pytest

from handrail.confidence.scorers.verbalised import KEY, instruction, strip


def test_the_instruction_names_the_marker_that_strip_removes() -> None:
    assert f"<{KEY}>" in instruction()
    assert f'"{KEY}"' in instruction()


@pytest.mark.parametrize(
    ("inner", "value"), [("87", 0.87), (" 87 % ", 0.87), ("100", 1.0), ("0", 0.0), ("62.5", 0.625)]
)
def test_a_number_at_the_end_is_taken_out_and_read(inner: str, value: float) -> None:
    assert strip(f"Paris.\n<{KEY}>{inner}</{KEY}>\n") == ("Paris.", value)


@pytest.mark.parametrize("inner", ["high", "", "0.87", "101", "-3", "1e1", "8 7", "nan"])
def test_what_cannot_be_read_is_unknown_but_never_shown(inner: str) -> None:
    assert strip(f"Paris.\n<{KEY}>{inner}</{KEY}>") == ("Paris.", None)


@pytest.mark.parametrize(
    "text",
    [
        "Confidence: 95%",
        "The 95 % confidence interval is 3 to 5.\nConfidence: 95",
        f"Write <{KEY}>50</{KEY}> at the end, like this.",
        f"<{KEY}>this is a whole sentence of the answer, not a number</{KEY}>",
        "",
    ],
)
def test_words_of_the_answer_are_never_taken_for_the_marker(text: str) -> None:
    assert strip(text) == (text, None)


def test_two_markers_are_unknown_and_only_the_last_is_taken_out() -> None:
    text, value = strip(f"<{KEY}>10</{KEY}> said he.\n<{KEY}>90</{KEY}>")
    assert (text, value) == (f"<{KEY}>10</{KEY}> said he.", None)


@pytest.mark.parametrize(
    "raw",
    [
        '{{"a": 1, "{key}": 90}}',
        '{{"{key}": 90, "a": 1}}',
        '{{ "{key}" : "90%" ,\n "a": 1 }}',
    ],
)
def test_the_field_of_a_json_answer_is_taken_out_and_the_rest_stays_json(raw: str) -> None:
    text, value = strip(raw.format(key=KEY))
    assert json.loads(text) == {"a": 1}
    assert value == 0.9


def test_only_the_outermost_field_counts() -> None:
    raw = json.dumps({"quoted": {KEY: 3}, "list": [KEY]})
    assert strip(raw) == (raw, None)


@pytest.mark.parametrize("number", ["true", "null", "[90]", '{"of": 90}', "0.9"])
def test_a_field_that_holds_no_percentage_is_unknown(number: str) -> None:
    text, value = strip(f'{{"a": 1, "{KEY}": {number}}}')
    assert json.loads(text) == {"a": 1}
    assert value is None


def test_a_json_answer_in_a_code_fence_keeps_its_fence() -> None:
    assert strip(f'```json\n{{"a": 1, "{KEY}": 40}}\n```') == ('```json\n{"a": 1}\n```', 0.4)


def test_an_answer_that_is_nothing_but_the_field_becomes_an_empty_object() -> None:
    assert strip(f'{{"{KEY}": 40}}') == ("{}", 0.4)


def test_long_runs_of_white_space_are_read_in_time_that_grows_evenly() -> None:
    began = time.process_time()
    for text in (
        " " * 300_000 + f"<{KEY}>",
        f"```json\n{' ' * 300_000}x{KEY}",
        f"<{KEY}>9</{KEY}> " * 20_000 + "x",
    ):
        strip(text)
    assert time.process_time() - began < 2
