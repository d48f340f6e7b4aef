"""How the needs of an exchange are answered: by the guard, and by whoever sends; plainly or awaited."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from handrail.guard.context import through
from handrail.guard.threads import LONG, at_length, step_at_length
from handrail.http.exchange import ExchangeSettings, Reply, Request, exchange
from handrail.http.needs import Need, Screen, Send, UpstreamResponse
from handrail.pipeline.needs import arun

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
            with through("http"):
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
            with through("http"):
                return await guard.abegin(need.messages)
        sampling = need.sampling

        async def ask(wanted: "SampleRequest") -> "list[Draft]":
            again = sampling.send(wanted)
            return [draft for _ in range(wanted.count) for draft in sampling.read(await send(again))]

        return await need.call.afinish(need.drafts, ask=ask, wants_json=need.wants_json)

    return answer


async def aexchange(
    request: Request, settings: ExchangeSettings, answer: Callable[[Need], Awaitable[object]]
) -> Reply:
    """Take the steps of one guarded request; long bodies are read in a thread.

    Raises:
        HandrailError: as `exchange` and its steps do.
    """
    is_long = len(request.body) > LONG
    steps = await at_length(exchange, request, settings) if is_long else exchange(request, settings)

    def is_long_by_now(reply: object) -> bool:
        nonlocal is_long
        is_long = is_long or (isinstance(reply, UpstreamResponse) and len(reply.body) > LONG)
        return is_long

    return await arun(steps, answer, stepper=step_at_length, is_long=is_long_by_now)
