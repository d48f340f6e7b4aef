"""Letters and signs of other scripts that a reader takes for ASCII ones."""

_CYRILLIC = dict(zip("аеорсухіјѕһԁԛԝӏАВЕКМНОРСТУХІЈЅҺԌԜ", "aeopcyxijshdqwlABEKMHOPCTYXIJSHGW", strict=True))
_GREEK = dict(zip("ονραικυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳ", "ovpaikuxABEZHIKMNOPTYXcj", strict=True))
_LATIN = dict(zip("ıɡɑȷʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ", "igajlacdejkmoptuvwz", strict=True))
_ARMENIAN = dict(zip("օսոհզցԼՍՕ", "ounhqgLUO", strict=True))
_SIGNS = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"',
    "−": "-", "⁃": "-", "‐": "-", "‑": "-", "ー": "-", "﹣": "-", "－": "-", "˗": "-", "➖": "-",
    "∕": "/", "⁄": "/", "╱": "/", "∶": ":", "꞉": ":", "ː": ":", "։": ":", "․": ".",
    "。": ".", "｡": ".", "·": ".",
    "⠀": " ", "、": ",", "⋅": ".", "﹫": "@", "∙": ".", "٫": ".", "٬": ",",
}  # fmt: skip

LOOKALIKES: dict[str, str] = {**_CYRILLIC, **_GREEK, **_LATIN, **_ARMENIAN, **_SIGNS}
"""Character → the ASCII character it looks like."""
