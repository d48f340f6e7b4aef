"""The same step sent again under the same idempotency key is answered again and not run again, anywhere."""

import hashlib
import json
from collections.abc import Callable, Sequence
from enum import StrEnum

from handrail.errors import CheckFailed, HandrailError, StoreUnavailable
from handrail.service import Reviewer, TicketService


class Again(StrEnum):
    """What becomes of a step that is sent again under its key."""

    ANSWERED = "answered"
    """It gets the answer that is kept of the first time."""
    RUN = "run"
    """It runs again: it changes nothing, and its answer shows content, which is kept nowhere else."""
    REFUSED = "refused"
    """It is refused: its answer held a secret that is shown once."""


class KeyReused(CheckFailed):
    """Another step had this idempotency key."""


class KeyInUse(CheckFailed):
    """The step of this key has no answer that could be given again: it runs, or it showed a secret."""


def answered(
    service: TicketService,
    who: Reviewer,
    key: str,
    asked: Sequence[str],
    again: Again,
    run: Callable[[], str],
) -> str:
    """Run a step once for its key and return its answer, or the answer that was given before.

    Args:
        service: the service that keeps keys.
        who: who asks; a key is their own.
        key: the key.
        asked: all that was asked for.
        again: what becomes of the step when it is sent again.
        run: runs it, and returns its answer as JSON.

    Raises:
        KeyReused: the key was another step's.
        KeyInUse: the step was begun, and there is no answer to give again.
    """
    if again is Again.RUN:
        return run()
    digest = hashlib.sha256(json.dumps(list(asked)).encode()).hexdigest()
    before = service.take_key(who, key, digest)
    if before is not None and before.digest != digest:
        raise KeyReused("idempotency key", why="another step had this idempotency key")
    if before is not None and before.answer:
        return before.answer
    if before is not None:
        raise KeyInUse("idempotency key", why="this step was begun under this key; look what became of it")
    try:
        answer = run()
    except StoreUnavailable:
        # Whether it was done is not known, so the key stays taken.
        raise
    except HandrailError:
        service.give_key_back(who, key)
        raise
    service.keep_answer(who, key, answer if again is Again.ANSWERED else "")
    return answer
