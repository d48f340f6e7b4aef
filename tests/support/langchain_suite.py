"""LangChain's own standard tests, on a scripted model and on its guarded twin; run by a contract test."""

from typing import Any

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from handrail_adapters.langchain import GuardedChatModel
from support.scripted_chat import ScriptedChat
from support.toy_guard import ToyGuard


class GuardedScripted(GuardedChatModel):
    """The scripted model behind a guard, built from the scripted model's own parameters."""

    def __init__(self, **params: Any) -> None:
        given = {name: params.pop(name) for name in ("inner", "guard") if name in params}
        super().__init__(**{"inner": ScriptedChat(**params), "guard": ToyGuard(), **given})


class TestUnitPlain(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> Any:
        return ScriptedChat


class TestUnitGuarded(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> Any:
        return GuardedScripted


class TestIntegrationPlain(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> Any:
        return ScriptedChat


class TestIntegrationGuarded(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> Any:
        return GuardedScripted
