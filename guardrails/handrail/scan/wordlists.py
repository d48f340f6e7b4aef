"""The word lists beside this module: given names, ordinary words, places, and the signs of names."""

from functools import cache


@cache
def signs(name: str) -> tuple[str, ...]:
    """Return one list of the words and endings that tell names from other words."""
    return tuple(_signs()[name])


@cache
def sign_set(name: str) -> frozenset[str]:
    """Return one such list as a set."""
    return frozenset(signs(name))


@cache
def _signs() -> dict[str, list[str]]:
    import tomllib

    text = _data("name_signs.toml")
    return {name: list(listed) for name, listed in tomllib.loads(text).items()}


@cache
def lexicon(name: str) -> frozenset[str]:
    """Return one of the word lists beside this module, lower case."""
    return frozenset(_data(f"{name}.txt").lower().split())


def _data(file: str) -> str:
    from importlib.resources import files

    return (files("handrail.scan") / "lexicon" / file).read_text("utf-8")
