"""What a judgement takes from the context of a call."""

import pytest

from handrail.pipeline.judge import slice_of
from handrail.records import Context


@pytest.mark.parametrize(
    ("facts", "name"), [({"slice": "refunds"}, "refunds"), ({}, None), ({"slice": 3}, None)]
)
def test_the_slice_is_what_the_caller_states(facts: dict[str, object], name: str | None) -> None:
    assert slice_of(Context(facts=facts)) == name
