"""README and docs: every Python block runs, and prints exactly what the block after it says."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from typer.testing import CliRunner

from handrail.cli import build

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def run_python(example: Example) -> None:
    printed = io.StringIO()
    code = compile("\n" * example.line + example.parsed, example.path, "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, example.namespace)
    example.namespace["__printed__"] = printed.getvalue()


def compare_text(example: Example) -> str | None:
    printed = example.namespace.pop("__printed__", None)
    if printed is None or printed.strip() == example.parsed.strip():
        return None
    return f"printed {printed!r}, the page says {example.parsed!r}"


def run_commands(example: Example) -> None:
    """Lines that begin with `handrail` run; `$TICKET` is the page's ticket, or the first that is listed."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["handrail"]:
            continue
        given = [str(example.namespace["ticket"]) if word == "$TICKET" else word for word in words[1:]]
        ran = CliRunner().invoke(build(), given)
        assert ran.exit_code == 0, f"{line}: {ran.output} {ran.exception!r}"
        if words[1:3] == ["tickets", "list"]:
            example.namespace.setdefault("ticket", ran.output.partition(" ")[0])


def write_file(example: Example) -> None:
    """A YAML block whose first line is `# NAME.yaml` is that file for the blocks after it."""
    first = example.parsed.partition("\n")[0]
    if (named := re.fullmatch(r"# (\w[\w-]*\.yaml)", first)) is not None:
        Path(named[1]).write_text(example.parsed)


BLOCKS = Sybil(
    parsers=[
        CodeBlockParser(language="python", evaluator=run_python),
        CodeBlockParser(language="text", evaluator=compare_text),
        CodeBlockParser(language="yaml", evaluator=write_file),
        CodeBlockParser(language="sh", evaluator=run_commands),
        SkipParser(),
    ],
    path=str(ROOT),
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_on_a_page_runs_and_prints_what_it_says(page: Path, folder: Path) -> None:
    for example in BLOCKS.parse(page).examples():
        example.evaluate()


def test_the_first_example_of_the_readme_is_short_and_shows_what_it_prints() -> None:
    text = (ROOT / "README.md").read_text()
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)[:2]
    assert len(code.splitlines()) <= 12
    assert printed.splitlines() == ["refunded 39 USD", "waits for finance_lead"]


def test_the_first_screen_of_the_readme_says_what_it_is_does_and_does_not() -> None:
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:60])
    for needed in (
        "```python",
        "```text",
        "evidence ──► policy",
        "`make demo`",
        "`make test`",
        "What it does not do",
    ):
        assert needed in screen


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target, _ in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_index() -> None:
    docs = ROOT / "docs"
    linked = {target for target, _ in LINK.findall((docs / "index.md").read_text())}
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"index.md"}
    assert pages - linked == set()
