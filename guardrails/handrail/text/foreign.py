"""Code of the caller's, which may raise anything: readers, fact sources, observers."""


def is_theirs(error: BaseException) -> bool:
    """Tell whether an exception is a failure of the code that raised it, not the end of the program; pure.

    A cancellation is one too, for code that is not awaited: nobody can cancel that.
    """
    return not isinstance(error, KeyboardInterrupt | SystemExit)
