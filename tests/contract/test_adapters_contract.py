"""The adapters' common contract, on the adapters for `openai` and LangChain."""

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai import OpenAI

from handrail_adapters.langchain import GuardedChatModel
from handrail_adapters.openai import guard_openai
from support.adapter_contract import AdapterContract, Messages
from support.model_server import ModelServer
from support.toy_guard import ToyGuard


class TestOpenAIChat(AdapterContract):
    def ask(self, server: ModelServer, guard: ToyGuard | None, messages: Messages, *, stream: bool) -> str:
        with OpenAI(base_url=server.url, api_key="k") as plain:
            client: Any = plain if guard is None else guard_openai(plain, guard)
            answer = client.chat.completions.create(model="m", messages=messages, stream=stream)
            if not stream:
                return str(answer.model_dump_json())
            chunks = list(answer)
            text = "".join(c.choices[0].delta.content or "" for c in chunks)
            return text + "".join(c.model_dump_json() for c in chunks)


class TestOpenAIResponses(AdapterContract):
    def ask(self, server: ModelServer, guard: ToyGuard | None, messages: Messages, *, stream: bool) -> str:
        with OpenAI(base_url=server.url, api_key="k") as plain:
            client: Any = plain if guard is None else guard_openai(plain, guard)
            answer = client.responses.create(model="m", input=messages, stream=stream)
            return "".join(e.model_dump_json() for e in answer) if stream else str(answer.model_dump_json())


class TestLangChain(AdapterContract):
    def ask(self, server: ModelServer, guard: ToyGuard | None, messages: Messages, *, stream: bool) -> str:
        kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
        given = [kinds[message["role"]](message["content"]) for message in messages]
        inner = ChatOpenAI(base_url=server.url, api_key="k", model="m")
        model: Any = inner if guard is None else GuardedChatModel(inner=inner, guard=guard)
        if not stream:
            return str(model.invoke(given).model_copy(update={"id": None}))
        chunks = [chunk.model_copy(update={"id": None}) for chunk in model.stream(given)]
        return "".join(chunk.text for chunk in chunks) + str(chunks)
