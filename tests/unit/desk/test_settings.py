from pathlib import Path

import pytest

from handrail.desk import load_settings
from handrail.desk.channels import Apprise, Webhook
from handrail.desk.settings import CALLS_PEOPLE
from handrail.errors import ConfigError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEXT = """
calendars: {office: {zone: Europe/Berlin, hours: {mon-fri: 09:00-17:00}}}
hours: {finance_lead: office}
link: https://inbox.example/t/{ticket}
channels:
  ops: {kind: webhook, url: "https://ops.example/hook", secrets: ["env:NEW", "file:old.txt"]}
  chat: {kind: apprise, url: "env:CHAT", roles: [finance_lead]}
"""
ENVIRON = {"NEW": SECRET, "CHAT": "json://127.0.0.1:9/x"}
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def written(folder: Path, text: str = TEXT) -> Path:
    (folder / "old.txt").write_text(f"{SECRET}\n")
    file = folder / "desk.yaml"
    file.write_text(text)
    return file


def test_the_desks_file_is_read_whole(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path), roles=["finance_lead"], environ=ENVIRON)
    assert found.schedule.of("finance_lead").id == "office"
    assert found.link == "https://inbox.example/t/{ticket}"
    ops, chat = found.channels or ()
    assert isinstance(ops, Webhook)
    assert ops.secrets == (SECRET, SECRET)
    assert isinstance(chat, Apprise)
    assert chat.interest.kinds == CALLS_PEOPLE
    assert SECRET not in repr(found)
    assert "9/x" not in repr(found)


def test_hours_can_be_read_without_any_secret(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path), environ={}, with_channels=False)
    assert (found.channels, found.schedule.of("finance_lead").id) == (None, "office")


def test_a_file_that_names_no_channels_is_told_from_one_that_wants_none(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "link: https://x/{ticket}\n")).channels is None
    assert load_settings(written(tmp_path, "channels:\n")).channels is None
    assert load_settings(written(tmp_path, "channels: {}\n")).channels == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("env:NEW", SECRET, "keep secrets out of this file"),
        ("env:NEW", "env:MISSING", r"channels\.ops\.secrets: the environment has no MISSING"),
        ("old.txt", "none.txt", "none.txt cannot be read"),
        ("env:CHAT", "slack://token", "keep secrets out of this file"),
        ("[finance_lead]", "[finance_led]", "no role 'finance_led'"),
        ("https://ops", "http://ops", "needs https"),
        ("webhook", "fax", "no channel 'fax'; known: apprise"),
        ("channels:", "chanels:", "chanels"),
        ("  ops:", "  Ops Team:", "channels.Ops Team"),
        ("roles:", "rolls:", r"channels\.chat\.rolls"),
        ("link:", "\tlink:", "desk.yaml:"),
        ("hours: {fin", "link: slack://token\nhours: {fin", "duplicate key"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_a_secret(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(written(tmp_path, TEXT.replace(old, new)), roles=["finance_lead"], environ=ENVIRON)
    assert SECRET not in str(caught.value)
    assert "//token" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")


def test_when_a_week_is_reviewed_stands_in_the_desks_file(tmp_path: Path) -> None:
    text = "review: {day: tuesday, at: 07:30, zone: Europe/Berlin, folder: reviews, role: finance_lead}"
    found = load_settings(written(tmp_path, text), roles=["finance_lead"]).review
    assert found is not None
    schedule = found.schedule
    assert (schedule.weekday, f"{schedule.at:%H:%M}", schedule.zone.key) == (1, "07:30", "Europe/Berlin")
    assert found.folder == tmp_path / "reviews"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("review: {day: someday}", r"review\.day: write one of monday"),
        ("review: {at: 25:00}", r"review\.at"),
        ("review: {zone: Mars}", "no time zone 'Mars'"),
        ("review: {role: nobody}", "no role 'nobody'"),
        ("review: {weekday: monday}", r"review\.weekday"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_settings(written(tmp_path, text), roles=["finance_lead"])
