"""A role that is no text is read as a message like any other."""

from typing import Any

import pytest

from handrail.wire import chat


@pytest.mark.parametrize("role", [[], {}, ["user"], {"a": "b"}, 7, None, True])
def test_a_role_of_any_type_is_read(role: Any) -> None:
    (message,) = chat.read_request({"messages": [{"role": role, "content": "SECRET-4711"}]}).messages
    assert "SECRET-4711" in message.text
