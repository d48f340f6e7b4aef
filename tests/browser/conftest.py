"""A real browser over a served inbox; where there is none these tests are skipped, and say so."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.inbox_scene import BATCH, ODD, STORY, Served, play, served

CHROMIUM = os.environ.get("HANDRAIL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium; `make browser` installs it"))


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Played shops to copy: the story, twenty refunds of one rule, and customers who write markup."""
    folder = tmp_path_factory.mktemp("shops")
    for name, said in (("story", STORY), ("batch", BATCH), ("odd", ODD)):
        play(folder / name, said)
    return {name: folder / name for name in ("story", "batch", "odd")}


@pytest.fixture
def inbox(shops: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    """An inbox over a shop, by default that of the story; the marker `shop` names another and settings."""
    marker = request.node.get_closest_marker("shop")
    name = marker.args[0] if marker and marker.args else "story"
    with served(shops[name], tmp_path / "shop", **(marker.kwargs if marker else {})) as found:
        yield found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


Opens = Callable[..., Any]


@pytest.fixture
def sign_in(chromium: Any, inbox: Served) -> Iterator[Opens]:
    """Opens a page in which somebody has signed in; each has a browser profile of its own."""
    contexts = []

    def opened(person: str, **given: Any) -> Any:
        profile = {
            "base_url": inbox.url,
            "locale": "en-US",
            "reduced_motion": "reduce",
            "viewport": {"width": 1280, "height": 860},
            **given,
        }
        context = chromium.new_context(**profile)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto("/sign-in")
        page.click(f"button[value={person}]")
        page.wait_for_selector("main")
        return page

    yield opened
    for context in contexts:
        context.close()
