import pytest

from handrail.policy import loads
from support.valid_policy import GOOD, error_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "duplicate key"),
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [echo]\n", "tags are not allowed"),
        ("<<: {a: 1}\n", "merge keys"),
        ("? [a]\n: b\n", "a key is plain text"),
        ("a: 1\n---\nb: 2\n", "one document only"),
        ("[" * 50, "nested deeper"),
        ("- a\n", "a policy is a mapping"),
        ("", "a policy is a mapping"),
        ("a: [1,\n", "not readable as YAML"),
        ("a: \x07\n", "not readable as YAML"),
        ("x" * 2_000_001, "larger than"),
    ],
)
def test_hostile_yaml_is_refused(text: str, words: str) -> None:
    assert words in str(error_of(text))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('when: "health" in input.findings', "in single quotes, or write"),
        ('{id: a, when: tool.name in ["x"], to: b}', "inside { } put an expression"),
    ],
)
def test_an_expression_that_yaml_trips_over_is_told_how_to_write_it(line: str, words: str) -> None:
    assert words in str(error_of(f"hand_offs:\n  - {line}\n"))


def test_yaml_words_that_look_like_booleans_and_times_stay_text() -> None:
    policy = loads(
        GOOD.replace("values: [issue_refund, reply]", "values: [issue_refund, reply, no, on, 12:30]")
    )
    assert policy.facts["tool.name"].values == ("issue_refund", "reply", "no", "on", "12:30")
