"""What fails in a way that nobody foresaw is answered in words, without anything of the error itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.inbox import Scene, inbox

WORDS = "Erika's card is 4111"


def failing(request: Request) -> Response:
    raise AttributeError(WORDS)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An inbox of which two routes fail."""
    with inbox(tmp_path) as found:
        found.app.router.routes[:0] = [Route("/broken", failing), Route("/api/v1/broken", failing)]
        yield found


def test_a_page_that_fails_is_told_in_words_with_a_way_back(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    answer = scene.signed_in("fay").get("/broken", headers={"accept-language": "de"})
    assert answer.status_code == 500
    assert "Ein unerwarteter Fehler" in answer.text
    assert 'href="/"' in answer.text
    assert "content-security-policy" in answer.headers
    assert "GET failed with AttributeError" in caplog.text
    assert "in failing" in caplog.text
    assert WORDS not in answer.text + caplog.text


def test_a_program_gets_a_code(scene: Scene) -> None:
    answer = scene.signed_in("fay").get("/api/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "unforeseen")
    assert WORDS not in answer.text


def test_where_no_page_can_be_written_there_are_words_still(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    scene.app.state.inbox = replace(scene.app.state.inbox, renderer=None)
    for path in ("/broken", "/"):
        answer = browser.get(path)
        assert (answer.status_code, "not foreseen" in answer.text) == (500, True)
