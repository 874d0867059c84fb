"""Money, percentages and units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_name
from babel.units import format_unit

from voice.text.languages.words import Currency, Scale
from voice.text.reading.figures import BLANKS, Figures
from voice.text.reading.rules import Part, Rule, part

CODES = (
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HUF", "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "RON", "RUB",
    "SEK", "TRY", "UAH", "USD", "ZAR",
)  # fmt: skip
# ISO 4217
_SIGN_OF = {"USD": "", "US$": "USD", "EUR": "€", "GBP": "£", "JPY": "¥"}
# under which a language may have a currency's names; "USD" has none, so that it is told from other dollars
_SIGNS = ("US$", "R$", "$", "€", "£", "¥", "₹", "zł")
_OF_NO_NUMBER = rf"(?<!\d)(?:(?<!\d[{BLANKS}])|(?=[^\s\d]{{1,3}}\.?\d))"
# that a currency belongs to what follows: in "5 zł 50 gr" it is the first number's, in "2024 $5" the second's
_POINT = r"(?:\.(?= [^\W\d_A-ZÀ-Ý]))?"
# of an abbreviation within a sentence: "6 ft. tall"
CENT_DIGITS = 2
VOWELS = "aeiouyhéè"
UNITS = {
    "mm": "length-millimeter", "cm": "length-centimeter", "m": "length-meter", "km": "length-kilometer", "ft": "length-foot",
    "mi": "length-mile", "mg": "mass-milligram", "g": "mass-gram", "kg": "mass-kilogram", "t": "mass-tonne", "lb": "mass-pound",
    "lbs": "mass-pound", "oz": "mass-ounce", "ml": "volume-milliliter", "mL": "volume-milliliter", "cl": "volume-centiliter",
    "l": "volume-liter", "L": "volume-liter", "km/h": "speed-kilometer-per-hour", "kph": "speed-kilometer-per-hour",
    "m/s": "speed-meter-per-second", "mph": "speed-mile-per-hour", "°C": "temperature-celsius", "°F": "temperature-fahrenheit",
    "kWh": "energy-kilowatt-hour", "kW": "power-kilowatt", "MW": "power-megawatt", "W": "power-watt", "V": "electric-volt",
    "Hz": "frequency-hertz", "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
    "kB": "digital-kilobyte", "KB": "digital-kilobyte", "MB": "digital-megabyte", "GB": "digital-gigabyte", "TB": "digital-terabyte",
    "s": "duration-second", "ms": "duration-millisecond", "min": "duration-minute", "h": "duration-hour", "m²": "area-square-meter",
    "m2": "area-square-meter", "km²": "area-square-kilometer", "km2": "area-square-kilometer", "ha": "area-hectare",
    "m³": "volume-cubic-meter", "m3": "volume-cubic-meter", "kcal": "energy-kilocalorie", "kJ": "energy-kilojoule",
}  # fmt: skip
# as babel calls them


@dataclass(frozen=True, slots=True)
class Amounts:
    figures: Figures

    def rules(self) -> Sequence[Rule]:
        sign = self.figures.sign
        money = rf"(?P<n>(?<!\d)(?<!\d[.,])\d{{1,9}}[.,]\d\d(?!\d|[.,]\d)|{self.figures.number})"
        scale = _any_of(self.figures.words.scales)
        scaled = rf"(?: ?(?P<scale>{scale})(?!\w))?"
        whole = _any_of(name for name in self.figures.words.scales if len(name) > 1)
        # a single letter may be a unit
        currency = rf"(?P<currency>{_any_of([*_SIGNS, *CODES])})"
        return [
            Rule(re.compile(rf"(?P<minus>{sign})(?<![^\W\d_]){_OF_NO_NUMBER}{currency} ?{money}{scaled}"), self._money),
            Rule(re.compile(rf"(?P<minus>{sign}){money}{scaled} ?{currency}(?![^\W\d_])"), self._money),
            Rule(re.compile(rf"(?P<n>{sign}{self.figures.number})(?P<gap> ?)(?P<scale>{whole})(?!\w)"), self._many),
            Rule(re.compile(rf"(?P<n>{sign}{self.figures.number})(?P<gap> ?)%"), self._percentage),
            Rule(
                re.compile(rf"(?P<n>{sign}{self.figures.number})(?P<gap> ?)(?P<unit>{_any_of(UNITS)})(?![\w/²³’'°]){_POINT}"), self._measure
            ),
        ]

    def _money(self, found: re.Match[str]) -> str | list[Part]:
        words, number = self.figures.words, found["n"]
        if re.fullmatch(r"\d+[.,]\d\d", number):
            number = number.replace(".", self.figures.decimal).replace(",", self.figures.decimal)
        minus = f"{words.minus} " if found["minus"] else ""
        names = _currency(self.figures, found["currency"])
        endings = words.feminine if names.feminine else words.masculine
        if found["scale"]:
            scale, name = words.scales[found["scale"]], _plural(names.names, "many")
            of = words.of[name[0] in VOWELS] if scale.noun else ""
            return f"{minus}{' '.join(self._scaled(scale, number))} {of}{name}"
        major, _, minor = self.figures.plain(number).partition(".")
        if len(minor) != CENT_DIGITS or not (names.cents or minor == "00"):
            said = f"{minus}{self.figures.spoken(number, endings)}", _plural(names.names, self.figures.plural(number))
            return _in_order(found, *said) if not minus else " ".join(said)
        spoken_major = self.figures.spoken(major, endings)
        name = _plural(names.names, self.figures.plural(major))
        if minor == "00":
            return f"{minus}{spoken_major} {name}"
        return minus + words.money.format(
            major=spoken_major,
            name=name,
            minor=self.figures.spoken(str(int(minor)), words.masculine if "{cents}" in words.money else ()),
            cents=_plural(names.cents, self.figures.plural(str(int(minor)))),
        )

    def _many(self, found: re.Match[str]) -> list[Part]:
        return _apart(found, *self._scaled(self.figures.words.scales[found["scale"]], found["n"]))

    def _scaled(self, scale: Scale, number: str) -> tuple[str, str]:
        words = self.figures.words
        counted = self.figures.spoken(number, words.feminine if scale.feminine else words.masculine)
        return counted, _plural(scale.names, self.figures.plural(number))

    def _percentage(self, found: re.Match[str]) -> list[Part]:
        return _apart(found, self.figures.spoken(found["n"]), self.figures.words.percent)

    def _measure(self, found: re.Match[str]) -> list[Part]:
        words, unit = self.figures.words, UNITS[found["unit"]]
        endings = words.feminine if unit in words.feminine_units else words.masculine
        return _apart(found, self.figures.spoken(found["n"], endings), _unit(self.figures, unit, found["n"]))


def _any_of(literals: Iterable[str]) -> str:
    return "|".join(re.escape(literal) for literal in sorted(literals, key=len, reverse=True))


def _apart(found: re.Match[str], number: str, noun: str) -> list[Part]:
    """Number and noun each by itself where a blank is between them, so that each keeps its own time."""
    if not found["gap"]:
        return [Part(*found.span(), f"{number} {noun}")]
    return [part(found, "n", number), Part(found.end("gap"), found.end(), noun)]


def _in_order(found: re.Match[str], number: str, noun: str) -> str | list[Part]:
    if found.start("currency") > found.end("n"):
        return [Part(found.start(), found.end("n"), number), part(found, "currency", noun)]
    return f"{number} {noun}"


def _plural(names: Mapping[str, str], category: str) -> str:
    return names.get(category) or names["other"]


def _currency(figures: Figures, written: str) -> Currency:
    own = figures.words.currencies
    known = own.get(_SIGN_OF.get(written, written)) or own.get(written)
    if known is not None:
        return known
    code = _SIGN_OF.get(written, written) or written
    counts = {"one": 1, "few": 3, "many": 5, "other": 1.5} if figures.locale.language == "pl" else {"one": 1, "other": 2}
    return Currency({category: get_currency_name(code, count=count, locale=figures.locale) for category, count in counts.items()})


def _unit(figures: Figures, unit: str, number: str) -> str:
    """The unit's name beside such a number."""
    plain = figures.plain(number)
    count = float(plain) if "." in plain else int(plain)
    name = format_unit(count, unit, length="long", locale=figures.locale, format="0.###############")
    return re.sub(r"[-\u2212]?\d[\d.,]*", "", name).strip()
