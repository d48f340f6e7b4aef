"""Every way to ask a LangChain model; each returns all that its caller and its callbacks could see."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import Runnable

Model = Runnable[Any, Any]


class Spy(BaseCallbackHandler):
    """Keeps everything that callbacks are told about answers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        self.told.append(f"{token}{chunk!r}")

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.told.append(repr(response))

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.told.append(repr(outputs))

    def on_stream_event(self, event: Any, **kwargs: Any) -> None:
        self.told.append(repr(event))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.told.append(repr(output))


def _config(spy: Spy) -> dict[str, Any]:
    return {"callbacks": [spy]}


def invoke(model: Model, given: Any, spy: Spy) -> str:
    return repr(model.invoke(given, _config(spy)))


def batch(model: Model, given: Any, spy: Spy) -> str:
    return repr(model.batch([given], _config(spy)))


def batch_as_completed(model: Model, given: Any, spy: Spy) -> str:
    return repr(list(model.batch_as_completed([given], _config(spy))))


def stream(model: Model, given: Any, spy: Spy) -> str:
    return _told(list(model.stream(given, _config(spy))))


def transform(model: Model, given: Any, spy: Spy) -> str:
    return _told(list(model.transform(iter([given]), _config(spy))))


def stream_events_v3(model: Model, given: Any, spy: Spy) -> str:
    run = model.stream_events(given, _config(spy), version="v3")
    events = [repr(event) for event in run]
    return "".join(events) + repr(getattr(run, "output", ""))


def ainvoke(model: Model, given: Any, spy: Spy) -> str:
    return repr(asyncio.run(model.ainvoke(given, _config(spy))))


def abatch(model: Model, given: Any, spy: Spy) -> str:
    return repr(asyncio.run(model.abatch([given], _config(spy))))


def abatch_as_completed(model: Model, given: Any, spy: Spy) -> str:
    return repr(_all(lambda: model.abatch_as_completed([given], _config(spy))))


def astream(model: Model, given: Any, spy: Spy) -> str:
    return _told(_all(lambda: model.astream(given, _config(spy))))


def atransform(model: Model, given: Any, spy: Spy) -> str:
    async def one() -> AsyncIterator[Any]:
        yield given

    return _told(_all(lambda: model.atransform(one(), _config(spy))))


def astream_events_v2(model: Model, given: Any, spy: Spy) -> str:
    events = _all(lambda: model.astream_events(given, _config(spy), version="v2"))
    chunks = [e["data"]["chunk"] for e in events if e["event"].endswith("_stream") and "chunk" in e["data"]]
    return _told(chunks) + repr(events)


def astream_log(model: Model, given: Any, spy: Spy) -> str:
    patches = _all(lambda: model.astream_log(given, _config(spy)))
    values = [op["value"] for patch in patches for op in patch.ops if "value" in op]
    return _told([v for v in values if hasattr(v, "content")]) + repr(values)


ENTRIES: dict[str, Callable[[Model, Any, Spy], str]] = {
    entry.__name__: entry
    for entry in (
        *(invoke, batch, batch_as_completed, stream, transform, stream_events_v3),
        *(ainvoke, abatch, abatch_as_completed, astream, atransform, astream_events_v2, astream_log),
    )
}


def _all(make: Callable[[], AsyncIterator[Any]]) -> list[Any]:
    async def main() -> list[Any]:
        return [item async for item in make()]

    return asyncio.run(main())


def _told(chunks: list[Any]) -> str:
    """A stream as its reader puts it together, and every chunk as it is."""
    return "".join(_texts(chunks)) + repr(chunks)


def _texts(chunks: list[Any]) -> Iterator[str]:
    for chunk in chunks:
        if isinstance(chunk, str):
            yield chunk
        yield str(getattr(chunk, "text", ""))
    for chunk in chunks:
        for call in getattr(chunk, "tool_call_chunks", ()):
            yield call["args"] or ""
    for chunk in chunks:
        yield json.dumps(getattr(chunk, "additional_kwargs", {}), default=str)
