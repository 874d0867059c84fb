from __future__ import annotations

import re

from voice.text.languages.words import CLOCK, CLOCK_H, Currency, Scale, Words, first_day
from voice.text.reading.numerals import Numerals


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del before
    words = numerals.ordinal(number)
    return re.sub(r"o\b", "a", words) if mark.endswith("ª") else words


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    count = re.sub(r"\bum\Z", "uma", re.sub(r"\bdois\Z", "duas", numerals.cardinal(hour)))
    spoken = f"{count} {'hora' if hour == 1 else 'horas'}"
    return f"{spoken} e {numerals.cardinal(minute)}" if minute else spoken


_UMA = ((r"entos\b(?! mil[hõ])", "entas"), (r"\bum(?=\Z| mil\b)", "uma"), (r"\bdois(?=\Z| mil\b)", "duas"))

_CENTAVOS = {"one": "centavo", "other": "centavos"}
_CENTIMOS = {"one": "cêntimo", "other": "cêntimos"}
_CURRENCIES = {
    "$": Currency({"one": "dólar", "other": "dólares"}, {"one": "cêntimo", "other": "cêntimos"}),
    "€": Currency({"one": "euro", "other": "euros"}, _CENTIMOS),
    "£": Currency({"one": "libra", "other": "libras"}, {"other": "pence"}, feminine=True),
    "¥": Currency({"one": "iene", "other": "ienes"}),
    "₹": Currency({"one": "rupia", "other": "rupias"}, feminine=True),
    "zł": Currency({"one": "zlóti", "other": "zlótis"}),
    "R$": Currency({"one": "real", "other": "reais"}, _CENTAVOS),
    "BRL": Currency({"one": "real", "other": "reais"}, _CENTAVOS),
}
BRAZILIAN_CURRENCIES = {
    **_CURRENCIES,
    "$": Currency({"one": "dólar", "other": "dólares"}, _CENTAVOS),
    "€": Currency({"one": "euro", "other": "euros"}, _CENTAVOS),
}
_MIL = Scale({"other": "mil"}, noun=False)
_MILHAO = Scale({"one": "milhão", "other": "milhões"})
_BILHAO = Scale({"one": "bilhão", "other": "bilhões"})

WORDS = Words(
    numbers="pt",
    point="vírgula",
    minus="menos",
    to="a",
    percent="por cento",
    dot="ponto",
    signs={
        "&": "e", "+": "mais", "=": "igual a", "@": "arroba", "×": "vezes", "÷": "dividido por", "±": "mais ou menos", "≈": "cerca de",
        "≠": "diferente de", "≤": "no máximo", "≥": "no mínimo", "<": "menor que", ">": "maior que", "~": "cerca de", "§": "parágrafo",
        "°": "graus", "‰": "por mil", "½": "meio", "¼": "um quarto", "¾": "três quartos", "*": "vezes", "%": "por cento",
        "$": "dólares", "€": "euros", "£": "libras",
    },
    number_sign="número",
    hashtag="hashtag",
    address={
        ".": "ponto", "/": "barra", "-": "hífen", "_": "sublinhado", "@": "arroba", "+": "mais", "~": "til", "#": "cardinal",
        ":": "dois pontos",
    },
    slash="ou",
    abbreviations=(
        (r"e/ou", "e ou"), (r"p\. ?ex\.", "por exemplo"), (r"a\. ?C\.", "antes de Cristo"), (r"d\. ?C\.", "depois de Cristo"),
        (r"V\. ?Ex\.ª", "Vossa Excelência"),
        (r"[Ss]rs\.", "senhores"), (r"[Ss]ra\.", "senhora"), (r"[Ss]r\.ª", "senhora"), (r"[Ss]r\.", "senhor"), (r"[Dd]ra\.", "doutora"),
        (r"[Dd]r\.ª", "doutora"), (r"[Dd]r\.", "doutor"), (r"[Pp]rofa\.|[Pp]rof\.ª", "professora"), (r"[Pp]rof\.", "professor"),
        (r"[Ee]ng\.", "engenheiro"), (r"etc\.", "etcétera"), (r"aprox\.", "aproximadamente"), (r"[Nn]\.?[º°](?= ?\d)", "número"),
        (r"págs?\.(?= ?\d)", "página"), (r"p\.(?= ?\d)", "página"), (r"vol\.(?= ?\d)", "volume"), (r"cap\.(?= ?\d)", "capítulo"),
        (r"art\.(?= ?\d)", "artigo"), (r"[Aa]v\.", "avenida"), (r"tel\.", "telefone"), (r"máx\.", "máximo"), (r"mín\.", "mínimo"),
    ),
    never_last="Profa|aprox|págs?|vol|cap|Av|tel",
    currencies=_CURRENCIES,
    money="{major} {name} e {minor} {cents}",
    scales={
        "milhões": _MILHAO, "milhão": _MILHAO, "mil milhões": Scale({"other": "mil milhões"}), "bilhões": _BILHAO, "bilhão": _BILHAO,
        "mil": _MIL,
    },
    of=("de ", "de "),
    feminine=_UMA,
    counted=(
        (
            r" (?!(?:dia|mapa|tema|problema|sistema|programa|idioma|planeta|grama|quilograma)s?\b)"
            r"(?:\w{2,}(?:as?|[çs]ões|ção|dades?)|mulher(?:es)?|vez(?:es)?|mãos?|noites?|partes?)\b",
            _UMA,
        ),
    ),
    feminine_units=frozenset({
        "mass-tonne", "duration-hour", "length-mile", "speed-mile-per-hour", "mass-pound", "mass-ounce", "energy-kilocalorie",
    }),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>\.?[ºª])",
    ordinal=_ordinal,
    day=first_day,
    day_mark="[º°]?",
    joint="(?: de)?",
    date="{day} de {month} de {year}",
    clocks=(CLOCK, CLOCK_H),
    clock=_clock,
)  # fmt: skip
