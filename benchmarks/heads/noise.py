"""How people type: case, punctuation, apostrophes, slips of the finger, chat spellings, polite frames."""

import random
import re

_CHAT = {
    "you": "u",
    "your": "ur",
    "are": "r",
    "please": "pls",
    "to": "2",
    "for": "4",
    "because": "cuz",
    "thanks": "thx",
    "going to": "gonna",
    "want to": "wanna",
    "got to": "gotta",
    "give me": "gimme",
    "let me": "lemme",
    "with": "w",
    "someone": "sum1",
    "though": "tho",
    "i am": "im",
    "isn't": "aint",
    "about": "abt",
    "people": "ppl",
    "representative": "rep",
    "customer": "cust",
    "really": "rly",
    "right now": "rn",
    "talk": "tlk",
    "want": "wnt",
}
_BEFORE = {
    "en": [
        "hi,",
        "hello",
        "hey",
        "please",
        "ok",
        "so",
        "look,",
        "listen,",
        "sorry but",
        "excuse me,",
        "um",
        "ugh",
        "good morning,",
        "hi there!",
        "well",
        "actually",
        "hello?",
        "honestly",
        "dude",
        "mate",
        "oi",
        "yo",
        "right,",
        "i'm on the app.",
        "hi team.",
        "thanks, but",
        "it's about my order.",
    ],
    "de": ["hallo,", "guten tag,", "bitte", "also", "hm,", "ok", "moin,", "hi,", "sorry,"],
    "es": ["hola,", "buenos días,", "por favor", "oye,", "mire,", "bueno,", "perdón,"],
    "fr": ["bonjour,", "salut,", "svp", "écoutez,", "bon,", "euh", "excusez-moi,"],
}
_AFTER = {
    "en": [
        "please",
        "thanks",
        "thank you",
        "asap",
        "now",
        "today",
        "if possible",
        "mate",
        "lol",
        "cheers",
        "pls",
        "right away",
        "already",
        "thank you in advance",
        "!!",
        "...",
        "ok?",
        "for god's sake",
        "innit",
        "y'all",
    ],
    "de": ["bitte", "danke", "sofort", "jetzt", "!!", "vielen dank", "endlich"],
    "es": ["por favor", "gracias", "ya", "ahora mismo", "!!", "porfa"],
    "fr": ["svp", "merci", "maintenant", "tout de suite", "!!", "s'il vous plaît"],
}


def noisy(text: str, language: str, chance: random.Random, *, frames: bool = True) -> str:
    """Write a line the way somebody may type it."""
    if frames and chance.random() < 0.22:
        text = f"{chance.choice(_BEFORE[language])} {text}"
    if frames and chance.random() < 0.15:
        text = f"{text.rstrip('.!?')} {chance.choice(_AFTER[language])}"
    if language == "en" and chance.random() < 0.1:
        text = _chatty(text, chance)
    if chance.random() < 0.16:
        text = _slip(text, chance)
    if chance.random() < 0.45:
        text = text.rstrip(".!?")
    elif text[-1:].isalnum() and chance.random() < 0.4:
        text += chance.choice([".", ".", "!", "!!"])
    if chance.random() < 0.3:
        text = text.replace("'", "").replace(",", "")
    return text[:1].upper() + text[1:] if chance.random() < 0.4 else text


def _chatty(text: str, chance: random.Random) -> str:
    for word, short in _CHAT.items():
        if chance.random() < 0.5:
            text = re.sub(rf"\b{word}\b", short, text)
    return text


def _slip(text: str, chance: random.Random) -> str:
    """One letter of one longer word is missing, doubled, changed or swapped with its neighbour."""
    words = text.split(" ")
    long = [index for index, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    index = chance.choice(long)
    word = words[index]
    at = chance.randrange(1, len(word) - 1)
    words[index] = chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + chance.choice("abcdeilmnoprstu") + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )
    return " ".join(words)
