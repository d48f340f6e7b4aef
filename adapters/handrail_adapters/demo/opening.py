"""Opens the shop: its service, its assistant, a model to speak for it, and the guard around them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from openai import DefaultHttpxClient, OpenAI

from handrail.guard import Guard
from handrail.policy import load, load_people
from handrail.store import Spool, open_store
from handrail_adapters.demo.scenario import SCRIPT
from handrail_adapters.demo.scripted_model import MODEL, Script, ScriptedModelServer
from handrail_adapters.demo.shop import ShopClient, ShopServer
from handrail_adapters.demo.talk import Assistant
from handrail_adapters.openai import guard_openai

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAt:
    """A model elsewhere that speaks the OpenAI protocol."""

    base_url: str | None
    api_key: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """An open shop. `model` is the scripted model's server, None where another model speaks."""

    guard: Guard
    assistant: Assistant
    service: ShopServer
    client: ShopClient
    model: ScriptedModelServer | None


@contextmanager
def open_shop(
    *,
    store: str,
    policy: str | Path = "support",
    people: Path | None = None,
    script: Script = SCRIPT,
    elsewhere: ModelAt | None = None,
) -> Iterator[Shop]:
    """Open the shop inside a `with` block.

    Args:
        store: URL of the ticket store.
        policy: a policy file, or the name of a shipped one.
        people: who fills which role; by default the demo's own people.
        script: what the scripted model says.
        elsewhere: the model to ask in place of the scripted one.
    """
    with ExitStack() as stack:
        cast = people or stack.enter_context(as_file(files(__package__) / "people.yaml"))
        rules = load(policy)
        # A demonstration may lie in memory or on a shared disk: nothing of it is meant to last.
        tickets = open_store(store, allow_volatile=True)
        guard = Guard(rules, store=tickets, spool=Spool.beside(store), people=load_people(cast, rules))
        stack.callback(guard.close)
        service = stack.enter_context(ShopServer())
        client = ShopClient(service.url)
        stack.callback(client.close)
        scripted = None if elsewhere else stack.enter_context(ScriptedModelServer(script))
        at = elsewhere or ModelAt(
            base_url=scripted.base_url if scripted else None, api_key="scripted", model=MODEL
        )
        # A proxy that the environment names cannot reach a server on this machine's loopback.
        http = DefaultHttpxClient(trust_env=elsewhere is not None)
        plain = OpenAI(base_url=at.base_url, api_key=at.api_key, timeout=TIMEOUT_S, http_client=http)
        stack.callback(plain.close)
        tools = {fn.__name__: guard.tool(fn) for fn in client.functions}
        assistant = Assistant(client=guard_openai(plain, guard), tools=tools, model=at.model)
        yield Shop(guard=guard, assistant=assistant, service=service, client=client, model=scripted)
