"""The shop "Northwind Gadgets": orders and refunds behind HTTP on loopback, and functions that act on them.

All of it is invented. The server counts what really happened, whoever claims what.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import httpx

from handrail.errors import ActionFailed
from handrail_adapters.demo.scripted_model import LoopbackServer, ReceivedRequest, ServerReply

ORDERS = MappingProxyType(
    {
        "1182": {"item": "Z-9 phone", "price": 499, "state": "in transit", "arrives": "tomorrow"},
        "1175": {"item": "USB-C cable", "price": 39, "state": "delivered"},
        "1160": {"item": "studio headphones", "price": 640, "state": "delivered"},
        "1158": {"item": "desk lamp", "price": 89, "state": "delivered"},
        "1149": {"item": "keyboard", "price": 75, "state": "delivered"},
    }
)
RETURNS = MappingProxyType(
    {
        "1175": {"opened": False, "faulty": False, "age_days": 3},
        "1160": {"opened": False, "faulty": False, "age_days": 6},
        "1158": {"opened": True, "faulty": True, "age_days": 12},
        "1149": {"opened": False, "faulty": False, "age_days": 9},
    }
)
CURRENCY = "USD"
_key: ContextVar[str | None] = ContextVar("handrail_demo_key", default=None)


class ShopServer(LoopbackServer):
    """The shop's own service. A refund with an idempotency key it has seen has no second effect."""

    def __init__(self) -> None:
        self.refunds: list[dict[str, Any]] = []
        self._keys: set[str] = set()
        self._effects = threading.Lock()
        super().__init__(self._answer)

    def _answer(self, request: ReceivedRequest) -> ServerReply:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["orders", order] if order in ORDERS:
                return ServerReply(body={"order_id": order, "currency": CURRENCY, **ORDERS[order]})
            case "GET", ["returns", order] if order in RETURNS:
                return ServerReply(body={"order_id": order, **RETURNS[order]})
            case "POST", ["refunds"]:
                return self._refund(request)
            case "POST", ["orders", order, "cancel"] if order in ORDERS:
                return ServerReply(body={"order_id": order, "state": "cancelled"})
            case "POST", ["accounts", "delete"]:
                return ServerReply(body={"state": "deleted"})
        return ServerReply(status=404, body={"error": "no such thing in this shop"})

    def _refund(self, request: ReceivedRequest) -> ServerReply:
        key = request.headers.get("idempotency-key", "")
        with self._effects:
            if key and key in self._keys:
                return ServerReply(body={"status": "refunded already"})
            self._keys.add(key)
            self.refunds.append(request.body)
        return ServerReply(body={"status": "refunded", **request.body})


class ShopClient:
    """The functions an assistant may call, each a plain HTTP call to the shop."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    @contextmanager
    def keyed(self, key: str) -> Iterator[None]:
        """Send this idempotency key along with whatever acts inside the block."""
        token = _key.set(key)
        try:
            yield
        finally:
            _key.reset(token)

    def get_order(self, order_id: str) -> dict[str, Any]:
        """Look up one order."""
        return self._call("GET", f"/orders/{order_id}")

    def check_return(self, order_id: str) -> dict[str, Any]:
        """Look up whether an order's item was opened and whether it is faulty."""
        return self._call("GET", f"/returns/{order_id}")

    def issue_refund(self, order_id: str, amount: float, currency: str = CURRENCY) -> dict[str, Any]:
        """Pay money back for an order."""
        return self._call("POST", "/refunds", order_id=order_id, amount=amount, currency=currency)

    def cancel_order(self, order_id: str) -> dict[str, Any]:
        """Cancel an order that has not been sent."""
        return self._call("POST", f"/orders/{order_id}/cancel")

    def delete_account(self, reason: str = "") -> dict[str, Any]:
        """Delete the customer's account."""
        return self._call("POST", "/accounts/delete", reason=reason)

    @property
    def functions(self) -> tuple[Callable[..., dict[str, Any]], ...]:
        """Every function, to be guarded before an assistant gets it."""
        return (
            self.get_order,
            self.check_return,
            self.issue_refund,
            self.cancel_order,
            self.delete_account,
        )

    def _call(self, method: str, path: str, **body: object) -> dict[str, Any]:
        key = _key.get()
        headers = {"idempotency-key": key} if key else {}
        try:
            response = self._http.request(method, path, json=body or None, headers=headers)
        except httpx.ConnectError:
            raise ActionFailed("the shop cannot be reached") from None
        if response.status_code == httpx.codes.NOT_FOUND:
            return {"error": "not found"}
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def tool_schemas() -> list[dict[str, Any]]:
    """Return the functions as a model gets them, in the OpenAI format."""
    order: dict[str, Any] = {"order_id": {"type": "string"}}
    money = {"amount": {"type": "number"}, "currency": {"type": "string", "enum": [CURRENCY]}}
    fields: dict[str, tuple[str, dict[str, Any]]] = {
        "get_order": ("Look up one order.", order),
        "check_return": ("Look up whether an item was opened and whether it is faulty.", order),
        "issue_refund": ("Pay money back for an order.", order | money),
        "cancel_order": ("Cancel an order that has not been sent.", order),
        "delete_account": ("Delete the customer's account.", {"reason": {"type": "string"}}),
    }
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": about,
                "parameters": {"type": "object", "properties": properties, "required": list(properties)},
            },
        }
        for name, (about, properties) in fields.items()
    ]
