from __future__ import annotations

from voice.text.languages.words import CLOCK, Currency, Scale, Words, spoken_year
from voice.text.reading.numerals import Numerals

BRITISH_DATE = "the {day} of {month} {year}"
NOON = 12
TEN = 10


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del before
    if mark == "s":
        decade = numerals.year(number)
        return f"{decade[:-1]}ies" if decade.endswith("y") else f"{decade}s"
    return numerals.ordinal(number)


def _day(numerals: Numerals, day: int, before: str) -> str:
    del before
    return numerals.ordinal(day)


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del before
    spoken = numerals.cardinal(hour)
    if minute:
        spoken += f" oh {numerals.cardinal(minute)}" if minute < TEN else f" {numerals.cardinal(minute)}"
    elif not half:
        return f"{spoken} o'clock" if 0 < hour <= NOON else f"{spoken} hundred hours"
    return f"{spoken} {half.lower()} m" if half else spoken


_DECADE = r"(?:(?<=the )|(?<=arly )|(?<=mid[- ])|(?<=ate )|(?<=his )|(?<=her )|(?<=heir )|(?<=my )|(?<=['’]))"
# what stands before one of two digits; elsewhere "30s" are seconds

_CENTS = {"one": "cent", "other": "cents"}
_THOUSAND = Scale({"other": "thousand"}, noun=False)
_MILLION = Scale({"other": "million"})
_BILLION = Scale({"other": "billion"})
_TRILLION = Scale({"other": "trillion"})

WORDS = Words(
    numbers="en",
    point="point",
    minus="minus",
    to="to",
    percent="percent",
    dot="point",
    decimals_singly=True,
    signs={
        "&": "and", "+": "plus", "=": "equals", "@": "at", "×": "times", "÷": "divided by", "±": "plus or minus", "≈": "about",
        "≠": "is not", "≤": "at most", "≥": "at least", "<": "less than", ">": "greater than", "~": "about", "§": "section",
        "°": "degrees", "‰": "per mille", "½": "a half", "¼": "a quarter", "¾": "three quarters", "*": "times", "%": "percent",
        "$": "dollars", "€": "euros", "£": "pounds",
    },
    number_sign="number",
    hashtag="hashtag",
    address={".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "+": "plus", "~": "tilde", "#": "hash", ":": "colon"},
    slash="or",
    abbreviations=(
        (r"Dr\.(?= [A-Z])", "Doctor"), (r"Mr\.", "Mister"), (r"Mrs\.", "Missus"), (r"Ms\.", "Miz"), (r"Prof\.", "Professor"),
        (r"St\.(?= [A-Z])", "Saint"), (r"(?<=[a-z] )St\.", "Street"), (r"(?<=[a-z] )Rd\.", "Road"), (r"(?<=[a-z] )Ave\.", "Avenue"),
        (r"Jr\.", "Junior"), (r"Sr\.", "Senior"), (r"Gen\.(?= [A-Z])", "General"), (r"Capt\.(?= [A-Z])", "Captain"),
        (r"Gov\.(?= [A-Z])", "Governor"), (r"Sen\.(?= [A-Z])", "Senator"), (r"Mt\.(?= [A-Z])", "Mount"), (r"Ft\.(?= [A-Z])", "Fort"),
        (r"[Ee]\.g\.", "for example"), (r"[Ii]\.e\.", "that is"), (r"etc\.", "et cetera"), (r"vs\.?", "versus"),
        (r"approx\.", "approximately"),
        (r"[Nn]os\.(?= ?\d)", "numbers"), (r"[Nn]o\.(?= ?\d)", "number"), (r"[Vv]ol\.(?= ?\d)", "volume"), (r"[Ff]ig\.(?= ?\d)", "figure"),
        (r"pp\.(?= ?\d)", "pages"), (r"[Pp]\.(?= ?\d)", "page"), (r"[Cc]h\.(?= ?\d)", "chapter"), (r"ca?\.(?= ?\d)", "about"),
        (r"Inc\.", "Incorporated"), (r"Ltd\.", "Limited"), (r"Corp\.", "Corporation"), (r"dept\.", "department"), (r"est\.", "established"),
        (r"and/or", "and or"), (r"w/o", "without"), (r"w/", "with"),
    ),
    never_last="approx|Ms|Vol|Ch|Ft",
    currencies={
        "$": Currency({"one": "dollar", "other": "dollars"}, _CENTS),
        "€": Currency({"one": "euro", "other": "euros"}, _CENTS),
        "£": Currency({"one": "pound", "other": "pounds"}, {"one": "penny", "other": "pence"}),
        "¥": Currency({"other": "yen"}),
        "₹": Currency({"one": "rupee", "other": "rupees"}, {"one": "paisa", "other": "paise"}),
        "zł": Currency({"one": "zloty", "other": "zlotys"}),
        "R$": Currency({"one": "real", "other": "reais"}),
    },
    money="{major} {name} and {minor} {cents}",
    scales={
        "trillion": _TRILLION, "billion": _BILLION, "million": _MILLION, "thousand": _THOUSAND, "bn": _BILLION, "tn": _TRILLION,
        "B": _BILLION, "M": _MILLION, "m": _MILLION, "k": _THOUSAND, "K": _THOUSAND,
    },
    ordinals=rf"(?P<n>\d{{1,9}}(?=st|nd|rd|th)|(?:\d{{3}}|{_DECADE}\d)0(?=s))(?P<mark>st|nd|rd|th|s)\b",
    ordinal=_ordinal,
    year=spoken_year,
    years=(1100, 2099),
    day=_day,
    day_mark="(?:st|nd|rd|th)?",
    month_first=True,
    joint="(?: of)?",
    date="{month} {day}, {year}",
    clocks=(
        CLOCK + r"(?: ?(?P<half>[AaPp])(?:\.[Mm]\.|[Mm]\b))?",
        r"(?P<h>0?[1-9]|1[0-2]) ?(?P<half>[AaPp])(?:\.[Mm]\.|[Mm]\b)",
        r"(?P<h>[1-9]|1[0-2])(?= o['’]clock)",
    ),
    clock=_clock,
)  # fmt: skip
