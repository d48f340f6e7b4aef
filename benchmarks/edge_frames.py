"""What may stand beside a value: at least 120 pairs of left and right neighbours, each with its kind."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.edge_values import Value

_SCRIPTS = {
    "cyrillic": ("карта", "сегодня"),
    "cyrillic capitals": ("НОМЕР", "КАРТЫ"),
    "ukrainian": ("номерї", "їжак"),
    "greek": ("κάρτα", "σήμερα"),
    "greek capitals": ("ΚΩΔΙΚΟΣ", "ΦΙΛΟΣ"),
    "han": ("我的卡号是", "谢谢"),
    "han traditional": ("請記錄", "謝謝"),
    "hiragana": ("これは", "です"),
    "katakana": ("カード", "テスト"),
    "hangul": ("카드번호는", "입니다"),
    "thai": ("หมายเลข", "ครับ"),
    "arabic": ("رقم", "شكرا"),
    "persian": ("شماره", "است"),
    "hebrew": ("מספר", "תודה"),
    "devanagari": ("नंबर", "धन्यवाद"),
    "bengali": ("নম্বর", "ধন্যবাদ"),
    "tamil": ("எண்", "நன்றி"),
    "telugu": ("నంబర్", "ధన్యవాదాలు"),
    "georgian": ("ნომერი", "მადლობა"),
    "armenian": ("համարը", "շնորհակալ"),
    "ethiopic": ("ቁጥር", "አመሰግናለሁ"),
    "khmer": ("លេខ", "អរគុណ"),
    "lao": ("ເລກ", "ຂອບໃຈ"),
    "burmese": ("နံပါတ်", "ကျေးဇူး"),
    "tibetan": ("ཨང་", "ཐུགས"),
}
_MARKUP = (
    ("**", "**"),
    ("*", "*"),
    ("__", "__"),
    ("_", "_"),
    ("~~", "~~"),
    ("`", "`"),
    ("```\n", "\n```"),
    ("||", "||"),
    ("<b>", "</b>"),
    ("<td>", "</td>"),
    ("<field>", "</field>"),
    ("<!-- ", " -->"),
    ("<![CDATA[", "]]>"),
    ("&nbsp;", "&nbsp;"),
    ("&quot;", "&quot;"),
    ("&#39;", "&#39;"),
    ("&lt;", "&gt;"),
    ("<br/>", "<br/>"),
    ("[", "](#top)"),
    ("[[", "]]"),
    ("(", ")"),
    ("{", "}"),
    ("{{", "}}"),
    ("> ", "\n"),
    ("# ", "\n"),
    ("- ", "\n"),
    ("* ", "\n"),
    ("1. ", "\n"),
    ("| ", " |"),
    ("|", "|"),
    ("\\textbf{", "}"),
    ("==", "=="),
    ("^", "^"),
    ("<value>", "</value>"),
    ('<a title="', '">x</a>'),
    ("<", ">"),
)
_QUOTES = (
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("‘", "’"),
    ("«", "»"),
    ("„", "“"),
    ("‹", "›"),
    ("「", "」"),
    ("『", "』"),
    ("《", "》"),
    ("（", "）"),
    ("【", "】"),
    ("''", "''"),
    ('"""', '"""'),
    ("´", "´"),
)
_DATA = (
    ('{"a":"', '"}'),
    ('{"a": "', '", "b": 2}'),
    ('["', '"]'),
    ('["x","', '","y"]'),
    ("{'a': '", "'}"),
    ("a,", ",b"),
    ("a;", ";b"),
    ("a\t", "\tb"),
    ('"a","', '","b"'),
    (",", ","),
    (";", ";"),
    ("\t", "\t"),
    ("key: ", "\n"),
    ("key:", "\n"),
    ("key = ", "\n"),
    ("key=", "\n"),
    ("item=7,", ",x=1"),
    ("7|", "|8"),
    ("\n", "\n"),
    ("\r\n", "\r\n"),
    ("x: |\n  ", "\n"),
    ("- a: ", " # ok\n"),
    ("name\n", "\nname"),
    ("\xa0", "\xa0"),
    ("\u3000", "\u3000"),
    ("\u2003", "\u2003"),
    ("\ufeff", "\n"),
)
_WRITTEN_OUT = (
    ("\\n", "\\n"),
    ("\\t", "\\t"),
    ("\\r\\n", "\\r\\n"),
    ("\\u00e9", "\\u00e9"),
    ("\\u4e2d", "\\u4e2d"),
    ("\\x0a", "\\x0a"),
    ('\\"', '\\"'),
    ("\\\\n", "\\\\n"),
    ("x\\n", "\\nx"),
    ("%20", "%20"),
    ("%0A", "%0A"),
    ("%22", "%22"),
    ("%3D", "%26"),
    ("&amp;", "&amp;"),
    ("&#10;", "&#10;"),
    ("q=%20", "%20x"),
)
_ADDRESSES = (
    ("?q=", "&b=2"),
    ("https://a.example/?q=", "&b=2"),
    ("a=1&b=", "&c=3"),
    ("?a=1&b=", "#top"),
    ("/v1/", "/x"),
    ("/", "/"),
)
_SHELL = (
    ("--value=", " -v"),
    ("-p ", " -v"),
    ("export A=", "\n"),
    ("$ run ", " | tee log"),
    ("A=", ";"),
    ("<<< ", "\n"),
    ("$(run ", ")"),
    ("run >", "\n"),
    ("A='", "'"),
    ("echo ", " && ls"),
    ("x:", ":y"),
    ("a/", "/b"),
)
_CODE = (
    ("x := ", "\n"),
    ("x => ", ";"),
    ("f(", ")"),
    ("f('", "')"),
    ('f("', '");'),
    ("x->", ";"),
    ("return ", ";"),
    ("// ", "\n"),
    ("/* ", " */"),
    ("-- ", "\n"),
    ("=", "="),
    ("::", "::"),
    ("[2026-11-28 10:00:00] INFO ", " done"),
    ("nr_", ""),
    ("no_", "_x"),
)
_EMOJI = (("💳", "💳"), ("❤️", "❤️"), ("👩\u200d💻", "✅"), ("🇩🇪", "🇩🇪"), ("☎", "☎"), ("1️⃣ ", " 👍🏽"))
_SIGNS = (
    ("#", ""),
    ("№", ""),
    ("No.", ""),
    ("§", ""),
    ("•", ""),
    ("…", "…"),
    ("—", "—"),
    ("–", "–"),
    ("→", "←"),
    ("✓", ""),
    ("~", "~"),
    ("!", "!"),
    ("¿", "?"),
    ("¡", "!"),
    ("", ","),
    ("", "."),
    ("", "?"),
    ("", "..."),
    (":", ":"),
    ("+", "+"),
    ("@ ", " @"),
    ("'", "'s"),
    ("(", "),"),
    ("& ", " &"),
    ("­", "­"),
    ("\u200b", "\u200b"),
    ("\u200f", "\u200e"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A left and a right neighbour and what they are an example of."""

    name: str
    form: str
    left: str
    right: str

    def around(self, value: Value) -> tuple[str, int]:
        """Return the text of a value in this frame and where the value begins."""
        before = f"{value.cue} " if value.cue else "note "
        lead = value.lead
        start = len(before) + len(self.left) + len(lead)
        return f"{before}{self.left}{lead}{value.text}{value.tail}{self.right}", start


def frames() -> tuple[Frame, ...]:
    """Return every frame."""
    return tuple(_all())


def _all() -> Iterator[Frame]:
    yield Frame(name="blank", form="plain", left="", right=" today")
    yield Frame(name="the end", form="plain", left="", right="")
    for name, (left, right) in _SCRIPTS.items():
        yield Frame(name=name, form="script", left=left, right=right)
        yield Frame(name=f"{name}, left", form="script", left=left, right=" ")
        yield Frame(name=f"{name}, right", form="script", left="", right=right)
    for form, pairs in (
        ("markup", _MARKUP),
        ("quote", _QUOTES),
        ("data", _DATA),
        ("written out", _WRITTEN_OUT),
        ("address", _ADDRESSES),
        ("shell", _SHELL),
        ("code", _CODE),
        ("emoji", _EMOJI),
        ("sign", _SIGNS),
    ):
        for left, right in pairs:
            yield Frame(name=f"{form} {left!r} {right!r}", form=form, left=left, right=right)


# What may be part of a value is no neighbour of it.
_PART_OF = {
    "digits": ("", ""),
    "hex": (":", ":"),
    "amount": ("", "%"),
    "words": ("", ""),
    "token": ("", "-_.+/=~:"),
    "secret": ("", "-_.+/=~:&#!?*@$^|\\%&…—–→←´+…"),
    "base64": ("", "-_.+/=~:%"),
    "atom": ("+", "-_"),
    "url": ("", "–-_.+/=~:&#!?*@$,;%()'…|^´"),
    "url-part": ("", ""),
}
_MARKS = frozenset("*_~=|^")


def fits(frame: Frame, value: Value) -> bool:
    """Tell whether a frame leaves no doubt about where a value of this kind begins and ends.

    A character that the value may itself hold is a part of it and no neighbour, but for marks that stand on
    both sides. A
    number sign or a plus before a telephone number has a meaning of its own, words do not stand in code,
    and a web address goes on to the next blank. Behind a plus, digits are a telephone number.
    """
    left, right = frame.left[-1:], frame.right[:1]
    before, after = _PART_OF[value.kind]
    is_pair = frame.left == frame.right and bool(left) and set(frame.left) <= _MARKS
    if value.lead and (left.isalnum() or left == "_"):
        return False
    if value.kind == "url-part":
        return frame.form in ("plain", "quote")
    if right and right in after and not (is_pair and value.kind not in ("url", "secret")):
        return False
    if value.kind in ("url", "secret") and (
        frame.form in ("script", "written out", "emoji") or frame.right.startswith("-")
    ):
        return frame.right[:1] in (" ", "\n", '"') or not frame.right
    if left and left in before and not is_pair:
        return False
    if value.type in ("phone", "coordinates", "date") and (
        left in ("#", "№", "+", "§", "&") or frame.left.endswith("No.")
    ):
        return False
    if left == "+" and value.text[0].isdigit() and sum(map(str.isdigit, value.text)) <= 13:
        return False
    if value.kind == "words" and frame.form in ("code", "shell", "address", "written out"):
        return False
    return not (value.kind in ("words", "amount") and left in ("#", "№", "@", "&", "/")) and not (
        value.kind == "words" and frame.left.endswith("No.")
    )
