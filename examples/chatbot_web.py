"""The refunds shop as a chat page in the browser, with the person's answer shown when it comes.

    pip install 'handrail[openai,server]'
    python examples/chatbot_web.py

A scripted model speaks unless OPENAI_API_KEY (or OPENAI_BASE_URL) is set; OPENAI_MODEL names another model.
Try "Refund the $640 headphones." Then decide in the inbox, as somebody of the role:

    handrail serve --store sqlite:///handrail.db --people PEOPLE_FILE --development

`handrail demo --serve` opens both at once.
"""

import os
from importlib.resources import files

import uvicorn
from chatbot import model_from_environment

from handrail_adapters.demo.chat import make_chat
from handrail_adapters.demo.play import open_shop

STORE = os.environ.get("HANDRAIL_STORE", "sqlite:///handrail.db")
PORT = int(os.environ.get("PORT", "8441"))


def main() -> None:
    with open_shop(store=STORE, elsewhere=model_from_environment()) as shop:
        print(f"Tickets: {STORE}. People: {files('handrail_adapters.demo') / 'people.yaml'}")
        print(f"Chat at http://127.0.0.1:{PORT}", flush=True)
        uvicorn.run(make_chat(shop), host="127.0.0.1", port=PORT, log_level="warning")


if __name__ == "__main__":
    main()
