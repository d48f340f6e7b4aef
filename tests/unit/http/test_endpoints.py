"""Which addresses are guarded, let through or refused."""

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.http.endpoints import Endpoint, endpoint, is_known_query, words_beside


@pytest.mark.parametrize(
    ("method", "path", "about"),
    [
        ("POST", "/v1/chat/completions", Endpoint.CHAT),
        ("POST", "/openai/deployments/d/chat/completions", Endpoint.CHAT),
        ("POST", "/openai/deployments/my%20model/chat/completions", Endpoint.CHAT),
        ("POST", "/proxy/team/v1/chat/completions", Endpoint.CHAT),
        ("POST", "/v1/responses", Endpoint.RESPONSES),
        ("POST", "/v1/messages", Endpoint.MESSAGES),
        ("POST", "/anthropic/v1/messages", Endpoint.MESSAGES),
        ("GET", "/models", Endpoint.OPEN),
        ("GET", "/v1/models", Endpoint.OPEN),
        ("GET", "/v1/models/ft:gpt-4o:acme::a1", Endpoint.OPEN),
        ("GET", "/openai/models", Endpoint.OPEN),
        ("GET", "/openai/v1/models/m", Endpoint.OPEN),
        ("DELETE", "/v1/models/m", Endpoint.UNKNOWN),
        ("POST", "/v1/models", Endpoint.UNKNOWN),
        ("HEAD", "/v1/models", Endpoint.UNKNOWN),
        ("get", "/v1/models", Endpoint.UNKNOWN),
        ("GET", "/v1/chat/completions", Endpoint.UNKNOWN),
        ("GET", "/v1/responses/r", Endpoint.UNKNOWN),
        ("POST", "/v1/chat/completions/", Endpoint.UNKNOWN),
        ("POST", "/v1/responses/r/cancel", Endpoint.UNKNOWN),
        ("POST", "/v1/threads/t/messages", Endpoint.UNKNOWN),
        ("POST", "/v1/embeddings", Endpoint.UNKNOWN),
        ("POST", "/v1/filesystem", Endpoint.UNKNOWN),
        ("POST", "/v1/mychat/completions", Endpoint.UNKNOWN),
    ],
)
def test_an_address_is_guarded_let_through_or_refused(method: str, path: str, about: Endpoint) -> None:
    assert endpoint(method, path) is about


def test_what_is_named_is_let_through_but_never_what_is_guarded() -> None:
    named = ("files", "chat/completions", "/proxy/v1/audio")
    assert endpoint("GET", "/v1/files/f/content", named=named) is Endpoint.OPEN
    assert endpoint("GET", "/v1/chat/completions/c", named=named) is Endpoint.OPEN
    assert endpoint("POST", "/proxy/v1/audio/speech", named=named) is Endpoint.OPEN
    assert endpoint("POST", "/openai/deployments/d/files", named=named) is Endpoint.OPEN
    assert endpoint("POST", "/v1/chat/completions", named=named) is Endpoint.CHAT
    assert endpoint("POST", "/v1/filesystem", named=named) is Endpoint.UNKNOWN
    assert endpoint("POST", "/v1/x", named=("", "/")) is Endpoint.UNKNOWN


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/responses/models/x", "/v1/chat/completions/models", "/v1/responses/models"),
        *("/v1/threads/models/m", "/v1/videos/models", "/anything/models", "/v1/x/v1/models"),
        *("/v1/evals/models/m", "/openai/deployments/d/responses/models"),
    ],
)
def test_nothing_is_open_below_a_resource_whatever_that_is_called(path: str) -> None:
    assert endpoint("GET", path) is Endpoint.UNKNOWN
    assert endpoint("GET", path, named=("models",)) is Endpoint.UNKNOWN


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/models/", "/v1//models", "//v1/models", "/v1/models//m", "v1/models", "", "/"),
        *("/v1/./models", "/v1/models/..", "/v1/models/../files", "/v1/..;/models", "/v1/models;x=1"),
        *("/v1/models/%2e%2e", "/v1/models/%2E%2e/files", "/v1/models/x%2f..%2ffiles", "/v1/models%2fx"),
        *("/v1/models/%252e%252e", "/v1/models/a%5c..%5cfiles", "/v1/models\\x", "/v1/models/x%00"),
        *("/v1/m%6fdels", "/v1/models/%6d", "/v1/models/%", "/v1/models/%zz", "/v1/models/%ff"),
        *("/V1/models", "/v1/Models", "/v1/MODELS/m", "/v1/models/m/extra", "/v1/models/.hidden"),
        *("/v1/models/a b", "/v1/models/a\n", "/v1/models/a?x", "/v1/models/a#x", "/v1/models/а%0a"),
    ],
)
def test_an_address_that_could_be_read_in_another_way_is_not_open(path: str) -> None:
    assert endpoint("GET", path) is Endpoint.UNKNOWN
    assert endpoint("GET", path, named=("files",)) is Endpoint.UNKNOWN


def test_the_base_of_the_client_may_stand_before_what_is_open() -> None:
    path = "/proxy/team-a/v9/models"
    assert endpoint("GET", path) is Endpoint.UNKNOWN
    assert endpoint("GET", path, base="/proxy/team-a/v9/") is Endpoint.OPEN
    assert endpoint("GET", "/proxy/team-a/v9/x/models", base="/proxy/team-a/v9/") is Endpoint.UNKNOWN
    assert (
        endpoint("POST", "/proxy/team-a/v9/files", base="/proxy/team-a/v9", named=("files",)) is Endpoint.OPEN
    )


WORDS = ["v1", "models", "files", "responses", "chat", "completions", "openai", "deployments", "threads", "m"]
ODD = [
    "",
    ".",
    "..",
    "%2e%2e",
    "%2E",
    "..;",
    "%2f",
    "a%2fb",
    "%5c",
    "%252e",
    "%00",
    "%6dodels",
    "Models",
    "x;y",
]
segments = st.lists(st.sampled_from(WORDS) | st.sampled_from(ODD) | st.text(max_size=3), max_size=7)


def served(path: str) -> list[str]:
    """What a server makes of a path that decodes, cuts, resolves and folds all that servers do."""
    for _ in range(3):
        path = unquote(path)
    path = path.replace("\\", "/").partition("?")[0].partition("#")[0]
    path = "/".join(segment.partition(";")[0] for segment in path.split("/"))
    return [segment.lower() for segment in posixpath.normpath("/" + path).split("/") if segment]


@given(segments)
def test_what_is_open_is_a_list_of_models_however_a_server_reads_its_address(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    if endpoint("GET", path) is Endpoint.OPEN:
        *base, last = served(path)
        assert "models" in (last, *base[-1:])
        assert not {"files", "responses", "chat", "completions", "threads"} & set(base)


@given(segments, st.sampled_from(["chat/completions", "responses", "v1/messages"]))
def test_whatever_posts_to_a_guarded_address_is_guarded_or_refused(parts: list[str], kind: str) -> None:
    path = "/" + "/".join([*parts, kind])
    assert endpoint("POST", path, named=("models", "files", kind)) in (Endpoint(kind), Endpoint.UNKNOWN) or (
        # Not the guarded address: a longer one that ends like it.
        kind == "responses" and path.endswith(("/chat/completions", "/v1/messages"))
    )


@pytest.mark.parametrize(
    "query",
    ["", "api-version=2024-10-21", "api-version=2025-03-01-preview", "beta=true", "limit=20&after=m-1"],
)
def test_a_query_that_chooses_a_version_or_a_page_is_known(query: str) -> None:
    assert is_known_query(query)


@pytest.mark.parametrize(
    "query",
    [
        *("q=words", "api-version=words", "beta=true&q=1", "limit=4111111111111111", "beta=true&beta=false"),
        *("api%2Dversion=2024-10-21", "limit=20&", "&", "beta", "after=a%20b", "after=" + "a" * 200),
    ],
)
def test_a_query_that_says_more_is_not(query: str) -> None:
    assert not is_known_query(query)


def test_models_are_listed_without_a_word() -> None:
    given = {"named": ("files",)}
    assert words_beside("/v1/models", "limit=2", has_body=False, **given) == ""  # type: ignore[arg-type]
    assert words_beside("/v1/models", "", has_body=True, **given) == "body"  # type: ignore[arg-type]
    assert words_beside("/v1/models", "q=words", has_body=False, **given) == "query"  # type: ignore[arg-type]
    assert words_beside("/v1/files", "q=words", has_body=True, **given) == ""  # type: ignore[arg-type]
