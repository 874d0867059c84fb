from __future__ import annotations

from voice.text.languages.words import CLOCK, CLOCK_H, Currency, Scale, Words, first_day
from voice.text.reading.numerals import Numerals


def _ordinal(numerals: Numerals, number: int, mark: str, before: str) -> str:
    del before
    plural = "s" if mark.endswith("s") else ""
    if "re" in mark and number == 1:
        return f"première{plural}"
    if mark.startswith("n"):
        return f"seconde{plural}" if "e" in mark else f"second{plural}"
    return f"{numerals.ordinal(number)}{plural}"


def _clock(numerals: Numerals, hour: int, minute: int | None, half: str, before: str) -> str:
    del half, before
    count = numerals.cardinal(hour)
    spoken = f"{count}{'e' if count.endswith('un') else ''} heure{'s' if hour > 1 else ''}"
    return f"{spoken} {numerals.cardinal(minute)}" if minute else spoken


_CENTIME = {"one": "centime", "other": "centimes"}
_MILLE = Scale({"other": "mille"}, noun=False)
_MILLION = Scale({"one": "million", "other": "millions"})
_MILLIARD = Scale({"one": "milliard", "other": "milliards"})

WORDS = Words(
    numbers="fr",
    point="virgule",
    minus="moins",
    to="à",
    percent="pour cent",
    dot="point",
    signs={
        "&": "et", "+": "plus", "=": "égale", "@": "arobase", "×": "fois", "÷": "divisé par", "±": "plus ou moins", "≈": "environ",
        "≠": "différent de", "≤": "au plus", "≥": "au moins", "<": "inférieur à", ">": "supérieur à", "~": "environ", "§": "paragraphe",
        "°": "degrés", "‰": "pour mille", "½": "un demi", "¼": "un quart", "¾": "trois quarts", "*": "fois", "%": "pour cent",
        "$": "dollars", "€": "euros", "£": "livres",
    },
    number_sign="numéro",
    hashtag="hashtag",
    address={
        ".": "point", "/": "slash", "-": "tiret", "_": "tiret bas", "@": "arobase", "+": "plus", "~": "tilde", "#": "dièse",
        ":": "deux-points",
    },
    slash="ou",
    abbreviations=(
        (r"et/ou", "et ou"), (r"p\. ?ex\.", "par exemple"), (r"c\.-à-d\.", "c'est-à-dire"), (r"MM\.(?= [A-ZÀ-Ý])", "messieurs"),
        (r"M\.(?= (?:et Mme|le|[A-ZÀ-Ý]))", "monsieur"),
        (r"Mmes\b", "mesdames"), (r"Mme\b", "madame"), (r"Mlle\b", "mademoiselle"), (r"Dr\b\.?", "docteur"),
        (r"Pr\b\.?(?= [A-ZÀ-Ý])", "professeur"),
        (r"Me(?= [A-ZÀ-Ý])", "maître"), (r"etc\.", "et cetera"), (r"env\.", "environ"), (r"n[°º]", "numéro"), (r"N[°º]", "numéro"),
        (r"St(?=-[A-ZÀ-Ý])", "Saint"), (r"Ste(?=-[A-ZÀ-Ý])", "Sainte"), (r"av\. J\.-C\.", "avant Jésus-Christ"),
        (r"apr?\. J\.-C\.", "après Jésus-Christ"),
        (r"vol\.(?= ?\d)", "volume"), (r"p\.(?= ?\d)", "page"), (r"chap\.(?= ?\d)", "chapitre"), (r"art\.(?= ?\d)", "article"),
        (r"bd\.|boul\.", "boulevard"), (r"av\.", "avenue"), (r"tél\.", "téléphone"), (r"Cie\b", "compagnie"), (r"cf\.", "voir"),
        (r"max\.", "maximum"), (r"min\.", "minimum"),
    ),
    never_last=r"(?:c\.)?-à-d|bd|boul|env|Dr|Pr|janv|févr|sept|oct|nov|déc",
    currencies={
        "$": Currency({"one": "dollar", "other": "dollars"}, {"one": "cent", "other": "cents"}),
        "€": Currency({"one": "euro", "other": "euros"}, _CENTIME),
        "£": Currency({"one": "livre", "other": "livres"}, {"other": "pence"}, feminine=True),
        "¥": Currency({"one": "yen", "other": "yens"}),
        "₹": Currency({"one": "roupie", "other": "roupies"}, feminine=True),
        "CHF": Currency({"one": "franc", "other": "francs"}, _CENTIME),
        "zł": Currency({"one": "zloty", "other": "zlotys"}),
        "R$": Currency({"one": "réal", "other": "réaux"}),
    },
    money="{major} {name} {minor}",
    scales={
        "millions": _MILLION, "million": _MILLION, "milliards": _MILLIARD, "milliard": _MILLIARD, "Md": _MILLIARD, "M": _MILLION,
        "k": _MILLE,
    },
    of=("de ", "d'"),
    feminine=((r"\bun\Z", "une"),),
    counted=(
        (
            r" (?:heure|minute|seconde|semaine|année|journée|fois|page|personne|tonne|livre|ligne|nuit|étape|partie|femme|fille)s?\b",
            ((r"\bun\Z", "une"),),
        ),
    ),
    feminine_units=frozenset({
        "mass-tonne", "duration-second", "duration-millisecond", "duration-minute", "duration-hour", "mass-pound", "mass-ounce",
        "energy-kilocalorie",
    }),
    ordinals=r"(?P<n>\d{1,4})(?P<mark>ers?|[eèé]?res?|[eèé]mes?|es?|nde?s?)\b",
    ordinal=_ordinal,
    day=first_day,
    day_mark="(?:er)?",
    date="{day} {month} {year}",
    clocks=(CLOCK, CLOCK_H),
    clock=_clock,
)  # fmt: skip
