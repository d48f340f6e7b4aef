"""A scripted LangChain chat model: streams, counts tokens, calls tools and fills schemas."""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

USAGE = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}


class ScriptedChat(BaseChatModel):
    """Says what `script` holds, one after the other, the last for ever; `seen` records what it was sent.

    With tools bound and no script it calls the first of them (or the chosen one) with arguments that fit.
    """

    script: list[AIMessage] = Field(default_factory=list)
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    cut: int = 4
    model: str = "scripted"
    temperature: float | None = None
    max_tokens: int | None = None
    logprobs: bool | None = None
    fails: list[Exception] = Field(default_factory=list)

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formatted, tool_choice=tool_choice, **kwargs)

    def _next(self, messages: list[BaseMessage], options: dict[str, Any]) -> AIMessage:
        self.seen.append(messages)
        if self.fails:
            raise self.fails.pop(0)
        if self.script:
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            return said.model_copy(deep=True)
        about = {"model_name": "scripted", "finish_reason": "stop"}
        if options.get("tools") and isinstance(messages[-1], HumanMessage):
            tool = next(
                (t for t in options["tools"] if t["function"]["name"] == options.get("tool_choice")),
                options["tools"][0],
            )["function"]
            fields = tool["parameters"].get("properties", {})
            args = {name: _fitting(field, messages[-1].text) for name, field in fields.items()}
            call = {"name": tool["name"], "args": args, "id": f"call_{len(self.seen)}", "type": "tool_call"}
            return AIMessage("", tool_calls=[call], usage_metadata=USAGE, response_metadata=about)
        return AIMessage("Hello there, how are you?", usage_metadata=USAGE, response_metadata=about)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages, kwargs))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        import json

        said = self._next(messages, kwargs)
        text = said.content
        pieces: list[AIMessageChunk] = []
        if isinstance(text, str):
            pieces += [AIMessageChunk(text[i : i + self.cut]) for i in range(0, len(text), self.cut)]
        else:
            pieces.append(AIMessageChunk(text))
        for index, call in enumerate(said.tool_calls):
            args = json.dumps(call["args"], ensure_ascii=False)
            head = {"name": call["name"], "args": "", "id": call["id"], "index": index}
            cuts = [args[i : i + self.cut] for i in range(0, len(args), self.cut)]
            chunks = [head] + [{"name": None, "args": cut, "id": None, "index": index} for cut in cuts]
            pieces += [
                AIMessageChunk("", tool_call_chunks=[{**chunk, "type": "tool_call_chunk"}])
                for chunk in chunks
            ]
        for index, bad in enumerate(said.invalid_tool_calls, start=len(said.tool_calls)):
            whole = {"name": bad["name"], "args": bad["args"], "id": bad["id"], "index": index}
            pieces.append(AIMessageChunk("", tool_call_chunks=[{**whole, "type": "tool_call_chunk"}]))
        end = AIMessageChunk(
            "",
            name=said.name,
            additional_kwargs=said.additional_kwargs,
            usage_metadata=said.usage_metadata,
            response_metadata=said.response_metadata,
        )
        for piece in [*pieces, end]:
            chunk = ChatGenerationChunk(message=piece)
            if run_manager:
                run_manager.on_llm_new_token(piece.text, chunk=chunk)
            yield chunk


def _fitting(field: dict[str, Any], words: str) -> Any:
    quoted = words.split("'")
    said = quoted[1] if len(quoted) > 2 else "as you wish"
    kind = field.get("type") or next((f.get("type") for f in field.get("anyOf", [])), "string")
    return {"integer": 3, "number": 3.0, "boolean": True, "array": [], "object": {}}.get(kind, said)
