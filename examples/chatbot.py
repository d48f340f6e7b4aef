"""The refunds shop as a chat in the terminal, with the person's answer fetched when it comes.

    python examples/chatbot.py

A scripted model speaks unless OPENAI_API_KEY (or OPENAI_BASE_URL) is set; OPENAI_MODEL names another model.
Try "Refund the $640 headphones." Then decide in a second terminal, as somebody of the role:

    handrail tickets list
    handrail tickets decide TICKET edit --set amount=590 --message "590 USD, without the case." \\
        --as fatima --people PEOPLE_FILE
"""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from handrail.errors import HandrailError
from handrail_adapters.demo.play import ModelAt, Shop, open_shop
from handrail_adapters.demo.scenario import SYSTEM

STORE = os.environ.get("HANDRAIL_STORE", "sqlite:///handrail.db")


def model_from_environment() -> ModelAt | None:
    key, url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL")
    if not key and not url:
        return None
    return ModelAt(base_url=url, api_key=key or "none", model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))


def give_back(shop: Shop, ticket: str) -> bool:
    """Tell the customer what a person decided and carry it out, once. False while nobody has."""
    resolution = shop.guard.resolution(ticket)
    if resolution is None:
        return False
    if resolution.tool:
        with shop.guard.authorised(ticket) as action, shop.client.keyed(action.idempotency_key):
            action.run()
    said = resolution.answer or resolution.message_to_user
    print(f"\nshop> [{resolution.role}: {resolution.verdict}] {said}".rstrip(), flush=True)
    return True


@contextmanager
def watching(shop: Shop, waiting: set[str]) -> Iterator[None]:
    """Look once a second whether a person has decided."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(1.0):
            for ticket in sorted(waiting):
                try:
                    if give_back(shop, ticket):
                        waiting.discard(ticket)
                except HandrailError as error:
                    print(f"\nshop> {error}", flush=True)
                    waiting.discard(ticket)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def main() -> None:
    elsewhere = model_from_environment()
    chat = [{"role": "system", "content": SYSTEM}]
    waiting: set[str] = set()
    print(f"Northwind Gadgets. The model is {'scripted' if elsewhere is None else elsewhere.model}.")
    print(f"Tickets: {STORE}. People: {files('handrail_adapters.demo') / 'people.yaml'}", flush=True)
    with (
        open_shop(store=STORE, elsewhere=elsewhere) as shop,
        watching(shop, waiting),
        shop.guard.context(customer="you", conversation=uuid.uuid4().hex),
    ):
        while words := _asked():
            chat.append({"role": "user", "content": words})
            heard = shop.assistant.reply(chat)
            print(f"shop> {heard.text}", flush=True)
            if heard.handoff is not None:
                waiting.add(heard.handoff.ticket)
                print(f"      (waits for {heard.handoff.role}, ticket {heard.handoff.ticket})", flush=True)


def _asked() -> str:
    try:
        return input("you>  ").strip()
    except EOFError:
        return ""


if __name__ == "__main__":
    main()
