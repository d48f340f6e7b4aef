"""`handrail serve` refuses what would let strangers in, or nobody, before it opens anything."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from handrail.errors import HandrailError
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(TICKETS_POLICY)
    (tmp_path / "people.yaml").write_text(TICKETS_PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_STORE", f"sqlite:///{tmp_path}/handrail.db")
    return tmp_path


def served(*options: str) -> Result:
    return CliRunner().invoke(
        build(), ["serve", "--policy", "shop.yaml", "--people", "people.yaml", "--check", *options]
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "nobody can sign in"),
        (("--development", "--host", "0.0.0.0"), "this machine only"),
        (("--development", "--people", "none.yaml"), "none.yaml"),
        (("--development", "--policy", "none.yaml"), "none.yaml"),
        (("--config", "none.toml"), "none.toml"),
        (("--development", "--desk", "none.yaml"), "none.yaml"),
    ],
)
def test_what_would_let_strangers_in_or_nobody_is_refused(
    folder: Path, options: tuple[str, ...], why: str
) -> None:
    done = served(*options)
    assert isinstance(done.exception, HandrailError)
    assert why in str(done.exception)


def test_settings_are_checked_without_serving(folder: Path) -> None:
    done = served("--development")
    assert (done.exit_code, done.stdout) == (0, "the inbox can be served\n")


def test_the_settings_file_of_the_folder_is_read_as_every_command_reads_it(folder: Path) -> None:
    (folder / "handrail.toml").write_text('policy = "shop.yaml"\npeople = "people.yaml"\n')
    done = CliRunner().invoke(build(), ["serve", "--check", "--development"])
    assert (done.exit_code, done.stdout) == (0, "the inbox can be served\n")


def test_the_environment_comes_before_the_settings_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "handrail.toml").write_text('policy = "none.yaml"\npeople = "none.yaml"\n')
    monkeypatch.setenv("HANDRAIL_POLICY", "shop.yaml")
    monkeypatch.setenv("HANDRAIL_PEOPLE", "people.yaml")
    done = CliRunner().invoke(build(), ["serve", "--check", "--development"])
    assert (done.exit_code, done.stdout) == (0, "the inbox can be served\n")


def test_the_desk_beside_the_inbox_works_by_the_same_file_as_a_desk_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "handrail.toml").write_text('desk_file = "none.yaml"\n')
    assert "none.yaml: cannot be read" in str(served("--development").exception)
    file = "channels: {ops: {kind: webhook, url: 'http://127.0.0.1:9/x', secrets: ['env:HOOK_SECRET']}}\n"
    (folder / "desk.yaml").write_text(file)
    assert "HOOK_SECRET" in str(served("--development", "--desk", "desk.yaml").exception)
    monkeypatch.setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    done = served("--development", "--desk", "desk.yaml")
    assert (done.exit_code, done.output) == (0, "the inbox can be served\n")


def test_without_channels_checking_says_that_notices_wait(folder: Path) -> None:
    assert "no channels are named here" in served("--development").stderr


def test_a_wrong_setting_is_told_with_the_file_it_stands_in(folder: Path) -> None:
    (folder / "handrail.toml").write_text("[inbox]\nmanagrs = []\n")
    done = served("--development")
    assert isinstance(done.exception, HandrailError)
    assert str(done.exception).startswith("handrail.toml: managrs: ")
