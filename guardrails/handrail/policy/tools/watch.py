"""Keeps a policy file in force while it is edited: reloads are atomic, a bad file changes nothing."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from handrail.errors import PolicyError
from handrail.policy.file.compile import compile_policy
from handrail.policy.file.load import all_of
from handrail.policy.file.read import read_source
from handrail.policy.runtime.policy import Policy


class PolicyFile:
    """A policy file that can be read again.

    `current` is always a whole, valid policy. `refresh` compiles the file only if it changed; it may be
    called from any thread, before each call or on a timer of the caller's.
    """

    def __init__(self, source: str | Path) -> None:
        """Load the file.

        Raises:
            PolicyError: the file cannot be used; there is no last good one yet.
        """
        self._lock = threading.Lock()
        self._source = source
        path, text = read_source(source)
        self._stamp = _stamp(path)
        self._digest = _digest(text)
        policy, problems = compile_policy(text, file=str(path), folder=path.parent)
        if policy is None:
            raise all_of(problems)
        self._current = policy
        self.problems: tuple[PolicyError, ...] = ()

    @property
    def current(self) -> Policy:
        """The last policy that loaded."""
        return self._current

    def refresh(self, *, is_forced: bool = False) -> bool:
        """Read the file again if it changed; True when another policy is in force now.

        A file that cannot be used changes nothing and is described in `problems`.

        Args:
            is_forced: read it even if its time and size are the same; needed when only a calibration changed.
        """
        with self._lock:
            try:
                path, text = read_source(self._source)
            except PolicyError as error:
                self.problems = (error,)
                return False
            stamp, digest = _stamp(path), _digest(text)
            if not is_forced and (stamp, digest) == (self._stamp, self._digest):
                return False
            policy, problems = compile_policy(text, file=str(path), folder=path.parent)
            self._stamp, self._digest = stamp, digest
            self.problems = problems
            if policy is None:
                return False
            has_changed = policy.ref != self._current.ref
            self._current = policy
            return has_changed


def changes(sources: Sequence[str | Path], wait: Callable[[], bool]) -> Iterator[None]:
    """Yield at once, and again whenever one of some files was changed.

    Args:
        sources: files, or shipped policies' names.
        wait: waits a moment; False ends it.
    """
    before: list[str] | None = None
    while True:
        now = [_content(source) for source in sources]
        if now != before:
            before = now
            yield
        if not wait():
            return


def _content(source: str | Path) -> str:
    try:
        return _digest(read_source(source)[1])
    except PolicyError as error:
        return str(error)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
