"""The reader of a path into nested data."""

from collections.abc import Mapping, Sequence


def at(value: object, path: Sequence[str]) -> object:
    """Return what lies at a path, None where nothing does; pure, never raises.

    Args:
        value: JSON data, or any nesting of mappings and lists.
        path: one step after the other: a key of a mapping, or the index of a list in decimal digits.
    """
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
