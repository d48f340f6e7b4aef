import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from handrail.errors import ConfigError
from handrail.policy import load, loads
from handrail.policy.file.people import People, load_people
from handrail.policy.file.read import read_source
from handrail.review.changes.accept import (
    Accepted,
    accept,
    accepted_so_far,
    stricter_changes,
    write_due,
)
from handrail.review.changes.kept_change import put, waiting_changes
from handrail.review.changes.patches import narrowed, proved, threshold_set
from handrail.review.changes.proposal import (
    Proposal,
    ProposalRefused,
    WhyRefused,
    digest,
    read_proposal,
    write_proposals,
)
from handrail.review.changes.take_back import take_back
from handrail.review.evidence.certified import Certified, CertifiedSlice
from handrail.review.evidence.score_limits import Slice
from handrail.review.log.conditions import FactCondition, FactTest

TODAY, LATER = date(2026, 11, 29), date(2026, 12, 1)
UP_TO_260 = FactCondition(tests=(FactTest(fact="refund.amount", operator="<=", size=260.0, unit="USD"),))


def proposal(text: str) -> Proposal:
    patch = proved(text, narrowed(text, "refund-over-100", UP_TO_260), file="policy.yaml")
    return Proposal(
        id="1a2b3c4d", kind="needless", title="Move the limit", why="So.", effect="Fewer.", diff=patch.diff,
        base=digest(text), result=digest(patch.after), text=patch.after, tests=patch.tests,
        problems=patch.problems,
    )  # fmt: skip


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(read_source("support")[1], encoding="utf-8")
    return path


def test_an_accepted_change_is_written_with_a_line_and_taken_back_with_another(policy: Path) -> None:
    before = policy.read_text()
    done = accept(proposal(before), policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert done.is_written
    assert "refund.amount > 260 USD" in policy.read_text()
    assert load(policy)
    log = policy.with_name("policy.changelog.md")
    assert "2026-11-29 1a2b3c4d Move the limit; accepted by petra." in log.read_text()
    take_back(policy, "1a2b", "petra", today=LATER)
    assert policy.read_text() == before
    assert "2026-12-01 1a2b3c4d taken back by petra" in log.read_text()
    with pytest.raises(ConfigError, match="in force"):
        take_back(policy, "1a2b", "petra", today=LATER)


def test_nothing_is_written_over_a_policy_that_was_changed_since(policy: Path) -> None:
    made = proposal(policy.read_text())
    policy.write_text(policy.read_text() + "\n# a remark\n")
    with pytest.raises(ConfigError, match="not the policy"):
        accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)


def test_a_file_of_proposals_cannot_raise_what_is_certified(policy: Path) -> None:
    made, text = proposal(policy.read_text()), policy.read_text()
    after = threshold_set(text, "low-confidence", "confidence", 0.3)
    about = {name: getattr(made, name) for name in made.__slots__}
    forged = Proposal(**{**about, "text": after, "result": digest(after)})
    with pytest.raises(ConfigError, match="not certified"):
        accept(forged, policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert policy.read_text() == text


def test_what_a_change_rests_on_is_read_back_from_its_file(policy: Path, tmp_path: Path) -> None:
    part = Slice(fact="tool.name", value="issue_refund")
    rests_on = (CertifiedSlice(slice=part, inside=0.9, outside=0.6, answers=90, verdicts=40),)
    made = replace(proposal(policy.read_text()), certified=0.7, certified_slices=rests_on)
    write_proposals([made], tmp_path)
    assert read_proposal(tmp_path / "proposals.json", made.id) == made
    assert made.rests_on == Certified(whole=0.7, slices=rests_on)


def test_only_changes_that_let_nothing_more_out_keep_a_certificate(policy: Path) -> None:
    text = policy.read_text()
    made = proposal(text)
    accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert list(stricter_changes(policy)) == []
    take_back(policy, "1a2b", "petra", today=TODAY)
    after = threshold_set(text, "low-confidence", "confidence", 0.9)
    about = {name: getattr(made, name) for name in made.__slots__}
    stricter = {"id": "5e6f7a8b", "kind": "threshold", "text": after, "result": digest(after)}
    accept(Proposal(**{**about, **stricter}), policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert list(stricter_changes(policy)) == [(loads(text).ref.sha256, loads(after).ref.sha256)]


@pytest.mark.parametrize("kind", ["missing", "threshold", "role", "word"])
def test_a_certificate_goes_by_what_a_change_does_and_not_by_its_kind(policy: Path, kind: str) -> None:
    made = replace(proposal(policy.read_text()), kind=kind)
    accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert list(stricter_changes(policy)) == []


def test_what_was_checked_is_what_is_written(policy: Path) -> None:
    made = proposal(policy.read_text())
    forged = Proposal(**{**{n: getattr(made, n) for n in made.__slots__}, "text": made.text + "\n# more\n"})
    with pytest.raises(ConfigError, match="not the one that was checked"):
        accept(forged, policy, "petra", people=None, today=TODAY, effective=TODAY)


def test_a_proposal_with_problems_cannot_be_accepted(policy: Path) -> None:
    made = proposal(policy.read_text())
    unready = Proposal(**{**{n: getattr(made, n) for n in made.__slots__}, "problems": ("a test fails",)})
    with pytest.raises(ConfigError, match="a test fails"):
        accept(unready, policy, "petra", people=None, today=TODAY, effective=TODAY)


def test_a_change_of_a_later_day_waits_for_it(policy: Path) -> None:
    before = policy.read_text()
    done = accept(proposal(before), policy, "petra", people=None, today=TODAY, effective=LATER)
    assert not done.is_written
    assert policy.read_text() == before
    assert write_due(policy, today=TODAY) == ()
    assert [one.title for one in write_due(policy, today=LATER)] == ["Move the limit"]
    assert "260 USD" in policy.read_text()
    assert write_due(policy, today=LATER) == ()


def test_a_change_that_waits_is_listed_and_logged_and_can_be_withdrawn(policy: Path) -> None:
    made, log = proposal(policy.read_text()), policy.with_name("policy.changelog.md")
    accept(made, policy, "petra", people=None, today=TODAY, effective=LATER)
    accept(made, policy, "petra", people=None, today=TODAY, effective=None)
    assert [(one.id, one.effective) for one in waiting_changes(policy)] == [("1a2b3c4d", LATER)]
    assert log.read_text().count("accepted by petra, to count from 2026-12-01 on") == 1
    with pytest.raises(ConfigError, match="handrail review rollback 1a2b3c4d takes that back"):
        accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)
    done = take_back(policy, "1a2b", "petra", today=TODAY)
    assert (done.id, done.is_done, done.was_written) == ("1a2b3c4d", True, False)
    assert "1a2b3c4d withdrawn by petra before it counted: Move the limit" in log.read_text()
    assert waiting_changes(policy) == ()
    assert write_due(policy, today=LATER) == ()
    assert accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY).is_written


def test_a_change_whose_day_has_come_is_no_longer_withdrawn(policy: Path) -> None:
    accept(proposal(policy.read_text()), policy, "petra", people=None, today=TODAY, effective=LATER)
    with pytest.raises(ConfigError, match="handrail review due"):
        take_back(policy, "1a2b", "petra", today=LATER)


def test_two_people_withdraw_what_two_accepted_and_one_what_one_did(policy: Path) -> None:
    people = two_supervisors(policy)
    made = proposal(policy.read_text())
    accept(made, policy, "ann", people=people, today=TODAY, effective=LATER)
    assert take_back(policy, "1a2b", "bob", people=people, today=TODAY).is_done
    for person in ("ann", "bob"):
        accept(made, policy, person, people=people, today=TODAY, effective=LATER)
    with pytest.raises(ConfigError, match="no member of supervisor"):
        take_back(policy, "1a2b", "cid", people=people, today=TODAY)
    assert not take_back(policy, "1a2b", "ann", people=people, today=TODAY).is_done
    assert not take_back(policy, "1a2b", "ann", people=people, today=TODAY).is_done
    assert len(waiting_changes(policy)) == 1
    assert take_back(policy, "1a2b", "bob", people=people, today=TODAY).is_done
    assert write_due(policy, today=LATER) == ()
    assert "withdrawn by ann, bob" in policy.with_name("policy.changelog.md").read_text()


def two_supervisors(policy: Path) -> People:
    text = policy.read_text().replace(
        "owner: process_owner_returns\n", "owner: process_owner_returns\nenforced_by: supervisor\n", 1
    )
    policy.write_text(text)
    people_file = policy.with_name("people.yaml")
    roles = "\n".join(f"  {role}: [ann, bob]" for role in loads(text).roles if role != "finance_lead")
    people_file.write_text(f"roles:\n{roles}\n  finance_lead: [cid]\n")
    return load_people(people_file, load(policy))


def test_where_the_policy_asks_for_two_one_person_is_not_enough(policy: Path) -> None:
    people = two_supervisors(policy)
    text = policy.read_text()
    made = proposal(text)
    with pytest.raises(ConfigError, match="people file"):
        accept(made, policy, "ann", people=None, today=TODAY, effective=TODAY)
    with pytest.raises(ConfigError, match="no member of supervisor"):
        accept(made, policy, "cid", people=people, today=TODAY, effective=TODAY)
    first = accept(made, policy, "ann", people=people, today=TODAY, effective=TODAY)
    again = accept(made, policy, "ann", people=people, today=TODAY, effective=TODAY)
    assert (first.is_written, again.is_written) == (False, False)
    assert policy.read_text() == text
    second = accept(made, policy, "bob", people=people, today=TODAY, effective=TODAY)
    assert second.is_written
    assert second.by == ("ann", "bob")
    for _ in range(2):
        half = take_back(policy, "1a2b", "ann", people=people, today=TODAY)
        assert (half.is_done, half.title, half.by) == (False, "Move the limit", ("ann",))
    assert policy.read_text() == made.text
    assert take_back(policy, "1a2b", "bob", people=people, today=TODAY).is_done
    assert "taken back by ann, bob" in policy.with_name("policy.changelog.md").read_text()
    assert policy.read_text() == text
    assert not accept(made, policy, "ann", people=people, today=TODAY, effective=TODAY).is_written
    assert policy.read_text() == text


def test_a_change_that_was_taken_back_is_accepted_as_if_for_the_first_time(policy: Path) -> None:
    made = proposal(policy.read_text())
    accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)
    take_back(policy, "1a2b", "petra", today=TODAY)
    assert accepted_so_far(policy, "1a2b") == ((), None)
    again = accept(made, policy, "quinn", people=None, today=TODAY, effective=LATER)
    assert (again.by, again.is_written, again.waits_for) == (("quinn",), False, str(LATER))


def test_proposals_are_found_by_the_beginning_of_their_id(policy: Path, tmp_path: Path) -> None:
    made = proposal(policy.read_text())
    path = write_proposals([made], tmp_path)
    assert read_proposal(path, "1a2") == made
    with pytest.raises(ConfigError, match="no proposal"):
        read_proposal(path, "ffff")
    path.write_text("{}")
    with pytest.raises(ConfigError):
        read_proposal(path, "1a2")


def with_text(made: Proposal, text: str) -> Proposal:
    return replace(made, text=text, result=digest(text))


def test_two_people_who_saw_two_texts_have_accepted_nothing(policy: Path) -> None:
    people = two_supervisors(policy)
    text = policy.read_text()
    made = proposal(text)
    other = with_text(made, made.text.replace("260 USD", "250 USD"))
    accept(made, policy, "ann", people=people, today=TODAY, effective=TODAY)
    with pytest.raises(ProposalRefused, match="with another text") as refused:
        accept(other, policy, "bob", people=people, today=TODAY, effective=TODAY)
    assert refused.value.code is WhyRefused.STALE
    assert policy.read_text() == text
    assert accept(made, policy, "bob", people=people, today=TODAY, effective=TODAY).is_written


def test_a_text_whose_own_tests_fail_is_not_accepted(policy: Path) -> None:
    made = proposal(policy.read_text())
    failing = with_text(
        made, re.sub(r"hand_off: \[\w+\]", "hand_off: [process_owner, supervisor]", made.text)
    )
    assert failing.text != made.text
    before = policy.read_text()
    with pytest.raises(ProposalRefused, match="cannot be accepted"):
        accept(failing, policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert policy.read_text() == before


@pytest.mark.parametrize("name", ["petra\n- 2026-01-01 forged", "", "  ", "pet\x00ra", "\ud83d"])
def test_whoever_accepts_has_a_name_that_stays_on_one_line(policy: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="printable"):
        accept(proposal(policy.read_text()), policy, name, people=None, today=TODAY, effective=TODAY)


def test_a_title_is_one_line_of_the_changelog_whatever_stands_in_it(policy: Path) -> None:
    made = replace(proposal(policy.read_text()), title="Move\n- 2026-01-01 f00 accepted by the board \ud83d")
    accept(made, policy, "petra", people=None, today=TODAY, effective=TODAY)
    lines = policy.with_name("policy.changelog.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("- ")] == lines[2:]
    assert len(lines) == 3


def test_a_linked_policy_stays_a_link_and_keeps_who_may_read_it(policy: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    policy.rename(real / "policy.yaml")
    (real / "policy.yaml").chmod(0o600)
    policy.symlink_to(real / "policy.yaml")
    accept(proposal(policy.read_text()), policy, "petra", people=None, today=TODAY, effective=TODAY)
    assert policy.is_symlink()
    assert "refund.amount > 260 USD" in (real / "policy.yaml").read_text()
    assert (real / "policy.yaml").stat().st_mode & 0o777 == 0o600


def test_of_two_who_accept_at_once_one_is_told_that_the_policy_has_changed(policy: Path) -> None:
    text = policy.read_text()
    made = proposal(text)
    other = replace(with_text(made, made.text.replace("260 USD", "250 USD")), id="2b3c4d5e")
    told: list[str] = []

    def accepts(one: Proposal) -> None:
        try:
            told.append("written" if accept_now(one).is_written else "waits")
        except ProposalRefused as refused:
            told.append(str(refused.code))

    def accept_now(one: Proposal) -> Accepted:
        return accept(one, policy, "petra", people=None, today=TODAY, effective=TODAY)

    for _ in range(2):
        told.clear()
        put(policy, text)
        shutil.rmtree(policy.with_name("policy.changes"), ignore_errors=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(accepts, (made, other)))
        assert sorted(told) == ["proposal_stale", "written"]


def test_two_people_who_accept_at_once_have_both_accepted(policy: Path) -> None:
    people = two_supervisors(policy)
    text = policy.read_text()
    made = proposal(text)

    def accepts(name: str) -> Accepted:
        return accept(made, policy, name, people=people, today=TODAY, effective=TODAY)

    for _ in range(2):
        put(policy, text)
        shutil.rmtree(policy.with_name("policy.changes"), ignore_errors=True)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(accepts, ("ann", "bob")))
        assert [one.is_written for one in done].count(True) == 1
        assert "260 USD" in policy.read_text()


def test_one_change_that_is_stale_holds_no_other_one_up(policy: Path) -> None:
    text = policy.read_text()
    made = proposal(text)
    other = replace(with_text(made, made.text.replace("260 USD", "250 USD")), id="2b3c4d5e")
    for one in (made, other):
        accept(one, policy, "petra", people=None, today=TODAY, effective=LATER)
    with pytest.raises(ConfigError, match="rollback 2b3c4d5e"):
        write_due(policy, today=LATER)
    assert policy.read_text() == made.text
    take_back(policy, "2b3c4d5e", "petra", today=LATER)
    assert write_due(policy, today=LATER) == ()


def test_a_kept_change_that_was_edited_by_hand_is_not_written(policy: Path) -> None:
    made, text = proposal(policy.read_text()), policy.read_text()
    accept(made, policy, "petra", people=None, today=TODAY, effective=LATER)
    kept = policy.with_name("policy.changes") / "1a2b3c4d.json"
    about = json.loads(kept.read_text())
    kept.write_text(json.dumps({**about, "after": about["after"].replace("260 USD", "9000 USD")}))
    with pytest.raises(ConfigError, match="not what people accepted"):
        write_due(policy, today=LATER)
    assert policy.read_text() == text


@pytest.mark.parametrize(
    "change",
    [{"id": "../../target"}, {"text": 5}, {"certified": "0.1"}, {"tests": "abc"}, {"title": None}],
)
def test_what_is_no_proposal_is_read_as_none(tmp_path: Path, policy: Path, change: dict[str, object]) -> None:
    path = write_proposals([proposal(policy.read_text())], tmp_path)
    (about,) = json.loads(path.read_text())
    path.write_text(json.dumps([{**about, **change}]))
    with pytest.raises(ConfigError, match="proposal"):
        read_proposal(path, str({**about, **change}["id"]))


def test_a_file_that_is_nested_without_end_holds_no_proposals(tmp_path: Path) -> None:
    path = tmp_path / "proposals.json"
    path.write_text("[" * 200_000)
    with pytest.raises(ConfigError, match="holds no proposals"):
        read_proposal(path, "1a2b")
