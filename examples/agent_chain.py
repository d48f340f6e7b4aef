"""A LangChain agent that may refund: the model and the tool are guarded, the agent is as it was.

    pip install 'handrail[openai,langchain-agents]' langchain-openai
    python examples/agent_chain.py

A scripted model speaks unless OPENAI_API_KEY (or OPENAI_BASE_URL) is set.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from handrail import Guard
from handrail_adapters.demo.scripted_model import (
    MODEL,
    Script,
    ScriptedLine,
    ScriptedModelServer,
    ScriptedReply,
)
from handrail_adapters.langchain import GuardedChatModel, get_handoff, guard_tool


def refund(order_id: str, amount: int) -> ScriptedReply:
    return ScriptedReply(
        tool="issue_refund", arguments={"order_id": order_id, "amount": amount, "currency": "USD"}
    )


SCRIPT = Script(
    lines=(
        ScriptedLine(
            cue="cable", replies=(refund("1175", 39), ScriptedReply(text="39 USD are on their way."))
        ),
        ScriptedLine(
            cue="headphones", replies=(refund("1160", 640), ScriptedReply(text="640 USD are on their way."))
        ),
    )
)


@contextmanager
def chat_model() -> Iterator[ChatOpenAI]:
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        yield ChatOpenAI(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
        return
    # A proxy that the environment names cannot reach a server on this machine's loopback.
    os.environ["NO_PROXY"] = "127.0.0.1"
    with ScriptedModelServer(SCRIPT) as server:
        yield ChatOpenAI(model=MODEL, base_url=server.base_url, api_key="scripted")


@tool
def issue_refund(order_id: str, amount: float, currency: str) -> str:
    """Pay money back for an order."""
    print(f"      (the shop pays {amount:g} {currency} for order {order_id})")
    return "refunded"


def main() -> None:
    guard = Guard.from_policy("support", store="sqlite:///handrail.db")
    with chat_model() as model:
        agent = create_agent(
            GuardedChatModel(inner=model, guard=guard), tools=[guard_tool(issue_refund, guard)]
        )
        for customer, words in (("ana", "Refund my $39 cable."), ("ben", "Refund the $640 headphones.")):
            print(f"{customer}: {words}")
            with guard.context(customer=customer, conversation=f"agent-{customer}"):
                answer = agent.invoke({"messages": [HumanMessage(words)]})["messages"][-1]
            handoff = get_handoff(answer)
            if handoff is None:
                print(f"shop: {answer.content}")
            else:
                print(f"shop: waits for {handoff.role} because of {', '.join(handoff.triggers)}")
    guard.close()


if __name__ == "__main__":
    main()
