import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from handrail.gateway.settings import Limits
from handrail.gateway.upstream import Pools

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BURST = 40


@asynccontextmanager
async def provider(open_now: set[object]) -> AsyncIterator[str]:
    """Answer whatever is asked; `open_now` holds the connections."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def asked(pools: Pools, address: str, together: asyncio.Barrier | None = None) -> bytes:
    async with pools.answer(pools.build("GET", address, headers={}, body=None)) as response:
        if together is not None:
            await together.wait()
        return await response.aread()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - a closed socket is nothing to await here
            await asyncio.sleep(0.005)


def test_connections_of_a_burst_are_let_go_while_the_gateway_is_asked_on() -> None:
    asyncio.run(burst())


async def burst() -> None:
    open_now: set[object] = set()
    pools = Pools(Limits(at_once=BURST), idle_s=0.05)
    async with provider(open_now) as address:
        together = asyncio.Barrier(BURST)
        await asyncio.gather(*(asked(pools, address, together) for _ in range(BURST)))
        assert len(open_now) == BURST

        async def still_asking() -> None:
            while len(open_now) > 8:
                assert await asked(pools, address) == b"ok"

        async with asyncio.timeout(10):
            await still_asking()
        # With nobody asking any more the last ones go too, and come again for whoever asks.
        await until(lambda: not open_now)
        assert await asked(pools, address) == b"ok"
        await pools.aclose()
        await until(lambda: not open_now)


def test_a_pool_that_answers_is_not_closed_however_long_it_takes() -> None:
    asyncio.run(slow_answer())


async def slow_answer() -> None:
    open_now: set[object] = set()
    pools = Pools(Limits(at_once=16), idle_s=0.01)
    async with provider(open_now) as address:
        request = pools.build("GET", address, headers={}, body=None)
        assert await asked(pools, address) == b"ok"
        async with pools.answer(request) as slow:
            await asyncio.sleep(0.05)
            assert await slow.aread() == b"ok"
        await pools.aclose()
