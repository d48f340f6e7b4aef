"""The weekly review in the inbox: for its owner, masked, and nothing is changed but as it was shown."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handrail.review.changes.proposal import Proposal, digest
from handrail.service.reviewing import ReviewedWeek, Reviewing
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY, Scene, inbox
from support.stores import SECRET

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = "2026-W10"
OWNED = (
    TICKETS_POLICY
    + """\
owner: process_owner
facts:
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount, optional: true}
hand_offs:
  - id: big-refund
    trigger: high_stakes
    when: refund.amount is known and refund.amount > 100 USD
    to: finance_lead
    because: Signed.
"""
)
CHANGED = OWNED.replace("100 USD", "260 USD")
PEOPLE = TICKETS_PEOPLE.replace("[pat]", "[pat, pam]")


def proposal(before: str, after: str, **given: Any) -> Proposal:
    found = Proposal(
        id="1a2b3c4d",
        kind="needless",
        title="Let big-refund rest up to 260 USD",
        why="<b>They</b> were late.",
        diff="--- a/secret/policy.yaml\n+++ b/secret/policy.yaml\n-old <x>\n+new <y>\n",
        base=digest(before),
        result=digest(after),
        text=after,
    )
    return replace(found, **given)


@pytest.fixture(params=[False, True], ids=["one person", "two people"])
def four_eyes(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def scene(tmp_path: Path, four_eyes: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """An inbox whose review proposes one change; a week has gone since its only ticket."""
    more = "enforced_by: process_owner\n" if four_eyes else ""
    before, after = OWNED + more, CHANGED + more
    made = Reviewing._make

    def with_proposal(self: Reviewing, *given: Any) -> ReviewedWeek:
        found = made(self, *given)
        return replace(found, review=replace(found.review, patches=(proposal(before, after),)))

    monkeypatch.setattr(Reviewing, "_make", with_proposal)
    with inbox(tmp_path, policy=before, people=PEOPLE, managers=["mira"]) as opened:
        opened.ticket()
        opened.clock.move(days=8)
        yield opened


def policy(scene: Scene) -> str:
    return (scene.folder / "shop.yaml").read_text()


def accepted(scene: Scene, person: str, **fields: str) -> Any:
    browser = scene.signed_in(person)
    page = browser.get(f"/review/{WEEK}/1a2b3c4d").text
    found = re.search(r'name="result" value="([0-9a-f]{64})"', page)
    assert found
    return browser.submit(f"/review/{WEEK}/1a2b3c4d/accept", {"result": found[1], **fields})


def test_the_review_is_for_managers_and_those_who_own_the_policy(scene: Scene) -> None:
    for person, status in (("mira", 200), ("pat", 200), ("fay", 404)):
        browser = scene.signed_in(person)
        assert browser.get(f"/review/{WEEK}").status_code == status, person
        assert browser.get(f"/review/{WEEK}/1a2b3c4d").status_code == status, person
        assert ('href="/review"' in browser.get("/").text) is (status == 200), person
    done = scene.signed_in("fay").submit(f"/review/{WEEK}/1a2b3c4d/accept", {"result": "0" * 64})
    assert done.status_code == 404


def test_a_week_is_shown_masked_with_its_figures_and_links_to_tickets(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    assert browser.get("/review").headers["location"] == f"/review/{WEEK}"
    page = browser.get(f"/review/{WEEK}").text
    assert re.search(r'href="/tickets/[0-9a-f]+"', page)
    assert "Let big-refund rest up to 260 USD" in page
    assert "<b>They</b>" not in page
    assert SECRET not in page
    assert "<style" not in page
    assert " style=" not in page
    assert browser.get("/review/style.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("week", ["2026-W60", "last", "2027-W10", "..%2fpeople.yaml"])
def test_what_is_no_week_is_refused(scene: Scene, week: str) -> None:
    assert scene.signed_in("pat").get(f"/review/{week}").status_code in (404, 422)


def test_a_change_is_shown_before_it_is_accepted_and_names_no_folder(scene: Scene) -> None:
    page = scene.signed_in("pat").get(f"/review/{WEEK}/1a2b3c4d").text
    assert "<del>-old &lt;x&gt;</del>" in page
    assert "secret/" not in page
    assert policy(scene).count("260 USD") == 0


def test_what_one_accepts_is_written_and_where_two_must_it_waits(scene: Scene, four_eyes: bool) -> None:
    first = accepted(scene, "pat")
    assert first.status_code == 303
    assert ("260 USD" in policy(scene)) is not four_eyes
    if four_eyes:
        assert first.headers["location"].endswith("accepted_waits")
        assert "Accepted so far by pat" in scene.signed_in("pam").get(f"/review/{WEEK}/1a2b3c4d").text
        assert accepted(scene, "pat").headers["location"].endswith("accepted_waits")
        assert accepted(scene, "pam").headers["location"].endswith("said=accepted")
        assert "260 USD" in policy(scene)
        assert scene.store.verify().problems == ()


def test_what_is_not_as_it_was_shown_is_not_accepted(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    done = browser.submit(f"/review/{WEEK}/1a2b3c4d/accept", {"result": "0" * 64})
    assert done.status_code == 409
    assert "no longer what was shown" in done.text
    (scene.folder / "shop.yaml").write_text(policy(scene) + "# a remark\n")
    changed = accepted(scene, "pat")
    assert changed.status_code == 409
    assert str(scene.folder) not in changed.text
    assert "260 USD" not in policy(scene)


def test_a_manager_who_does_not_own_the_policy_may_look_but_not_accept(scene: Scene) -> None:
    done = accepted(scene, "mira")
    assert done.status_code == 409
    assert "mira is no member of process_owner" in done.text
    assert "260 USD" not in policy(scene)


def test_a_form_without_the_pages_token_changes_nothing(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    for step in ("accept", "decline"):
        done = browser.post(f"/review/{WEEK}/1a2b3c4d/{step}", data={"result": "0" * 64})
        assert done.status_code == 403
    assert "Let big-refund rest up to 260 USD" in browser.get(f"/review/{WEEK}").text


def test_after_some_time_only_a_fresh_sign_in_changes_anything(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    page = browser.get(f"/review/{WEEK}/1a2b3c4d").text
    found = re.search(r'name="result" value="([0-9a-f]{64})"', page)
    assert found
    scene.clock.move(minutes=30)
    done = browser.submit(f"/review/{WEEK}/1a2b3c4d/accept", {"result": found[1]})
    assert done.headers["location"].startswith("/sign-in/again")
    assert "260 USD" not in policy(scene)


def test_what_is_declined_is_on_record_and_not_shown_again(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    assert browser.submit(f"/review/{WEEK}/1a2b3c4d/decline").status_code == 303
    assert "Let big-refund rest up to 260 USD" not in browser.get(f"/review/{WEEK}").text
    declined = [one for one in scene.store.export() if one["kind"] == "review.decline"]
    assert [(one["actor"], one["data"]) for one in declined] == [("pat", {"proposal": "1a2b3c4d"})]


def test_a_language_has_its_own_words_on_both_pages(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    for path in (f"/review/{WEEK}", f"/review/{WEEK}/1a2b3c4d"):
        assert "Wochenrückblick" in browser.get(path, headers={"accept-language": "de"}).text


def test_the_api_gives_the_same_review_to_the_same_people(scene: Scene) -> None:
    found = scene.signed_in("pat").api("GET", f"/review?week={WEEK}")
    assert found.status_code == 200
    assert found.json()["week"] == WEEK
    assert found.json()["review"]["all"]["tickets"] == 1
    assert [one["id"] for one in found.json()["review"]["changes"]] == ["1a2b3c4d"]
    assert SECRET not in found.text
    assert scene.signed_in("fay").api("GET", "/review").status_code in (403, 404)
    assert scene.signed_in("pat").api("GET", "/review?week=soon").status_code == 422


def test_a_rule_leads_to_the_list_of_its_tickets(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    page = browser.get(f"/review/{WEEK}").text
    link = re.search(r'<a href="(/\?state=ended&amp;q=rule[^"]+)">big-refund</a>', page)
    assert link
    assert browser.get(link[1].replace("&amp;", "&")).status_code == 200


def asked(browser: Any, step: str, **more: str) -> Any:
    """Ask the API to accept or decline the proposal as it is shown there."""
    shown = browser.api("GET", f"/review/proposals?week={WEEK}").json()["proposals"]
    body = {"week": WEEK, "proposal": "1a2b3c4d"}
    if step == "accept":
        body["result"] = shown[0]["result"] if shown else "0" * 64
    headers = {name: more.pop(name) for name in ("idempotency_key",) if name in more}
    return browser.api("POST", f"/review/{step}", {**body, **more}, **headers)


def test_the_api_lists_proposals_with_their_diff_and_names_no_folder(scene: Scene, four_eyes: bool) -> None:
    found = scene.signed_in("pat").api("GET", f"/review/proposals?week={WEEK}")
    listed = found.json()
    (one,) = listed["proposals"]
    assert (one["id"], one["is_ready"], one["is_note"], one["accepted_by"]) == ("1a2b3c4d", True, False, [])
    assert one["result"] == digest(CHANGED + ("enforced_by: process_owner\n" if four_eyes else ""))
    assert "-old <x>" in one["diff"]
    assert listed["needs_two"] is four_eyes
    review = scene.signed_in("pat").api("GET", f"/review?week={WEEK}")
    for text in (found.text, review.text):
        assert "secret/" not in text
        assert SECRET not in text


def test_a_change_is_accepted_by_the_api_and_where_two_must_it_waits(scene: Scene, four_eyes: bool) -> None:
    first = asked(scene.signed_in("pat"), "accept")
    assert first.status_code == 200
    assert first.json()["by"] == ["pat"]
    assert first.json()["is_written"] is not four_eyes
    assert ("260 USD" in policy(scene)) is not four_eyes
    if four_eyes:
        assert first.json()["waits_for"] == "another member of process_owner"
        assert asked(scene.signed_in("pat"), "accept").json()["by"] == ["pat"]
        second = asked(scene.signed_in("pam"), "accept")
        assert (second.json()["by"], second.json()["is_written"]) == (["pat", "pam"], True)
    assert "260 USD" in policy(scene)
    accepted = [(one["actor"], one["data"]) for one in scene.store.export() if one["kind"] == "review.accept"]
    assert [actor for actor, _ in accepted] == (["pat", "pam"] if four_eyes else ["pat"])
    assert all(data["proposal"] == "1a2b3c4d" for _, data in accepted)
    assert all(data["result"] == digest(policy(scene)) for _, data in accepted)
    assert scene.store.verify().problems == ()
    again = asked(scene.signed_in("pam"), "accept")
    assert (again.status_code, again.json()["code"]) == (409, "proposal_accepted")


def test_one_half_by_the_page_and_the_other_by_the_api_is_the_same_change(
    scene: Scene, four_eyes: bool
) -> None:
    assert accepted(scene, "pat").status_code == 303
    second = asked(scene.signed_in("pam"), "accept")
    assert (second.status_code == 200) is four_eyes
    assert "260 USD" in policy(scene)


def test_the_same_key_accepts_once_and_another_step_may_not_have_it(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    first = asked(browser, "accept", idempotency_key="k1")
    before = len([one for one in scene.store.export() if one["kind"] == "review.accept"])
    assert asked(browser, "accept", idempotency_key="k1").json() == first.json()
    assert asked(browser, "decline", idempotency_key="k1").json()["code"] == "key_reused"
    assert len([one for one in scene.store.export() if one["kind"] == "review.accept"]) == before == 1


def test_what_cannot_be_accepted_is_refused_by_a_code(scene: Scene, four_eyes: bool) -> None:
    pat, mira = scene.signed_in("pat"), scene.signed_in("mira")
    for step in ("accept", "decline"):
        unknown = asked(pat, step, proposal="ffff")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_proposal")
    refused = asked(pat, "accept", result="0" * 64)
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_stale")
    refused = asked(mira, "accept")
    assert (refused.status_code, refused.json()["code"]) == (403, "no_member")
    if four_eyes:
        assert asked(pat, "accept", effective="2026-04-01").status_code == 200
        refused = asked(scene.signed_in("pam"), "accept", effective="2026-05-01")
        assert (refused.status_code, refused.json()["code"]) == (409, "proposal_other_day")
        assert "2026-04-01" in refused.json()["detail"]
    (scene.folder / "shop.yaml").write_text(policy(scene) + "# a remark\n")
    refused = asked(pat, "accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_stale")
    assert str(scene.folder) not in refused.text
    assert "260 USD" not in policy(scene)


def test_what_is_not_ready_is_refused_and_says_why(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Reviewing._make

    def with_problem(self: Reviewing, *given: Any) -> ReviewedWeek:
        found = made(self, *given)
        (one,) = found.review.patches
        return replace(
            found, review=replace(found.review, patches=(replace(one, problems=("a test fails",)),))
        )

    monkeypatch.setattr(Reviewing, "_make", with_problem)
    refused = asked(scene.signed_in("pat"), "accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_not_ready")
    assert "a test fails" in refused.json()["detail"]


def test_after_some_time_the_api_too_asks_who_one_is(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    scene.clock.move(minutes=30)
    for step in ("accept", "decline"):
        refused = asked(browser, step)
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    assert "260 USD" not in policy(scene)


def test_what_is_declined_by_the_api_is_on_record_and_proposed_no_more(scene: Scene) -> None:
    browser = scene.signed_in("pat")
    assert asked(browser, "decline").json() == {"id": "1a2b3c4d"}
    assert browser.api("GET", f"/review/proposals?week={WEEK}").json()["proposals"] == []
    assert asked(browser, "accept").json()["code"] == "no_such_proposal"
    declined = [one["actor"] for one in scene.store.export() if one["kind"] == "review.decline"]
    assert declined == ["pat"]
