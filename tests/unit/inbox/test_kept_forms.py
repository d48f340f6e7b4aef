"""What was filled in is kept for its person, once and for a short while."""

from pathlib import Path

from handrail.inbox.kept_forms import KEPT_FOR, KeptForms
from support.inbox import Clock, inbox_of_tickets


def test_a_form_is_given_back_once_to_whoever_filled_it_in() -> None:
    forms = KeptForms(Clock())
    forms.keep("acme", "fay", "HR-1", {"arg.amount": "590", "csrf": "secret", "note": ""})
    assert forms.take("acme", "finn", "HR-1") == {}
    assert forms.take("other", "fay", "HR-1") == {}
    assert forms.take("acme", "fay", "HR-1") == {"arg.amount": "590"}
    assert forms.take("acme", "fay", "HR-1") == {}


def test_a_form_is_kept_for_a_short_while_only() -> None:
    clock = Clock()
    forms = KeptForms(clock)
    forms.keep("acme", "fay", "HR-1", {"arg.amount": "590"})
    clock.move(seconds=KEPT_FOR.total_seconds())
    assert forms.take("acme", "fay", "HR-1") == {}


def test_nothing_is_kept_of_a_form_without_the_token_of_its_page(tmp_path: Path) -> None:
    with inbox_of_tickets(tmp_path) as scene:
        ticket = scene.ticket()
        browsers = [scene.signed_in("fay") for _ in range(2)]
        tokens = ["0" * 96, browsers[1].token("/")]
        scene.clock.move(hours=2)
        for browser, token, is_kept in zip(browsers, tokens, (False, True), strict=True):
            sent = {"csrf": token, "arg.amount": "590"}
            answer = browser.post(f"/tickets/{ticket.id}/preview", data=sent)
            assert answer.status_code == 303
            kept = scene.app.state.inbox.kept_forms.take("default", "fay", ticket.id)
            assert bool(kept) is is_kept
            assert ("next=" in answer.headers["location"]) is is_kept
