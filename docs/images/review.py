"""Takes the pictures of the weekly review: `python docs/images/review.py`, after `make browser`.

A quarter is simulated with a needless rule and a model that drifts. Nothing in it is real.
"""

import io
import json
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from handrail.cli import build
from handrail.testing.plants import NEEDLESS, plant
from handrail.testing.quarter import QuarterSettings, quarter
from handrail.testing.simulated_people import staff

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("HANDRAIL_CHROMIUM") or shutil.which("chromium")
SHOTS = (
    ("review-390", 390, 1500, "light"),
    ("review-1280", 1280, 1750, "light"),
    ("review-1280-dark", 1280, 1750, "dark"),
    ("review-1920", 1920, 1500, "light"),
)


def write(folder: Path) -> Path:
    """Write a review and return its page."""
    settings = QuarterSettings(weeks=7, weekly=500, seed=4, people=staff(honest=6, stampers=1), drift_week=5)
    with (folder / "log.jsonl").open("w") as file:
        for week in quarter("support", settings, plants=(NEEDLESS,)).weeks():
            file.writelines(f"{json.dumps(record)}\n" for record in week.records)
    (folder / "support.yaml").write_text(plant("support", (NEEDLESS,)).text)
    arguments = ["--log", str(folder / "log.jsonl"), "--week", "2026-W42", "--out", str(folder / "out")]
    done = CliRunner().invoke(build(), ["review", *arguments, "--policy", str(folder / "support.yaml")])
    assert done.exit_code == 0, done.output
    return folder / "out" / "review.html"


def main() -> None:
    """Write all pictures beside this file."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        page_file = write(Path(folder))
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, width, height, scheme in SHOTS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.goto(page_file.as_uri())
            # So many colours keep every dot of a chart apart, and the file at half its size.
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(192)
            picture.save(HERE / f"{name}.png", optimize=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
