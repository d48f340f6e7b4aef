"""How the needs of an exchange are answered: by the guard, and by whoever sends; plainly or awaited."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from handrail.http.exchange import Need, Screen, Send, UpstreamResponse

if TYPE_CHECKING:
    from handrail.confidence.cascade import SampleRequest
    from handrail.guard import Guard
    from handrail.records import Draft

Sender = Callable[[Send], UpstreamResponse]
AsyncSender = Callable[[Send], Awaitable[UpstreamResponse]]


def answering(guard: "Guard", send: Sender) -> Callable[[Need], object]:
    """Return what answers an exchange's needs, for `handrail.pipeline.needs.run`.

    Args:
        guard: decides.
        send: sends a body upstream, the request's own or that of a sample.
    """

    def answer(need: Need) -> object:
        if isinstance(need, Send):
            return send(need)
        if isinstance(need, Screen):
            return guard.begin(need.messages)
        sampling = need.sampling

        def ask(wanted: "SampleRequest") -> "list[Draft]":
            again = sampling.send(wanted)
            return [draft for _ in range(wanted.count) for draft in sampling.read(send(again))]

        return need.call.finish(need.drafts, ask=ask, wants_json=need.wants_json)

    return answer


def aanswering(guard: "Guard", send: AsyncSender) -> Callable[[Need], Awaitable[object]]:
    """Return what answers an exchange's needs, for `handrail.pipeline.needs.arun`; see `answering`."""

    async def answer(need: Need) -> object:
        if isinstance(need, Send):
            return await send(need)
        if isinstance(need, Screen):
            return await guard.abegin(need.messages)
        sampling = need.sampling

        async def ask(wanted: "SampleRequest") -> "list[Draft]":
            again = sampling.send(wanted)
            return [draft for _ in range(wanted.count) for draft in sampling.read(await send(again))]

        return await need.call.afinish(need.drafts, ask=ask, wants_json=need.wants_json)

    return answer
