from __future__ import annotations

import re

from voice.text.languages.words import CLOCK, Currency, Scale, Words
from voice.text.reading.numerals import Numerals

CENTURY = 100
_TELLS_WHEN = re.compile(r"\b(?:(?:o|od|do|po|przed|około)(?: godz\.)?|godzinie) \Z", re.IGNORECASE)


def _genitive(words: str) -> str:
    """Of ordinals: "dwudziesty trzeci" is "dwudziestego trzeciego"."""
    return re.sub(r"i\b", "iego", re.sub(r"y\b", "ego", words))


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del mark, before
    return numerals.ordinal(number)


def _year(numerals: Numerals, year: int, before: str) -> str:
    """In the genitive, as dates have it, or after "w" in the locative: only tens and units are ordinals."""
    rest = year % CENTURY
    ordinal = _genitive(numerals.ordinal(rest or year))
    if before[-2:].lower() == "w ":
        ordinal = re.sub(r"ego\b", "ym", re.sub(r"iego\b", "im", ordinal))
    return f"{numerals.cardinal(year - rest)} {ordinal}" if year > rest > 0 else ordinal


def _day(numerals: Numerals, day: int, before: str) -> str:
    del before
    return _genitive(numerals.ordinal(day))


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half
    ending = "ej" if _TELLS_WHEN.search(before) else "a"
    spoken = re.sub(r"[yi]\b", ending, numerals.ordinal(hour)) if hour else "zero"
    spoken = re.sub(r"gej\b", "giej", spoken)
    return f"{spoken} {numerals.cardinal(minute)}" if minute else spoken


_GROSZ = {"one": "grosz", "few": "grosze", "many": "groszy", "other": "grosza"}
_CENT = {"one": "cent", "few": "centy", "many": "centów", "other": "centa"}
_ZLOTY = Currency({"one": "złoty", "few": "złote", "many": "złotych", "other": "złotego"}, _GROSZ)
_TYSIAC = Scale({"one": "tysiąc", "few": "tysiące", "many": "tysięcy", "other": "tysiąca"})
_MILION = Scale({"one": "milion", "few": "miliony", "many": "milionów", "other": "miliona"})
_MILIARD = Scale({"one": "miliard", "few": "miliardy", "many": "miliardów", "other": "miliarda"})

WORDS = Words(
    numbers="pl",
    point="przecinek",
    minus="minus",
    to="do",
    percent="procent",
    dot="kropka",
    signs={
        "&": "i", "+": "plus", "=": "równa się", "@": "małpa", "×": "razy", "÷": "podzielić przez", "±": "plus minus", "≈": "około",
        "≠": "nie równa się", "≤": "najwyżej", "≥": "co najmniej", "<": "mniejsze niż", ">": "większe niż", "~": "około", "§": "paragraf",
        "°": "stopni", "‰": "promili", "½": "pół", "¼": "ćwierć", "¾": "trzy czwarte", "*": "razy", "%": "procent",
        "$": "dolarów", "€": "euro", "£": "funtów",
    },
    number_sign="numer",
    hashtag="hasztag",
    address={
        ".": "kropka", "/": "ukośnik", "-": "myślnik", "_": "podkreślnik", "@": "małpa", "+": "plus", "~": "tylda", "#": "krzyżyk",
        ":": "dwukropek",
    },
    slash="lub",
    abbreviations=(
        (r"i/lub", "i lub"), (r"m\. ?in\.", "między innymi"), (r"p\. ?n\. ?e\.", "przed naszą erą"), (r"n\. ?e\.", "naszej ery"),
        (r"np\.", "na przykład"),
        (r"itd\.", "i tak dalej"), (r"itp\.", "i tym podobne"), (r"tzn\.", "to znaczy"), (r"tj\.", "to jest"), (r"tzw\.", "tak zwany"),
        (r"ok\.", "około"), (r"dr\b\.?(?= [A-ZŁŚŻ])", "doktor"), (r"prof\.", "profesor"), (r"inż\.", "inżynier"),
        (r"mgr\b\.?(?= )", "magister"),
        (r"ul\.", "ulica"), (r"al\.(?= [A-ZŁŚŻ])", "aleja"), (r"św\.", "święty"), (r"[Nn]r(?= ?\d)", "numer"), (r"str\.(?= ?\d)", "strona"),
        (r"(?<=\b[oO] )godz\.", "godzinie"), (r"(?<=\b[dDoO][od] )godz\.", "godziny"),
        (r"godz\.", "godzina"), (r"tel\.", "telefon"), (r"tys\.", "tysięcy"), (r"mln", "milionów"), (r"mld", "miliardów"),
        (r"ww\.", "wyżej wymieniony"),
        (r"br\.", "bieżącego roku"), (r"(?<=[\d\ufffc] )r\.", "roku"), (r"(?<=[\d\ufffc] )w\.", "wieku"), (r"max\.|maks\.", "maksymalnie"),
        (r"min\.(?= ?\d)", "minimalnie"),
    ),
    never_last=r"(?:m\.)?in|tj|tzw|ok|inż|mgr|dr|hab|gen|ks|al|pl|os|św|str|godz|tel|ww|zob|por|red|maks",
    currencies={
        "$": Currency({"one": "dolar", "few": "dolary", "many": "dolarów", "other": "dolara"}, _CENT),
        "€": Currency({"other": "euro"}, _CENT),
        "£": Currency({"one": "funt", "few": "funty", "many": "funtów", "other": "funta"}, {"one": "pens", "few": "pensy",
        "many": "pensów", "other": "pensa"}),
        "¥": Currency({"one": "jen", "few": "jeny", "many": "jenów", "other": "jena"}),
        "₹": Currency({"one": "rupia", "few": "rupie", "many": "rupii", "other": "rupii"}, feminine=True),
        "zł": _ZLOTY,
        "PLN": _ZLOTY,
        "R$": Currency({"one": "real", "few": "reale", "many": "reali", "other": "reala"}),
    },
    money="{major} {name} {minor} {cents}",
    scales={
        "tys.": _TYSIAC, "mln": _MILION, "mld": _MILIARD,
    },
    feminine=((r"\Ajeden\Z", "jedna"), (r"\bdwa\Z", "dwie")),
    counted=(
        (r" \w{2,}a\b", ((r"\Ajeden\Z", "jedna"),)),
        (r" \w{2,}[oe]\b", ((r"\Ajeden\Z", "jedno"),)),
        (r" (?:minuty|sekundy|godziny|osoby|kobiety|sztuki|strony|książki|złotówki|części|noce|rzeczy)\b", ((r"\bdwa\Z", "dwie"),)),
    ),
    feminine_units=frozenset({
        "mass-tonne", "duration-second", "duration-millisecond", "duration-minute", "duration-hour", "length-mile", "speed-mile-per-hour",
        "energy-kilowatt-hour", "mass-ounce", "energy-kilocalorie", "length-foot",
    }),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>\.)(?= [^\W\d_])",
    ordinal_inside=r"\d\. (?=[a-ząćęłńóśźż])",
    ordinal=_ordinal,
    year=_year,
    year_before=r" (?:roku\b|r\.)",
    day=_day,
    date="{day} {month} {year} roku",
    date_end=r"(?: ?r\.| roku\b)?",
    clocks=(CLOCK,),
    clock=_clock,
)  # fmt: skip
