"""Code of the caller's, which may raise anything: readers, fact sources, callbacks, key providers."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def is_theirs(error: BaseException) -> bool:
    """Tell whether an exception is a failure of the code that raised it, not the end of the program; pure.

    A cancellation is one too, for code that is not awaited: nobody can cancel that.
    """
    return not isinstance(error, KeyboardInterrupt | SystemExit)


def contained(error: BaseException, doing: str) -> BaseException:
    """Return an error of foreign code as it may go on: one that ends a generator or a task is a RuntimeError.

    No future and no coroutine can carry a StopIteration, and a cancellation that code raises by itself is
    none of the caller's.
    """
    is_plain = isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration)
    if is_plain or not is_theirs(error):
        return error
    return RuntimeError(f"{type(error).__name__} raised while {doing}")


def called(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call foreign code; what it raises comes out as `contained` says, sync and async alike."""
    try:
        return fn(*args, **kwargs)
    except BaseException as error:
        outer = contained(error, "a callback ran")
        if outer is error:
            raise
        raise outer from error
