"""The refunds shop as a chat in the terminal, with the person's answer shown when it comes.

    python examples/chatbot.py

A scripted model speaks unless OPENAI_API_KEY (or OPENAI_BASE_URL) is set; OPENAI_MODEL names another model.
Try "Refund the $640 headphones." Then decide in a second terminal, as somebody of the role:

    handrail tickets list
    handrail tickets decide TICKET edit --set amount=590 --message "590 USD, without the case." \\
        --as fatima --people PEOPLE_FILE
"""

import os
import sys
import threading
from importlib.resources import files

from handrail_adapters.demo.play import ModelAt, open_shop
from handrail_adapters.demo.talk import Speaker, Talk, who_says

STORE = os.environ.get("HANDRAIL_STORE", "sqlite:///handrail.db")
PROMPT = "you>  "


def model_from_environment() -> ModelAt | None:
    key, url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL")
    if not key and not url:
        return None
    return ModelAt(base_url=url, api_key=key or "none", model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))


class Screen:
    """Prints the lines of a talk as they come, above what the customer is typing."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self._shown, self._lock = talk, 0, threading.Lock()

    def show(self, *, is_typing: bool = False) -> None:
        """Print what is new; `is_typing` while the customer may be in the middle of a line."""
        with self._lock:
            zone = self._talk.shop.guard.policy.time_zone
            new = [line for line in self._talk.lines[self._shown :] if line.speaker is not Speaker.CUSTOMER]
            self._shown = len(self._talk.lines)
            for line in new:
                who = "" if line.speaker is Speaker.ASSISTANT else f"[{who_says(line, zone)}] "
                text = f"shop> {who}{line.text}"
                if is_typing and sys.stdin.isatty():
                    # Clear the line that is being typed, say what there is to say, and put it back.
                    text = f"\r\033[K{text}\n{PROMPT}{typed()}"
                    print(text, end="", flush=True)
                else:
                    print(text, flush=True)


def typed() -> str:
    """What the customer has typed but not sent."""
    try:
        import readline
    except ImportError:
        return ""
    return readline.get_line_buffer()


def main() -> None:
    elsewhere = model_from_environment()
    print(f"Northwind Gadgets. The model is {'scripted' if elsewhere is None else elsewhere.model}.")
    print(f"Tickets: {STORE}. People: {files('handrail_adapters.demo') / 'people.yaml'}", flush=True)
    with open_shop(store=STORE, elsewhere=elsewhere) as shop:
        talk = Talk(shop=shop)
        screen = Screen(talk)
        with talk.watching(told=lambda: screen.show(is_typing=True)):
            while words := _asked():
                talk.say(words)
                screen.show()


def _asked() -> str:
    try:
        return input(PROMPT).strip()
    except EOFError:
        return ""


if __name__ == "__main__":
    main()
