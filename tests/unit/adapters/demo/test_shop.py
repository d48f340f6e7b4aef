"""The shop's service counts what really happened."""

from collections.abc import Iterator

import pytest

from handrail.errors import ActionFailed
from handrail_adapters.demo.shop import ShopClient, ShopServer, tool_schemas


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer() as running:
        yield running


@pytest.fixture
def client(server: ShopServer) -> Iterator[ShopClient]:
    made = ShopClient(server.url)
    yield made
    made.close()


def test_a_refund_has_one_effect_each(server: ShopServer, client: ShopClient) -> None:
    client.issue_refund("1175", 39)
    client.issue_refund("1175", 39)
    assert [refund["amount"] for refund in server.refunds] == [39, 39]


def test_the_same_idempotency_key_has_one_effect(server: ShopServer, client: ShopClient) -> None:
    for _ in range(2):
        with client.keyed("once"):
            client.issue_refund("1160", 590)
    assert len(server.refunds) == 1


def test_orders_and_returns_are_looked_up(client: ShopClient) -> None:
    assert client.get_order("1160")["price"] == 640
    assert client.check_return("1158")["faulty"] is True
    assert client.get_order("9999") == {"error": "not found"}
    assert client.cancel_order("1182")["state"] == "cancelled"
    assert client.delete_account()["state"] == "deleted"


def test_a_shop_that_is_gone_certainly_did_nothing() -> None:
    with ShopServer() as server:
        url = server.url
    client = ShopClient(url)
    with pytest.raises(ActionFailed):
        client.issue_refund("1175", 39)
    client.close()


def test_every_function_has_a_schema(client: ShopClient) -> None:
    named = [schema["function"]["name"] for schema in tool_schemas()]
    assert named == [function.__name__ for function in client.functions]
