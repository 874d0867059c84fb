from __future__ import annotations

from voice.text.languages.words import CLOCK, Currency, Scale, Words, spoken_year
from voice.text.reading.numerals import Numerals


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del mark, before
    return numerals.ordinal(number)


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    spoken = f"{numerals.cardinal(hour)} uur"
    return f"{spoken} {numerals.cardinal(minute)}" if minute else spoken


_CENT = {"other": "cent"}
_MILJOEN = Scale({"other": "miljoen"})
_MILJARD = Scale({"other": "miljard"})

WORDS = Words(
    numbers="nl",
    point="komma",
    minus="min",
    to="tot",
    percent="procent",
    dot="punt",
    signs={
        "&": "en", "+": "plus", "=": "is gelijk aan", "@": "apenstaartje", "×": "keer", "÷": "gedeeld door", "±": "plusminus",
        "≈": "ongeveer",
        "≠": "is niet gelijk aan", "≤": "hoogstens", "≥": "minstens", "<": "kleiner dan", ">": "groter dan", "~": "ongeveer",
        "§": "paragraaf",
        "°": "graden", "‰": "promille", "½": "een half", "¼": "een kwart", "¾": "driekwart", "*": "keer", "%": "procent",
        "$": "dollar", "€": "euro", "£": "pond",
    },
    number_sign="nummer",
    hashtag="hashtag",
    address={
        ".": "punt", "/": "schuine streep", "-": "streepje", "_": "laag streepje", "@": "apenstaartje", "+": "plus", "~": "tilde",
        "#": "hekje", ":": "dubbele punt",
    },
    slash="of",
    abbreviations=(
        (r"en/of", "en of"), (r"o\.a\.", "onder andere"), (r"d\.w\.z\.", "dat wil zeggen"), (r"m\.b\.t\.", "met betrekking tot"),
        (r"t\.o\.v\.", "ten opzichte van"),
        (r"i\.v\.m\.", "in verband met"), (r"n\.a\.v\.", "naar aanleiding van"), (r"t\.e\.m\.|t/m", "tot en met"),
        (r"a\.u\.b\.", "alstublieft"),
        (r"v\.Chr\.", "voor Christus"), (r"n\.Chr\.", "na Christus"), (r"bijv\.", "bijvoorbeeld"), (r"bv\.(?= )", "bijvoorbeeld"),
        (r"enz\.", "enzovoort"), (r"etc\.", "et cetera"), (r"ca\.", "circa"), (r"dhr\.", "de heer"), (r"mevr\.|mw\.", "mevrouw"),
        (r"[Dd]r\.", "doctor"), (r"[Pp]rof\.", "professor"), (r"[Ii]r\.(?= [A-Z])", "ingenieur"), (r"[Mm]r\.(?= [A-Z])", "meester"),
        (r"[Nn]r\.", "nummer"), (r"blz\.", "bladzijde"), (r"p\.(?= ?\d)", "pagina"), (r"incl\.", "inclusief"), (r"excl\.", "exclusief"),
        (r"evt\.", "eventueel"), (r"mln\.?", "miljoen"), (r"mld\.?", "miljard"), (r"tel\.", "telefoon"), (r"zgn\.", "zogenaamd"),
        (r"max\.", "maximaal"), (r"min\.(?= ?\d)", "minimaal"), (r"St\.(?= [A-Z])", "Sint"),
    ),
    never_last=r"[Mm]evr|mw|[Ii]ncl|[Ee]xcl|evt|o\.a|d\.w\.z|tel",
    currencies={
        "$": Currency({"other": "dollar"}, _CENT),
        "€": Currency({"other": "euro"}, _CENT),
        "£": Currency({"other": "pond"}, {"other": "pence"}),
        "¥": Currency({"other": "yen"}),
        "₹": Currency({"other": "roepie"}),
        "zł": Currency({"other": "zloty"}),
        "R$": Currency({"other": "real"}),
    },
    money="{major} {name} {minor}",
    scales={
        "miljoen": _MILJOEN, "miljard": _MILJARD, "mln.": _MILJOEN, "mln": _MILJOEN, "mld.": _MILJARD, "mld": _MILJARD,
    },
    ordinals=r"(?P<n>\d{1,4})(?P<mark>s?t?d?e)\b",
    ordinal=_ordinal,
    year=spoken_year,
    years=(1100, 1999),
    day_mark="(?:e|de|ste)?",
    date="{day} {month} {year}",
    clocks=(CLOCK + "(?: ?uur)?", r"(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d) ?uur"),
    clock=_clock,
)  # fmt: skip
