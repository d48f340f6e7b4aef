"""A stream from an async model: nothing is shown before it was judged, so a secret in it never is."""

import asyncio
from collections.abc import AsyncIterator

from handrail import Guard

guard = Guard.from_policy("support", store="sqlite:///handrail.db")


@guard
async def speak(question: str) -> AsyncIterator[str]:
    """Stands for your model's stream."""
    answer = "We are open from 9 to 17." if "open" in question else "The key is AKIAQ3EGUYD7LM4XBZ5K, enjoy."
    for word in answer.split(" "):
        yield f"{word} "


async def main() -> None:
    for number, question in enumerate(("When are you open?", "What is the key?")):
        with guard.context(conversation=f"stream-{number}"):
            print("".join([chunk async for chunk in speak(question)]))


asyncio.run(main())
guard.close()
