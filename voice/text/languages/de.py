from __future__ import annotations

import re

from voice.text.languages.words import CLOCK, Currency, Scale, Words, spoken_year
from voice.text.reading.numerals import Numerals

_WITH_N = re.compile(
    r"\b(?:am|ab|bis|seit|im|vom|zum|zur|beim|dem|den|des|einem|einen|einer|eines|jeden|jedem|diesem|diesen|dieser|[ims]hrem|[ims]hren|"
    r"[ms]einem|[ms]einen|[ms]einer|aller|alle|beiden|ersten|letzten|und|Uhr am) \Z",
    re.IGNORECASE,
)
_BEGINNING = re.compile(r"\d+\.[-–]\Z")
# of a range of ordinals, which end alike
_WITH_E = re.compile(r"\b(?:der|die|das|dieser|diese|dieses|jede) \Z", re.IGNORECASE)
_INSIDE = (
    r"\b(?i:am|im|vom|zum|zur|beim|de[mnrs]|die|das|ein|eine[mnrs]?|jede[mnrs]?|diese[mnrs]?|(?:[msd]ein|ihr|unser)e?[mnrs]?) \d{1,4}\. "
    r"(?!(?:Der|Die|Das|De[mn]|E[rs]|Sie|Ich|Wir|Ihr|Du|Man|Da(?:nach|nn|her)?|Dort|Hier|Und|Aber|Doch|Oder|Auch|So|Jetzt|Heute|"
    r"[AI]m|In|Zum|Vom?n?|Nach|Bis|Seit|Eine?|Diese[rs]?|W(?:as|er|ie|o|enn|eil))\b)"
    r"|\d\. (?=[a-zäöü])"
)
# "im 19. Jahrhundert", but not "am 19. Danach"


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    """With the ending that the word before asks for: "am dritten", "der dritte", otherwise "dritter". "80er" has its own."""
    if mark.startswith("er"):
        return f"{numerals.year(number)}{mark}"
    before = _BEGINNING.sub("", before)
    stem = numerals.ordinal(number)
    if _WITH_N.search(before):
        return f"{stem}n"
    return stem if _WITH_E.search(before) else f"{stem}r"


def _day(numerals: Numerals, day: int, before: str) -> str:
    return _ordinal(numerals, day, ".", before)


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    spoken = f"{'ein' if hour == 1 else numerals.cardinal(hour)} Uhr"
    return f"{spoken} {numerals.cardinal(minute)}" if minute else spoken


_CENT = {"other": "Cent"}
_MILLION = Scale({"one": "Million", "other": "Millionen"}, feminine=True)
_MILLIARDE = Scale({"one": "Milliarde", "other": "Milliarden"}, feminine=True)

WORDS = Words(
    numbers="de",
    point="Komma",
    minus="minus",
    to="bis",
    percent="Prozent",
    dot="Punkt",
    decimals_singly=True,
    signs={
        "&": "und", "+": "plus", "=": "gleich", "@": "at", "×": "mal", "÷": "geteilt durch", "±": "plus minus", "≈": "ungefähr",
        "≠": "ungleich", "≤": "höchstens", "≥": "mindestens", "<": "kleiner als", ">": "größer als", "~": "etwa", "§": "Paragraf",
        "°": "Grad", "‰": "Promille", "½": "ein halb", "¼": "ein Viertel", "¾": "drei Viertel", "*": "mal", "%": "Prozent",
        "$": "Dollar", "€": "Euro", "£": "Pfund",
    },
    number_sign="Nummer",
    hashtag="Hashtag",
    address={
        ".": "Punkt", "/": "Schrägstrich", "-": "Minus", "_": "Unterstrich", "@": "at", "+": "plus", "~": "Tilde", "#": "Raute",
        ":": "Doppelpunkt",
    },
    slash="oder",
    abbreviations=(
        (r"und/oder", "und oder"), (r"z\. ?B\.", "zum Beispiel"), (r"d\. ?h\.", "das heißt"), (r"u\. ?a\.", "unter anderem"),
        (r"u\. ?U\.", "unter Umständen"),
        (r"i\. ?d\. ?R\.", "in der Regel"), (r"o\. ?ä\.", "oder ähnliches"), (r"z\. ?T\.", "zum Teil"), (r"v\. ?a\.", "vor allem"),
        (r"s\. ?o\.", "siehe oben"), (r"s\. ?u\.", "siehe unten"), (r"n\. ?Chr\.", "nach Christus"), (r"v\. ?Chr\.", "vor Christus"),
        (r"i\. ?d\.", "in der"), (r"Dr\.", "Doktor"), (r"Prof\.", "Professor"), (r"Hr\.", "Herr"), (r"Fr\.(?= [A-ZÄÖÜ])", "Frau"),
        (r"usw\.", "und so weiter"), (r"etc\.", "et cetera"), (r"bzw\.", "beziehungsweise"), (r"ca\.", "circa"),
        (r"ggf\.", "gegebenenfalls"),
        (r"evtl\.", "eventuell"), (r"inkl\.", "inklusive"), (r"exkl\.", "exklusive"), (r"zzgl\.", "zuzüglich"), (r"vgl\.", "vergleiche"),
        (r"Nr\.", "Nummer"), (r"Bd\.(?= ?\d)", "Band"), (r"Abb\.(?= ?\d)", "Abbildung"), (r"Kap\.(?= ?\d)", "Kapitel"),
        (r"S\.(?= ?\d)", "Seite"), (r"Str\.", "Straße"), (r"(?<=[a-zäöü])str\.", "straße"), (r"Tel\.", "Telefon"),
        (r"St\.(?= [A-ZÄÖÜ])", "Sankt"),
        (r"Mio\.", "Millionen"), (r"Mrd\.", "Milliarden"), (r"Std\.", "Stunden"), (r"Min\.", "Minuten"),
        (r"Mwst\.|MwSt\.", "Mehrwertsteuer"),
        (r"geb\.", "geboren"), (r"max\.", "maximal"), (r"min\.(?= ?\d)", "minimal"), (r"Art\.(?= ?\d)", "Artikel"),
        (r"Abs\.(?= ?\d)", "Absatz"),
    ),
    never_last="inkl|exkl|zzgl|bzgl|gem|Tsd|Dipl|-Ing|geb|max|Bd|Abb|Kap|Abs|Tel",
    currencies={
        "$": Currency({"other": "Dollar"}, _CENT),
        "€": Currency({"other": "Euro"}, _CENT),
        "£": Currency({"other": "Pfund"}, {"other": "Pence"}),
        "¥": Currency({"other": "Yen"}),
        "₹": Currency({"one": "Rupie", "other": "Rupien"}, feminine=True),
        "CHF": Currency({"other": "Franken"}, {"other": "Rappen"}),
        "zł": Currency({"other": "Zloty"}),
        "R$": Currency({"one": "Real", "other": "Reais"}),
    },
    money="{major} {name} {minor}",
    scales={
        "Mio.": _MILLION, "Mio": _MILLION, "Mrd.": _MILLIARDE, "Mrd": _MILLIARDE, "Million": _MILLION, "Millionen": _MILLION,
        "Milliarde": _MILLIARDE, "Milliarden": _MILLIARDE, "Tsd.": Scale({"other": "Tausend"}, noun=False),
    },
    masculine=((r"eins\Z", "ein"),),
    feminine=((r"eins\Z", "eine"),),
    counted=(
        (r" (?:[A-ZÄÖÜ]\w*(?:e|ung|heit|keit|schaft|ion|tät|in))\b", ((r"\Aeins\Z", "eine"),)),
        (r" [A-ZÄÖÜ]\w", ((r"\Aeins\Z", "ein"),)),
    ),
    feminine_units=frozenset({
        "mass-tonne", "duration-second", "duration-millisecond", "duration-minute", "duration-hour", "energy-kilowatt-hour", "length-mile",
        "speed-mile-per-hour", "mass-ounce", "energy-kilocalorie",
    }),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>\.(?= [^\W\d_]|[-–](?:\ufffc|\d{1,4}\. [^\W\d_]))|ern?\b)",
    ordinal_inside=_INSIDE,
    ordinal=_ordinal,
    year=spoken_year,
    years=(1100, 1999),
    day=_day,
    day_mark=r"\.",
    date="{day} {month} {year}",
    short_date=r"\b(?:am|vom|zum|bis|dem|den|Am|Vom|Zum|Bis) \Z",
    clocks=(CLOCK + "(?: ?Uhr)?", r"(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d) ?Uhr", "(?P<h>[01]?\\d|2[0-4]) ?Uhr(?P<m>)"),
    clock=_clock,
)  # fmt: skip
