"""Whatever a customer, a model or a colleague writes is shown as text: it makes no element and no link."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from handrail.records import (
    Context,
    Decision,
    Draft,
    Effect,
    Evidence,
    Message,
    PolicyRef,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.tickets.compose import compose
from handrail.tickets.ticket import Ticket
from support.inbox import Browser, Scene, inbox_of_tickets
from support.stores import POLICY

MARK = "xss"
HOSTILE = (
    f"<script>{MARK}</script>",
    f'"><img src=x onerror={MARK}>',
    f"' onmouseover='{MARK}",
    f'" autofocus onfocus="{MARK}',
    f"</textarea><svg onload={MARK}>",
    f"</script><iframe srcdoc='{MARK}'>",
    f"javascript:{MARK}",
    f"{{{{ {MARK}.__class__ }}}}{{% {MARK} %}}",
    f"<a href='javascript:{MARK}'>x</a><base href=//{MARK}>",
    f"&lt;script&gt;{MARK}&#x3c;img&gt;",
    f"]]><!--{MARK}--><style>*{{}}</style>",
    f"\u202e{MARK}\u2028\x00<b hx-get=/{MARK}>",
)


class Elements(HTMLParser):
    """What a page makes of its texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("iframe", "base", "object", "embed", "style"):
            self.bad.append(tag)
        for name, value in attrs:
            if name.startswith(("on", "hx-on")) or name == "style":
                self.bad.append(f"{tag} {name}")
            is_address = name in ("href", "src", "action", "formaction", "hx-get", "hx-post", "srcdoc")
            if is_address and ((MARK in str(value) and name != "action") or "script:" in str(value)):
                self.bad.append(f"{tag} {name}={value}")
        if tag == "script" and not str(dict(attrs).get("src", "")).startswith("/static/"):
            self.bad.append("script")


def hostile_ticket(text: str, *, with_action: bool, now: datetime) -> Ticket:
    call = ToolCall(id="c1", name="issue_refund", arguments=json.dumps({"amount": 640, "to": text, text: 1}))
    before = ToolCall(id="c0", name="find_order", arguments=json.dumps({"order": text}))
    evidence = Evidence(
        exchange=f"x-{abs(hash(text))}-{with_action}",
        context=Context(customer=text, conversation=None),
        messages=(
            Message(speaker=Speaker.USER, text=text),
            Message(speaker=Speaker.ASSISTANT, text=text, tool_calls=(before,)),
            Message(speaker=Speaker.TOOL, text=text, tool_call_id="c0"),
            Message(speaker=Speaker.USER, text=text),
        ),
        draft=None if with_action else Draft(text=text),
        call=call if with_action else None,
    )
    reason = Reason(
        rule="big-refund",
        effect=Effect.HAND_OFF,
        trigger=Trigger.HIGH_STAKES,
        severity=Severity.HIGH,
        role="finance_lead",
        because=text,
        unknown=(text,),
    )
    decision = Decision(
        stage=Stage.TOOL,
        effect=Effect.HAND_OFF,
        policy=PolicyRef(name="shop", version="1", sha256="ab" * 32),
        reasons=(reason,),
        role="finance_lead",
    )
    return compose(evidence, decision, notice=text, now=now, id=uuid.uuid4().hex, policy=POLICY)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    limits = {"steps": 100_000, "sign_ins": 1000}
    with inbox_of_tickets(tmp_path_factory.mktemp("inbox"), limits=limits) as found:
        yield found


def bad_of(browser: Browser, path: str) -> list[str]:
    answer = browser.get(path)
    assert answer.status_code < 500
    elements = Elements()
    elements.feed(answer.text)
    return elements.bad


@pytest.mark.parametrize("with_action", [True, False])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(scene: Scene, text: str, with_action: bool) -> None:
    ticket = hostile_ticket(text, with_action=with_action, now=scene.clock())
    scene.store.open(ticket)
    browser = scene.signed_in("fay")
    ref = f"/tickets/{ticket.id}"
    browser.api("POST", f"{ref}/claim", {})
    browser.api("POST", f"{ref}/inform", {"answer": text or "x"})
    shown = browser.get(ref)
    # Masked or not, something of it is on the page, so that there was something to escape.
    assert MARK in shown.text or "[" in shown.text
    assert bad_of(browser, ref) == []
    assert bad_of(browser, "/") == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_addresses_make_nothing(scene: Scene, text: str) -> None:
    browser = scene.signed_in("fay")
    said = quote(text, safe="")
    for path in (
        f"/?q={said}",
        f"/?role={said}",
        f"/?said={said}",
        f"/sign-in?next={said}",
        f"/tickets/{said}",
    ):
        assert bad_of(browser, path) == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_forms_make_nothing(scene: Scene, text: str) -> None:
    ticket = scene.ticket()
    browser = scene.signed_in("fay")
    fields = {
        "verdict": "edit",
        "arg.order": text,
        "message_to_user": text,
        "note": text,
        "reason_code": text,
    }
    answer = browser.submit(f"/tickets/{ticket.id}/preview", fields, page=f"/tickets/{ticket.id}")
    assert answer.status_code < 500
    elements = Elements()
    elements.feed(answer.text)
    assert elements.bad == []


def test_the_check_itself_sees_what_it_is_for() -> None:
    # Those that break out of an attribute in double quotes, out of a text, or out of a text area.
    for text in (HOSTILE[0], HOSTILE[1], HOSTILE[3], HOSTILE[4]):
        elements = Elements()
        elements.feed(f'<p title="{text}">{text}</p><textarea>{text}</textarea>')
        assert elements.bad


def test_the_api_sends_words_as_json_that_no_browser_runs(scene: Scene) -> None:
    ticket = hostile_ticket(HOSTILE[0] + "api", with_action=True, now=scene.clock())
    scene.store.open(ticket)
    answer = scene.signed_in("fay").api("GET", f"/tickets/{ticket.id}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
