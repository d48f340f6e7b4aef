"""The weekly review's page: nothing is cut and nothing overflows, on a phone, on screens and on paper."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from handrail.cli import build
from handrail.testing.plants import NEEDLESS, plant
from handrail.testing.quarter import QuarterSettings, quarter
from handrail.testing.simulated_people import staff
from support.inbox_scene import Served

_WHY = "`make browser` installs Playwright and axe"
pytest.importorskip("playwright.sync_api", reason=_WHY)
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY).Axe

A4_PX = 698
"""An A4 page between margins of 13 mm, in CSS pixels."""
OVERFLOWS = """() => {
  const far = document.documentElement.clientWidth + 1, bad = new Set();
  for (const one of document.querySelectorAll('main *')) {
    if (one.closest('svg') || one.closest('thead')) continue;
    const box = one.getBoundingClientRect(), name = one.tagName + ' ' + one.className;
    if (box.width && (box.right > far || box.left < -1)) bad.add('outside: ' + name);
    const inline = getComputedStyle(one).display === 'inline';
    if (!inline && one.clientWidth && one.scrollWidth > one.clientWidth + 1) bad.add('cut: ' + name);
  }
  for (const one of document.querySelectorAll('.plot svg text')) {
    const box = one.getBoundingClientRect(), all = one.ownerSVGElement.getBoundingClientRect();
    const inside = box.left >= all.left - 1 && box.right <= all.right + 1;
    if (!inside || box.top < all.top - 1 || box.bottom > all.bottom + 1) bad.add('chart: ' + one.textContent);
  }
  return [...bad];
}"""
SMALL_TEXTS = """() => [...document.querySelectorAll('.plot svg text')].filter(one => {
  const svg = one.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return parseFloat(getComputedStyle(one).fontSize) * scale < 10.5;
}).map(one => one.textContent)"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A review of a simulated log: a needless rule, a reader who does not read, a model that drifts."""
    folder = tmp_path_factory.mktemp("review")
    people = staff(honest=6, stampers=1)
    settings = QuarterSettings(weeks=6, weekly=400, seed=2, people=people, drift_week=3)
    with (folder / "log.jsonl").open("w") as file:
        for week in quarter("support", settings, plants=(NEEDLESS,)).weeks():
            file.writelines(f"{json.dumps(record)}\n" for record in week.records)
    (folder / "policy.yaml").write_text(plant("support", (NEEDLESS,)).text)
    arguments = ["--log", str(folder / "log.jsonl"), "--week", "2026-W41", "--out", str(folder / "out")]
    done = CliRunner().invoke(build(), ["review", *arguments, "--policy", str(folder / "policy.yaml")])
    assert done.exit_code == 0, done.output
    return folder / "out" / "review.html"


@pytest.fixture
def opened(chromium: Any, written: Path) -> Any:
    contexts = []

    def open_at(width: int, scheme: str = "light") -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(written.as_uri())
        return page

    yield open_at
    for context in contexts:
        context.close()


def test_on_a_wide_screen_tables_take_the_whole_width(opened: Any) -> None:
    page = opened(1920)
    whole = page.locator(".tables").bounding_box()
    rights = [
        box["x"] + box["width"]
        for table in page.locator(".tables table").all()
        if (box := table.bounding_box()) is not None
    ]
    assert max(rights) == pytest.approx(whole["x"] + whole["width"], abs=2)
    for table in page.locator(".tables table.wide").all():
        assert table.bounding_box()["width"] == pytest.approx(whole["width"], abs=2)
    for name in page.locator(".tables tbody td:first-child").all():
        assert name.bounding_box()["height"] < 60


@pytest.mark.parametrize("width", [390, 900, 1280, 1920])
def test_nothing_is_cut_and_chart_texts_can_be_read_at_every_width(opened: Any, width: int) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERFLOWS) == []
    assert page.evaluate(SMALL_TEXTS) == []
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERFLOWS) == []


def test_a_line_that_does_not_fit_is_found(opened: Any) -> None:
    page = opened(390)
    page.evaluate("document.querySelector('.say').style.whiteSpace = 'nowrap'")
    assert page.evaluate(OVERFLOWS) != []


def test_on_paper_nothing_is_cut_and_the_pages_are_few(opened: Any, written: Path) -> None:
    page = opened(A4_PX)
    page.emulate_media(media="print")
    assert page.evaluate(OVERFLOWS) == []
    printed = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "13mm"))
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") <= 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_fault_for_those_who_use_aids(opened: Any, scheme: str) -> None:
    found = Axe().run(opened(1280, scheme)).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"][:160])
        for one in found
        if one["impact"] in ("serious", "critical")
    ] == []


def test_what_is_to_be_done_comes_first_and_every_step_leads_to_its_part(opened: Any) -> None:
    page = opened(1280)
    assert page.locator("main section").first.get_attribute("id") == "first"
    assert page.locator("#first li > a").count() > 1
    for link in page.locator("#first a").all():
        assert page.locator(f'[id="{link.get_attribute("href")[1:]}"]').count() == 1


def test_a_figure_opens_into_its_tickets_and_each_stands_on_the_page(opened: Any) -> None:
    page = opened(1280)
    figure = page.locator("#by-rule details.refs").first
    figure.locator("summary").click()
    links = figure.locator("a").all()
    assert len(links) == min(60, int(figure.locator("summary").inner_text()))
    links[0].click()
    assert page.evaluate("document.getElementById(location.hash.slice(1)) !== null")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("locale", "words"), [("en-GB", "Do first"), ("de-DE", "Zuerst")])
def test_in_the_inbox_the_review_fits_too_and_has_no_serious_fault(
    inbox: Served, sign_in: Any, width: int, locale: str, words: str
) -> None:
    page = sign_in("petra", viewport={"width": width, "height": 900}, locale=locale)
    page.goto(f"/review/{datetime.now(UTC):%G-W%V}")
    assert page.locator("#first h2").inner_text() == words
    assert page.locator(".review").get_attribute("lang") == locale[:2]
    assert page.locator("#figures .tiles b").first.inner_text() != "0"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERFLOWS.replace("main *", ".review *")) == []
    found = Axe().run(page, context=".review").response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.faults == []
