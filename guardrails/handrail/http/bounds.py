"""How much one request, and one answer, may hold: what goes beyond is refused, or handed off unread.

Each bound is on something that multiplies work. They are checked before anything is read, so a request that
is too large costs no more than its parsing.
"""

import json
import re
from dataclasses import dataclass

from handrail.errors import RequestRefused
from handrail.wire.foreign_json import Json, load_object

# A text, or one bracket outside of texts.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_LISTS = ("messages", "input", "tools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds on one exchange.

    Args:
        body_bytes: size of a request.
        answer_bytes: size of an answer, decoded. A larger one is unreadable.
        answers: how many answers a request may ask for, and how many one response may hold: each is judged,
            and a hand-off writes a notice for each.
        messages: how many messages, input items or tools one request may hold.
        fields: how many fields a request may have; each that is not known is read by itself.
        depth: how deep objects and lists may lie in each other.
    """

    body_bytes: int = 64 * 1024 * 1024
    answer_bytes: int = 64 * 1024 * 1024
    answers: int = 128
    messages: int = 10_000
    fields: int = 500
    depth: int = 100

    def read(self, body: bytes, loaded: Json | None = None) -> Json:
        """Return a request's body as an object.

        Args:
            body: the bytes as they came.
            loaded: the object in them, where somebody has read it already.

        Raises:
            RequestRefused: it is no JSON object, or goes beyond the bounds; names the field.
        """
        if len(body) > self.body_bytes:
            why = f"a request may have {self.body_bytes} bytes at most"
            raise RequestRefused(why, code="too_large", status=413)
        self._check_depth(body)
        read = load_object(body) if loaded is None else loaded
        if read is None:
            raise RequestRefused("the body is no JSON object", code="bad_body")
        self._check_counts(read)
        return read

    def _check_depth(self, body: bytes) -> None:
        # Counting is fast and settles nearly every body: so few brackets cannot lie deeper.
        if body.count(b"[") + body.count(b"{") <= self.depth:
            return
        depth = 0
        for mark in _MARKS.finditer(body.decode(json.detect_encoding(body), "replace")):
            depth += _STEP.get(mark[0], 0)
            if depth > self.depth:
                raise RequestRefused(f"a request may be nested {self.depth} levels deep", code="too_deep")

    def _check_counts(self, body: Json) -> None:
        n = body.get("n")
        if n is not None and (type(n) is not int or not 1 <= n <= self.answers):
            why = f"n is a whole number; a request may ask for {self.answers} answers at most"
            raise RequestRefused(why, code="bad_number", param="n")
        if len(body) > self.fields:
            raise RequestRefused(f"a request may have {self.fields} fields at most", code="too_many")
        for name in _LISTS:
            value = body.get(name)
            if isinstance(value, list) and len(value) > self.messages:
                why = f"a request may hold {self.messages} {name} at most"
                raise RequestRefused(why, code="too_many", param=name)
