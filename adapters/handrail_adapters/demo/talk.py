"""An assistant as an application would write it: asks the model, runs the tools it proposes, answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openai import OpenAI

from handrail.errors import AnswerBlocked, HandoffRequired
from handrail.records import Handoff
from handrail_adapters.demo.shop import tool_schemas
from handrail_adapters.openai import get_handoff

MOST_STEPS = 6

Chat = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the customer hears, the hand-off behind it if there is one, and the tools that ran."""

    text: str
    handoff: Handoff | None = None
    ran: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """A chat loop over a (guarded) client and (guarded) tools.

    Args:
        client: the OpenAI client.
        tools: the functions the model may call, by name.
        model: the model's name.
    """

    client: OpenAI
    tools: Mapping[str, Callable[..., object]]
    model: str

    def reply(self, chat: Chat) -> Heard:
        """Answer the last message of a chat; what was said and done is appended to it."""
        ran: list[str] = []
        for _ in range(MOST_STEPS):
            completion = self.client.chat.completions.create(
                model=self.model,
                messages=chat,  # type: ignore[arg-type]
                tools=tool_schemas(),  # type: ignore[arg-type]
            )
            message = completion.choices[0].message
            handoff = get_handoff(completion)
            chat.append(message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
            if handoff is not None or not message.tool_calls:
                text = message.content or message.refusal or ""
                return Heard(text=text, handoff=handoff, ran=tuple(ran))
            for call in message.tool_calls:
                if call.type != "function":
                    continue
                try:
                    result = self._run(call.function.name, call.function.arguments, ran)
                except HandoffRequired as stopped:
                    chat.append({"role": "tool", "tool_call_id": call.id, "content": stopped.handoff.notice})
                    return Heard(text=stopped.handoff.notice, handoff=stopped.handoff, ran=tuple(ran))
                chat.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return Heard(text="I could not work that out.", ran=tuple(ran))

    def _run(self, name: str, arguments: str, ran: list[str]) -> str:
        tool = self.tools.get(name)
        if tool is None:
            return json.dumps({"error": f"there is no tool {name}"})
        try:
            result = tool(**json.loads(arguments or "{}"))
        except AnswerBlocked as blocked:
            return json.dumps({"error": str(blocked)})
        except (TypeError, ValueError):
            return json.dumps({"error": "these arguments do not fit the tool"})
        ran.append(name)
        return json.dumps(result)
