"""Facts for the retail policy from the public database; what gold lists of calls are checked with."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from benchmarks.report import data

from handrail.records import Evidence, Message, Speaker, ToolCall

Json = dict[str, Any]
AFTER = {
    "cancel_pending_order": "cancelled",
    "modify_pending_order_items": "pending (items modified)",
    "return_delivered_order_items": "return requested",
    "exchange_delivered_order_items": "exchange requested",
}


@cache
def database() -> Json:
    """Read the start state: products, users, orders."""
    content: Json = json.loads(gzip.decompress(data("tau", "tau2", "retail_db.json.gz").read_bytes()))
    return content


def from_tau(record: Mapping[str, Any]) -> "RetailFacts":
    """Return the facts of one record; every record starts from the untouched database."""
    return RetailFacts()


class RetailFacts:
    """Answers a policy's facts about the call in question; a name it cannot tell is left out."""

    def __init__(self) -> None:
        self._orders: Json = {}

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""
        if evidence.call is None:
            return {}
        arguments = json.loads(evidence.call.arguments)
        order = self._orders.get(arguments.get("order_id")) or database()["orders"].get(
            arguments.get("order_id")
        )
        found = {name: FACTS[name](arguments, order, evidence.messages) for name in names if name in FACTS}
        return {name: value for name, value in found.items() if value is not None}

    def assume(self, call: ToolCall) -> None:
        """Take a change as made whose answer was not recorded."""
        key = json.loads(call.arguments).get("order_id")
        order = self._orders.get(key) or database()["orders"].get(key)
        if order is not None and call.name in AFTER:
            self._orders[key] = {**order, "status": AFTER[call.name]}


def identified(messages: Sequence[Message]) -> str | None:
    """Return the user id that the look-up by e-mail or name found."""
    looked = {call.id for m in messages for call in m.tool_calls if call.name.startswith("find_user_id")}
    results = (
        m.text
        for m in messages
        if m.speaker is Speaker.TOOL and m.tool_call_id in looked and m.text in database()["users"]
    )
    return next(results, None)


def is_own(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """Is it the order, or the profile, of the person who was looked up?"""
    owner = order["user_id"] if order else arguments.get("user_id")
    return None if owner is None else owner == identified(messages)


def exchanged(arguments: Json) -> list[tuple[Json | None, Json | None, str, str]]:
    """Return old and new item of each exchange, with their products' ids."""
    pairs = zip(arguments.get("item_ids", ()), arguments.get("new_item_ids", ()), strict=False)
    return [(*item(old)[:1], *item(new)[:1], item(old)[1], item(new)[1]) for old, new in pairs]


@cache
def item(key: str) -> tuple[Json | None, str]:
    """Return an item and the id of its product."""
    for product in database()["products"].values():
        if key in product["variants"]:
            return product["variants"][key], product["product_id"]
    return None, ""


def same_products(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """Is every new item of the same product as the old one?"""
    pairs = exchanged(arguments)
    return all(old == new != "" for _, _, old, new in pairs) if pairs else None


def available(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """Can every new item be had?"""
    pairs = exchanged(arguments)
    return all(new is not None and new["available"] for _, new, _, _ in pairs) if pairs else None


def method(arguments: Json, order: Json | None) -> Json | None:
    """Return the payment method of the call, from the profile of the order's owner."""
    user = database()["users"].get(order["user_id"]) if order else None
    found = user["payment_methods"].get(arguments.get("payment_method_id")) if user else None
    return found if isinstance(found, dict) else None


def kind(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """What kind of payment method is it?"""
    used = method(arguments, order)
    return used["source"] if used else None


def is_original(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """Was the order paid with it?"""
    if order is None:
        return None
    return order["payment_history"][0]["payment_method_id"] == arguments.get("payment_method_id")


def balance(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """What is left on the gift card?"""
    used = method(arguments, order)
    return f"{used['balance']:.2f}" if used and "balance" in used else None


def due(arguments: Json, order: Json | None, messages: Sequence[Message]) -> object:
    """What is to be paid: the difference in price of an exchange, else the order's total."""
    pairs = exchanged(arguments)
    if pairs:
        cost = sum(new["price"] - old["price"] for old, new, _, _ in pairs if old and new)
        return f"{max(0, cost):.2f}"
    return f"{order['payment_history'][0]['amount']:.2f}" if order else None


FACTS: dict[str, Callable[[Json, Json | None, Sequence[Message]], object]] = {
    "is_own": is_own,
    "order.status": lambda arguments, order, messages: order["status"] if order else None,
    "items.same_products": same_products,
    "items.available": available,
    "payment.kind": kind,
    "payment.is_original": is_original,
    "payment.in_profile": lambda arguments, order, messages: method(arguments, order) is not None,
    "payment.balance": balance,
    "payment.due": due,
}
