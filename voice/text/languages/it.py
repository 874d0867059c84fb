from __future__ import annotations

import re

from voice.text.languages.words import CLOCK, CLOCK_H, Currency, Scale, Words, first_day
from voice.text.reading.numerals import Numerals


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del before
    words = numerals.ordinal(number)
    return re.sub(r"o\b", "a", words) if mark == "ª" else words


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    spoken = "una" if hour == 1 else numerals.cardinal(hour)
    return f"{spoken} e {numerals.cardinal(minute)}" if minute else f"{spoken} in punto"


_CENTESIMI = {"one": "centesimo", "other": "centesimi"}
_MILIONE = Scale({"one": "milione", "other": "milioni"})
_MILIARDO = Scale({"one": "miliardo", "other": "miliardi"})

WORDS = Words(
    numbers="it",
    point="virgola",
    minus="meno",
    to="a",
    percent="per cento",
    dot="punto",
    signs={
        "&": "e", "+": "più", "=": "uguale a", "@": "chiocciola", "×": "per", "÷": "diviso", "±": "più o meno", "≈": "circa",
        "≠": "diverso da", "≤": "al massimo", "≥": "almeno", "<": "minore di", ">": "maggiore di", "~": "circa", "§": "paragrafo",
        "°": "gradi", "‰": "per mille", "½": "mezzo", "¼": "un quarto", "¾": "tre quarti", "*": "per", "%": "per cento",
        "$": "dollari", "€": "euro", "£": "sterline",
    },
    number_sign="numero",
    hashtag="hashtag",
    address={
        ".": "punto", "/": "barra", "-": "trattino", "_": "trattino basso", "@": "chiocciola", "+": "più", "~": "tilde",
        "#": "cancelletto", ":": "due punti",
    },
    slash="o",
    abbreviations=(
        (r"e/o", "e o"), (r"p\. ?es\.", "per esempio"), (r"ad es\.", "ad esempio"), (r"a\. ?C\.", "avanti Cristo"),
        (r"d\. ?C\.", "dopo Cristo"),
        (r"Sig\.ra", "signora"), (r"sig\.ra", "signora"), (r"[Ss]ig\.", "signor"), (r"[Ss]igg\.", "signori"),
        (r"[Dd]ott\.ssa", "dottoressa"),
        (r"[Dd]ott\.", "dottor"), (r"[Pp]rof\.ssa", "professoressa"), (r"[Pp]rof\.", "professor"), (r"[Ii]ng\.(?= [A-Z])", "ingegner"),
        (r"[Aa]vv\.(?= [A-Z])", "avvocato"), (r"ecc\.", "eccetera"), (r"etc\.", "eccetera"), (r"ca\.", "circa"),
        (r"[Nn](?:\.|[°º])(?= ?\d)", "numero"),
        (r"pagg?\.(?= ?\d)", "pagina"), (r"p\.(?= ?\d)", "pagina"), (r"vol\.(?= ?\d)", "volume"), (r"cap\.(?= ?\d)", "capitolo"),
        (r"art\.(?= ?\d)", "articolo"), (r"tel\.", "telefono"), (r"S\.p\.A\.", "società per azioni"), (r"V\.le", "viale"),
        (r"P\.za", "piazza"),
        (r"mln", "milioni"), (r"mld", "miliardi"),
    ),
    never_last="pagg",
    currencies={
        "$": Currency({"one": "dollaro", "other": "dollari"}, _CENTESIMI),
        "€": Currency({"other": "euro"}, _CENTESIMI),
        "£": Currency({"one": "sterlina", "other": "sterline"}, {"other": "pence"}, feminine=True),
        "¥": Currency({"other": "yen"}),
        "₹": Currency({"one": "rupia", "other": "rupie"}, feminine=True),
        "CHF": Currency({"one": "franco", "other": "franchi"}, _CENTESIMI),
        "zł": Currency({"other": "zloty"}),
        "R$": Currency({"one": "real", "other": "reais"}),
    },
    money="{major} {name} e {minor}",
    scales={
        "milioni": _MILIONE, "milione": _MILIONE, "miliardi": _MILIARDO, "miliardo": _MILIARDO, "mln": _MILIONE, "mld": _MILIARDO,
    },
    of=("di ", "di "),
    masculine=((r"\Auno\Z", "un"),),
    feminine=((r"\Auno\Z", "una"),),
    counted=(
        (r" (?!(?:problema|sistema|programma|tema|clima|pianeta)\b)\w{2,}a\b", ((r"\Auno\Z", "una"),)),
        (r" (?!s[^aeiou]|z)\w{2,}[oe]\b", ((r"\Auno\Z", "un"),)),
    ),
    feminine_units=frozenset({"mass-tonne", "duration-hour", "mass-pound", "mass-ounce", "energy-kilocalorie"}),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>[ºª])",
    ordinal=_ordinal,
    day=first_day,
    day_mark="[º°]?",
    date="{day} {month} {year}",
    clocks=(CLOCK, CLOCK_H),
    clock=_clock,
)  # fmt: skip
