from __future__ import annotations

import re

from voice.text.languages.words import CLOCK, CLOCK_H, Currency, Scale, Words
from voice.text.reading.numerals import Numerals


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del before
    words = numerals.ordinal(number)
    if mark.endswith("er"):
        return words[:-1] if words.endswith(("primero", "tercero")) else words
    return re.sub(r"o\b", "a", words) if mark.endswith(("ª", "a")) else words


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    spoken = re.sub(r"uno\Z", "una", numerals.cardinal(hour))
    return f"{spoken} y {numerals.cardinal(minute)}" if minute else f"{spoken} en punto"


_UN = ((r"veintiuno(?=\Z| mil)", "veintiún"), (r"\buno(?=\Z| mil)", "un"))
_UNA = ((r"ientos\b(?! mill)", "ientas"), (r"uno(?=\Z| mil\b)", "una"))

_CENTAVOS = {"one": "centavo", "other": "centavos"}
_MIL = Scale({"other": "mil"}, noun=False)
_MILLON = Scale({"one": "millón", "other": "millones"})
_BILLON = Scale({"one": "billón", "other": "billones"})

WORDS = Words(
    numbers="es",
    point="coma",
    minus="menos",
    to="a",
    percent="por ciento",
    dot="punto",
    signs={
        "&": "y", "+": "más", "=": "igual a", "@": "arroba", "×": "por", "÷": "dividido entre", "±": "más menos", "≈": "aproximadamente",
        "≠": "distinto de", "≤": "como máximo", "≥": "como mínimo", "<": "menor que", ">": "mayor que", "~": "unos", "§": "sección",
        "°": "grados", "‰": "por mil", "½": "medio", "¼": "un cuarto", "¾": "tres cuartos", "*": "por", "%": "por ciento",
        "$": "dólares", "€": "euros", "£": "libras",
    },
    number_sign="número",
    hashtag="hashtag",
    address={
        ".": "punto", "/": "barra", "-": "guion", "_": "guion bajo", "@": "arroba", "+": "más", "~": "tilde", "#": "almohadilla",
        ":": "dos puntos",
    },
    slash="o",
    abbreviations=(
        (r"y/o", "y o"), (r"p\. ?ej\.", "por ejemplo"), (r"EE\. ?UU\.", "Estados Unidos"), (r"a\. ?C\.", "antes de Cristo"),
        (r"d\. ?C\.", "después de Cristo"),
        (r"Sres\.", "señores"), (r"Sr\.", "señor"), (r"Sras\.", "señoras"), (r"Sra\.", "señora"), (r"Srta\.", "señorita"),
        (r"Dra\.", "doctora"), (r"Dr\.", "doctor"), (r"D\.(?= [A-ZÁÉÍÓÚÑ])", "don"), (r"D\.ª", "doña"), (r"Uds\.", "ustedes"),
        (r"Ud\.", "usted"),
        (r"Prof\.", "profesor"), (r"etc\.", "etcétera"), (r"aprox\.", "aproximadamente"), (r"[Nn]úm\.", "número"),
        (r"[Nn]\.?[º°](?= ?\d)", "número"),
        (r"págs?\.(?= ?\d)", "página"), (r"p\.(?= ?\d)", "página"), (r"vol\.(?= ?\d)", "volumen"), (r"cap\.(?= ?\d)", "capítulo"),
        (r"art\.(?= ?\d)", "artículo"), (r"[Aa]v(?:da)?\.", "avenida"), (r"C/", "calle "), (r"tel\.", "teléfono"), (r"Sta\.", "santa"),
        (r"máx\.", "máximo"), (r"mín\.", "mínimo"), (r"Cía\.", "compañía"),
    ),
    never_last="Sras|Srtas|Dña|aprox|Avda|Av",
    currencies={
        "$": Currency({"one": "dólar", "other": "dólares"}, _CENTAVOS),
        "€": Currency({"one": "euro", "other": "euros"}, {"one": "céntimo", "other": "céntimos"}),
        "£": Currency({"one": "libra", "other": "libras"}, {"one": "penique", "other": "peniques"}, feminine=True),
        "¥": Currency({"one": "yen", "other": "yenes"}),
        "₹": Currency({"one": "rupia", "other": "rupias"}, feminine=True),
        "MXN": Currency({"one": "peso mexicano", "other": "pesos mexicanos"}, _CENTAVOS),
        "zł": Currency({"one": "esloti", "other": "eslotis"}),
        "R$": Currency({"one": "real", "other": "reales"}, _CENTAVOS),
    },
    money="{major} {name} con {minor}",
    scales={
        "millones": _MILLON, "millón": _MILLON, "billones": _BILLON, "billón": _BILLON, "mil": _MIL, "M": _MILLON,
        "mil millones": Scale({"other": "mil millones"}),
    },
    of=("de ", "de "),
    masculine=_UN,
    feminine=_UNA,
    counted=(
        (r" (?!(?:día|mapa|tema|problema|sistema|programa|idioma|planeta)s?\b)\w+as?\b", _UNA),
        (r" (?!de |y |a )\w{3}", _UN),
        ("", ((r"veintiuno(?= mil)", "veintiún"), (r"\buno(?= mil)", "un"))),
    ),
    feminine_units=frozenset({
        "mass-tonne", "duration-hour", "length-mile", "speed-mile-per-hour", "mass-pound", "mass-ounce",
        "area-hectare", "energy-kilocalorie",
    }),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>\.?[ºª]|\.?er\b|[rdtmvn][oa]\b)",
    ordinal=_ordinal,
    day_mark="º?",
    joint="(?: del?)?",
    date="{day} de {month} de {year}",
    clocks=(CLOCK + r"(?: ?h\b)?", CLOCK_H),
    clock=_clock,
)  # fmt: skip
