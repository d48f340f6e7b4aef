from types import SimpleNamespace

import pytest

from handrail.guard.tool_kinds import kind_declared


@pytest.mark.parametrize(
    ("annotations", "kind"),
    [
        ({"readOnlyHint": True}, "reads"),
        (SimpleNamespace(read_only_hint=True, destructive_hint=None), "reads"),
        ({"readOnlyHint": True, "destructiveHint": True}, "acts"),
        ({"readOnlyHint": False}, "acts"),
        ({"destructiveHint": True}, "acts"),
        ({"readOnlyHint": "true"}, "acts"),
        ({"title": "Look"}, None),
        (None, None),
        (7, None),
    ],
)
def test_only_a_plain_true_declares_that_a_tool_reads(annotations: object, kind: str | None) -> None:
    assert kind_declared(annotations) == kind
