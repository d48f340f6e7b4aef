"""Which addresses are guarded, let through or refused."""

import pytest

from handrail.http.endpoints import Endpoint, endpoint


@pytest.mark.parametrize(
    ("method", "path", "about"),
    [
        ("POST", "/v1/chat/completions", Endpoint.CHAT),
        ("POST", "/openai/deployments/d/chat/completions", Endpoint.CHAT),
        ("POST", "/v1/responses", Endpoint.RESPONSES),
        ("GET", "/v1/models", Endpoint.OPEN),
        ("GET", "/v1/models/m", Endpoint.OPEN),
        ("DELETE", "/v1/models/m", Endpoint.UNKNOWN),
        ("GET", "/v1/chat/completions", Endpoint.UNKNOWN),
        ("GET", "/v1/responses/r", Endpoint.UNKNOWN),
        ("POST", "/v1/chat/completions/", Endpoint.UNKNOWN),
        ("POST", "/v1/responses/r/cancel", Endpoint.UNKNOWN),
        ("POST", "/v1/embeddings", Endpoint.UNKNOWN),
        ("POST", "/v1/filesystem", Endpoint.UNKNOWN),
    ],
)
def test_an_address_is_guarded_let_through_or_refused(method: str, path: str, about: Endpoint) -> None:
    assert endpoint(method, path) is about


def test_what_is_named_is_let_through_but_never_what_is_guarded() -> None:
    named = ("files", "chat/completions")
    assert endpoint("GET", "/v1/files/f/content", named=named) is Endpoint.OPEN
    assert endpoint("GET", "/v1/chat/completions/c", named=named) is Endpoint.OPEN
    assert endpoint("POST", "/v1/chat/completions", named=named) is Endpoint.CHAT
    assert endpoint("POST", "/v1/filesystem", named=named) is Endpoint.UNKNOWN


@pytest.mark.parametrize(
    "path",
    ["/v1/responses/models/x", "/v1/chat/completions/models", "/v1/responses/models", "/v1/threads/models/m"],
)
def test_nothing_below_a_resource_that_holds_words_is_open(path: str) -> None:
    assert endpoint("GET", path) is Endpoint.UNKNOWN
    assert endpoint("GET", path, named=("models",)) is Endpoint.UNKNOWN
