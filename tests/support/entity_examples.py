"""The examples in entity files, with each run such as `«A12»` written out as that many characters."""

import re

_RUN = re.compile("«([AaUhdbQ])(\\d+)»")
_ALPHABETS = {
    "A": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "a": "0123456789abcdefghijklmnopqrstuvwxyz",
    "U": "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "h": "0123456789abcdef",
    "d": "0123456789",
    "b": "234567abcdefghijklmnopqrstuvwxyz",
    "Q": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}


def expand(example: str) -> str:
    """Return an example with every run written out; the same text always gives the same characters."""
    state = 7

    def written(run: "re.Match[str]") -> str:
        nonlocal state
        alphabet = _ALPHABETS[run.group(1)]
        characters = []
        for _ in range(int(run.group(2))):
            # A linear congruential generator (Numerical Recipes): examples need variety, not secrecy.
            state = (state * 1664525 + 1013904223) % (1 << 32)
            characters.append(alphabet[(state >> 16) % len(alphabet)])
        return "".join(characters)

    return _RUN.sub(written, example)
