"""The root command: what it loads, what it says of a missing extra, and what its help promises."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from handrail.cli import build, deferred, main
from handrail.cli.init import init
from handrail.errors import MissingExtra
from handrail.store import open_store

NAMES = [*deferred.OWN, *deferred.SHIPPED]


def stand_in(name: str) -> deferred.Deferred:
    found: deferred.Deferred = deferred.Commands(name="handrail").get_command(None, name)
    return found


def leaves() -> Iterator[tuple[str, str]]:
    """Yield every command that runs, with the help it shows."""
    for name in NAMES:
        made = stand_in(name).loaded()
        for inner in getattr(made, "commands", {None: made}):
            words = [name] if inner is None else [name, inner]
            yield " ".join(words), CliRunner().invoke(build(), [*words, "--help"]).output


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["tikets"]])
def test_version_and_help_import_no_command(words: list[str]) -> None:
    code = (
        "import sys, handrail.cli\n"
        "try: handrail.cli.main()\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith(('handrail.cli.', 'sqlalchemy'))))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "handrail.cli.deferred"


GUARDING = {
    "handrail.bulk", "handrail.confidence", "handrail.desk", "handrail.guard", "handrail.http",
    "handrail.pipeline", "handrail.replay", "handrail.review", "handrail.scan", "handrail.signals",
    "alembic", "holidays", "httpx", "lark", "matplotlib", "numpy", "phonenumbers", "rich", "ruamel", "scipy",
    "starlette", "uvicorn",
}  # fmt: skip
"""What judges calls, plays or draws; a list of tickets is in need of none of it."""


def test_a_list_of_tickets_loads_nothing_that_judges_calls(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/handrail.db"
    open_store(store).close()
    code = (
        "import sys, handrail.cli\n"
        "try: handrail.cli.main()\n"
        "except SystemExit: pass\n"
        f"print(*sorted(sys.modules.keys() & {GUARDING!r}))"
    )
    words = [sys.executable, "-c", code, "tickets", "list", "--store", store]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["No tickets.", ""]


@pytest.mark.parametrize("name", NAMES)
def test_the_help_line_is_the_one_the_command_itself_gives(name: str) -> None:
    own = stand_in(name).loaded().help.split("\n\n")[0].replace("\n", " ")
    assert stand_in(name).short_help == own


def test_every_command_shows_its_examples_one_a_line() -> None:
    for name, shown in leaves():
        text = made_of(name).help
        _, heading, examples = text.partition("**Examples**\n\n")
        assert heading, name
        assert f"`handrail {name}" in examples, name
        assert all(line.startswith(("- `handrail ", "- `cat ")) for line in examples.splitlines()), name
        assert sum(line.startswith("  • ") for line in shown.splitlines()) == len(examples.splitlines()), name


def made_of(name: str) -> Any:
    group, _, inner = name.partition(" ")
    made = stand_in(group).loaded()
    return made.commands[inner] if inner else made


NOWHERE = [
    "policy explain support --facts nowhere.json",
    "policy explain nowhere.yaml --facts {}",
    "policy test nowhere.yaml",
    "policy check nowhere.yaml",
    "policy register nowhere.yaml",
    "policy schema nowhere.yaml",
    "policy diff support nowhere.yaml",
    "policy backtest nowhere.jsonl --policy support",
    "policy backtest . --policy support",
    "replay nowhere.jsonl --policy support",
    "confidence eval nowhere.jsonl",
    "confidence eval .",
    "calibrate nowhere.jsonl",
    "calibrate .",
    "roles check --policy support --people nowhere.yaml",
    "roles check --policy policy.yaml --people people.yaml --desk nowhere.yaml",
    "scan nowhere.txt",
    "scan here.txt --style hmac --key-file nowhere.key",
    "init here.txt/inner",
    "gateway --config nowhere.yaml",
    "audit checkpoint --key nowhere.key",
    "audit verify --checkpoint nowhere.json",
    "audit verify --checkpoint latin.txt --trusted a:b",
    "audit checkpoint --key latin.txt",
    "store backup nowhere/copy.db",
    "store rotate-keys nowhere.key",
    "store new-keys here.txt/inner",
    "review --out here.txt/inner",
    "desk --policy support --desk nowhere.yaml --once",
    "tickets claim 1 --as fay --people nowhere.yaml",
    "samples show 1 --as fay --people nowhere.yaml",
    "demo --keep here.txt/inner",
    "mcp --person fay --policy support --people nowhere.yaml",
]


@pytest.mark.parametrize("words", NOWHERE)
def test_a_file_that_cannot_be_used_is_named_in_one_line_with_exit_code_2(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.txt").write_text("nothing")
    Path("latin.txt").write_bytes(b"\xe9")
    init(Path())
    open_store("sqlite:///handrail.db").close()
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["handrail", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert re.search(r"nowhere|here\.txt|latin\.txt|\.: ", said.err + said.out)
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 1 or "Usage:" in said.err


def test_a_missing_extra_is_marked_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = distribution("handrail")

    def gone(name: str) -> Distribution:
        if name == "handrail":
            return there
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", gone)
    assert stand_in("gateway").short_help.endswith("(needs handrail[server])")
    assert stand_in("demo").short_help.endswith("(needs handrail[openai])")
    assert "needs" not in stand_in("tickets").short_help


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = EntryPoint("lacking", "no_such_package:command [openai]", deferred.ENTRY_POINTS)
    monkeypatch.setattr(deferred, "_added", lambda: [lacking])
    ran = CliRunner().invoke(build(), ["lacking"])
    assert isinstance(ran.exception, MissingExtra)
    assert "pip install 'handrail[openai]'" in str(ran.exception)


@pytest.mark.parametrize("name", ["gateway", "mcp", "demo", "calibrate", "confidence"])
def test_a_command_shows_its_help_without_its_extra(name: str) -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('mcp', 'mcp_types', 'starlette', 'openai', 'scipy'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import handrail.cli\n"
        "sys.argv[0] = 'handrail'\n"
        "handrail.cli.main()"
    )
    command = [sys.executable, "-c", code, name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert f"Usage: handrail {name}" in done.stdout


def test_the_former_name_of_a_command_still_answers() -> None:
    assert "drawn for review" in CliRunner().invoke(build(), ["audits", "--help"]).output
    assert "audits" not in CliRunner().invoke(build(), ["--help"]).output


def test_an_error_of_handrail_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["handrail", "tickets", "list", "--store", "sqlite:///nowhere/none.db"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("handrail: there is no store at nowhere/none.db")
