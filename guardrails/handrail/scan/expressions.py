"""RE2 expressions over one byte per character: how a text is encoded for them, how they are compiled."""

import codecs
import re
from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING

from handrail.errors import PolicyError
from handrail.scan.spec import EntitySpec

if TYPE_CHECKING:
    import re2


def byte_options() -> "re2.Options":
    """Options for one byte per character, so that offsets in bytes are offsets in text."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


def _stand_in(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    run = error.object[error.start : error.end]
    return bytes(0xFF if character.isalpha() else 0xB7 for character in run), error.end


_STAND_IN = "handrail.stand-in"
codecs.register_error(_STAND_IN, _stand_in)

encode: Callable[[str], bytes] = methodcaller("encode", "latin-1", _STAND_IN)
"""Encodes one byte per character; what has no byte of its own becomes an accented letter or a dot.

Offsets therefore stay those of the text. Such a stand-in is no ASCII word character, so it never takes part
in a pattern that does not allow for foreign letters. It runs on every text, so it is a call into C.
"""


BOUNDARY = r"(?:\b|_)"
r"""Where a value begins or ends: as `\b`, but an underscore beside it is not its own."""


BEHIND_NAME = r"(?:\b|[_\d])"
"""Where the name of a value ends: the value may be glued to it."""

NAMED_BOUNDARY = r"(?:\b|[A-Za-z_])"
r"""Where a number begins or ends: as `BOUNDARY`, but its name may be glued to it, which `Rule.judge` leaves
out.
"""


def unbounded(expression: str, *, is_text: bool = False) -> str:
    r"""Return an expression whose `\b` at either end does not count an underscore beside the value as part
    of it.

    A match may then begin or end with that underscore, which `Rule.judge` leaves out. Beside a digit a letter
    may stand in its place, unless the expression is for text that begins with a number, such as an address.
    """
    if expression.startswith(r"\b"):
        rest = expression.removeprefix(r"\b")
        expression = (NAMED_BOUNDARY if not is_text and _BEGINS_WITH_DIGIT.match(rest) else BOUNDARY) + rest
    if expression.endswith(r"\b"):
        rest = expression.removesuffix(r"\b")
        expression = rest + (NAMED_BOUNDARY if not is_text and _ENDS_IN_DIGIT.search(rest) else BOUNDARY)
    return expression


_BEGINS_WITH_DIGIT = re.compile(r"\\d|\[[1-9-]+\]|[1-9]|\((?:\?:)?(?:\\d|0\[|19\|)")
_ENDS_IN_DIGIT = re.compile(r"\\d(?:\{[\d,]+\})?(?:\)(?:\{[\d,]+\}|\?)?)?$")


def compiled(expression: str, spec: EntitySpec) -> "re2._Regexp":
    """Compile one expression, or say where it was written and what is wrong with it."""
    import re2

    try:
        return re2.compile(expression.encode("latin-1"), options=byte_options())
    except (re2.error, UnicodeEncodeError) as error:
        origin = spec.origin
        raise PolicyError(
            f"{spec.type}: not an expression of the RE2 subset: {_reason(error)}",
            file=origin.file,
            line=origin.line,
            column=origin.column,
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a pattern may hold characters up to U+00FF only; words of other scripts belong in `terms`"
    reason = error.args[0] if error.args else error
    return reason.decode("latin-1") if isinstance(reason, bytes) else str(reason)


def is_spelled(phrase: str) -> bool:
    """Tell whether every character of a phrase has a byte of its own, so that an expression can name it."""
    return all(character <= "\xff" for character in phrase)


def words(phrases: tuple[str, ...]) -> str:
    """Return an expression for whole words and phrases without regard to case.

    In place of those of other scripts stands any word of as many foreign letters. Programs write a blank as
    `_` or `-`.
    """
    import re2

    written = (apart(phrase, re2.escape(phrase).replace("\\ ", "[ _-]")) for phrase in phrases)
    return f"(?i)(?:{'|'.join(written)})"


def glued(phrases: tuple[str, ...]) -> str:
    """Return an expression that occurs wherever one of the phrases does, apart or glued to something."""
    import re2

    written = (r"[ _-]?".join(map(re2.escape, phrase.split())) for phrase in phrases)
    return f"(?i)(?:{'|'.join(written)})"


def apart(phrase: str, expression: str) -> str:
    """Return a phrase's expression with word boundaries where it begins or ends in an ASCII word character.

    A digit behind a word ends it. Elsewhere a boundary would ask for a word character beside the phrase.
    """
    first, last = (c.isascii() and (c.isalnum() or c == "_") for c in (phrase[0], phrase[-1]))
    return (BOUNDARY if first else "") + expression + (BEHIND_NAME if last else "")
