"""Whether an action is the person's own wish: where its arguments came from, and who asked for such an act.

Text from tools, documents and the web may hold instructions that nobody gave. Words show that only weakly;
where an action's values stand shows it well.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.records import Message, Speaker, ToolCall
from handrail.signals.features import words_in
from handrail.text.edges import holds_whole
from handrail.text.json_data import leaves

_LEAST = 3
"""Shorter values (a count, a currency's sign) stand anywhere by chance."""

_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

ACTS: Mapping[str, str] = {
    "refund": "refund refunds refunded reimburse reimbursement money back return",
    "pay": "pay payment pays paid settle transfer send wire remit",
    "transfer": "transfer transfers send move wire pay payment remit",
    "send": "send sends email mail forward message write reply tell share notify text invite let",
    "forward": "forward send pass share email mail",
    "email": "email mail send write reply forward message",
    "reply": "reply answer respond write send",
    "delete": "delete remove erase close clear cancel drop wipe rid clean",
    "remove": "remove delete take off erase drop",
    "close": "close delete end terminate cancel",
    "cancel": "cancel cancels stop call off end terminate",
    "update": "update change set edit correct modify move switch replace rename fix",
    "change": "change update set edit correct modify move switch replace reset",
    "set": "set change update turn make put",
    "reset": "reset change forgot recover new",
    "create": "create make add new open set write book schedule draft generate file",
    "add": "add put include create invite append",
    "book": "book reserve reservation schedule get arrange order buy",
    "schedule": "schedule book arrange set plan meeting appointment move",
    "order": "order buy purchase get need want",
    "buy": "buy order purchase get",
    "exchange": "exchange swap change replace trade",
    "return": "return send back refund",
    "grant": "grant give allow share access permission",
    "share": "share send give access invite",
    "invite": "invite add share send",
    "post": "post publish share write put",
    "publish": "publish post release share",
    "upload": "upload send put save store",
    "download": "download get fetch save",
    "run": "run execute start launch do",
    "execute": "execute run start do",
    "approve": "approve accept confirm sign ok",
    "export": "export download send give extract",
    "apply": "apply use redeem add",
    "block": "block freeze lock stop stolen lost",
    "freeze": "freeze block lock stop stolen lost",
    "call": "call phone ring dial",
    "subscribe": "subscribe sign join",
    "unsubscribe": "unsubscribe stop cancel remove",
    "archive": "archive file store clean move",
    "rename": "rename name call change",
    "move": "move put transfer file shift reschedule",
    "write": "write save create note draft edit",
    "save": "save store keep write note",
    "get": "get what which show find look see check tell give is are how where when read list",
    "read": "read what show open see check tell summarise summarize look",
    "list": "list what which show see all any read",
    "search": "search find look what which where show any",
    "find": "find search look where what which show",
    "check": "check is are see what status whether look",
    "summarize": "summarize summarise sum summary short read what",
}
"""First word of a tool's name → words with which people ask for such an act."""


def action_came_from(call: ToolCall, messages: Sequence[Message]) -> str | None:
    """Tell where a call's arguments stand; None if it has none that can be looked for.

    Of all values the least trusted decides: `untrusted_text` if one stands only inside a longer text that a
    tool or a document gave, then `nowhere`, then `tool_result` if one is a whole value of a result only,
    else `user_text`.
    """
    said = " ".join(message.text for message in messages if message.speaker is Speaker.USER)
    results = [message.text for message in messages if message.speaker is Speaker.TOOL]
    places = {_place(value, said, results) for value in _values(call)}
    for place in ("untrusted_text", "nowhere", "tool_result", "user_text"):
        if place in places:
            return place
    return None


def asked_by_user(call: ToolCall, messages: Sequence[Message]) -> bool:
    """Tell whether the person's own words ask for this tool's kind of act or name a value of the call."""
    texts = [message.text for message in messages if message.speaker is Speaker.USER]
    said = " ".join(texts)
    words = words_in(said)
    parts = [part.lower() for part in _PARTS.findall(call.name)]
    # The first word that names an act decides: `update_standing_order` updates and orders nothing.
    act = next((part for part in parts if part in ACTS), next(iter(parts), call.name.lower()))
    if act in words or not words.isdisjoint(ACTS.get(act, "").split()):
        return True
    return any(_stands_in(said, value) for value in _values(call))


def _place(value: str, said: str, results: Sequence[str]) -> str:
    if _stands_in(said, value):
        return "user_text"
    is_inside = False
    for result in results:
        data = _data(result)
        for _, leaf in leaves(data):
            text = str(leaf).strip().casefold()
            if text == value.casefold() and not (data is result and " " in text):
                return "tool_result"
            is_inside = is_inside or _stands_in(str(leaf), value)
    return "untrusted_text" if is_inside else "nowhere"


def _stands_in(text: str, value: str) -> bool:
    return holds_whole(text, value.casefold())


def _values(call: ToolCall) -> Iterator[str]:
    """Yield the argument values that can be looked for: texts and numbers of some length."""
    for _, leaf in leaves(_data(call.arguments)):
        if isinstance(leaf, bool) or leaf is None:
            continue
        text = str(leaf).strip()
        if len(text) >= _LEAST:
            yield text.removesuffix(".0") if isinstance(leaf, float) else text


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
