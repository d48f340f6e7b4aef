"""Ways to send an exchange: clients and a gateway before one provider, guarded or bare."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
from anthropic import Anthropic
from anthropic import APIStatusError as AnthropicStatusError
from openai import APIStatusError, OpenAI

from handrail import Guard
from handrail.gateway import create_app
from handrail_adapters.anthropic import guard_anthropic
from handrail_adapters.openai import guard_openai
from support.gateway import CALLER_KEY, settings_of
from support.wire_bodies import FORMATS
from support.wire_plants import Exchange


@dataclass
class Provider:
    """Answers with what it is told to, without a network; `sent` is what reached it."""

    answer: bytes = b""
    sent: list[bytes] = field(default_factory=list)

    def __call__(self, request: Any) -> Any:
        http = httpx if isinstance(request, httpx.Request) else httpx2
        self.sent.append(request.content)
        kind = "text/event-stream" if self.answer[:5] in (b"data:", b"event") else "application/json"
        return http.Response(200, stream=http.ByteStream(self.answer), headers={"content-type": kind})


@dataclass
class Wire:
    """Clients and a gateway before one provider, guarded or bare."""

    provider: Provider = field(default_factory=Provider)
    folder: Path = Path()
    _clients: dict[Any, Any] = field(default_factory=dict)
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def ask(
        self, exchange: Exchange, guard: Guard | None, *, gateway: bool = False
    ) -> tuple[list[bytes], str]:
        """Send a request; returns what reached the provider, and all that its caller could see."""
        self.provider.answer = exchange.answer
        self.provider.sent = []
        if gateway and guard is not None:
            told = self._runner.run(self._through_gateway(exchange, guard))
        else:
            told = self._through_client(exchange, guard)
        return self.provider.sent, told

    def close(self) -> None:
        """Let go of the loop."""
        self._runner.close()

    def _through_client(self, exchange: Exchange, guard: Guard | None) -> str:
        kind = Anthropic if exchange.format == "anthropic" else OpenAI
        client = self._clients.get((kind, id(guard)))
        if client is None:
            http = httpx2.Client(transport=httpx2.MockTransport(self.provider))
            root = "http://model.test" if kind is Anthropic else "http://model.test/v1"
            bare: Any = kind(base_url=root, api_key="k", max_retries=0, http_client=http)
            guarded = guard_anthropic if kind is Anthropic else guard_openai
            client = self._clients[kind, id(guard)] = bare if guard is None else guarded(bare, guard)
        try:
            answer = client.post(FORMATS[exchange.format][0], body=exchange.request, cast_to=httpx2.Response)
        except (APIStatusError, AnthropicStatusError) as error:
            if error.status_code != 400:
                raise
            return f"{error} {error.body} {error.response.text}"
        text: str = answer.text
        return text

    async def _through_gateway(self, exchange: Exchange, guard: Guard) -> str:
        app = self._clients.get(id(guard))
        if app is None:
            settings = settings_of(self.folder, "http://model.test/v1")
            transport = httpx.MockTransport(self.provider)
            app = create_app(settings, make_guard=lambda _: guard, transport=transport)
            self._clients[id(guard)] = app
        path = "/v1" + FORMATS[exchange.format][0].removeprefix("/v1")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://gateway.test"
        ) as client:
            answer = await client.post(
                path, json=exchange.request, headers={"authorization": f"Bearer {CALLER_KEY}"}
            )
        assert answer.status_code < 500, "the gateway fails by itself"
        return answer.text


def read_back(text: str) -> list[object]:
    """An answer as its reader takes it: its JSON, or its events."""
    if text.startswith(("data:", "event:")):
        lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]
    try:
        return [json.loads(text)]
    except ValueError:
        return [text]
