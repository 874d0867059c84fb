"""What a speaker reads to consent, and how what was heard is held against it."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from django.conf import settings

from voice.errors import ConsentLanguage
from voice.models import widened

PHRASES = {
    "en": "I am the owner of this voice and I consent to this service using this voice to create a synthetic voice model.",
    "de": "Ich bin der Eigentümer dieser Stimme und bin damit einverstanden, dass dieser Dienst diese Stimme zur Erstellung eines "
    "synthetischen Stimmmodells verwendet.",
    "fr": "Je suis le propriétaire de cette voix et j'autorise ce service à utiliser cette voix pour créer un modèle de voix synthétique.",
    "es": "Soy el propietario de esta voz y doy mi consentimiento para que este servicio la utilice para crear un modelo de voz sintética.",
}
MOST_WRONG = 0.3
# of the phrase's words that a transcriber may have misheard
NEGATIONS = frozenset(["not", "never", "cannot", "nicht", "nie", "niemals", "kein", "keine", "ne", "pas", "jamais", "no", "nunca"])
# one of them too many, and few words as it is, it is another's meaning
NEGATED = "n't"
# the end of "don't", "can't" and others
APOSTROPHES = str.maketrans("’‘ʼ", "'''")
WORD = re.compile(r"\w+(?:'\w+)?")


def phrases() -> dict[str, str]:
    """By language, BCP 47 in lower case: the product's, and over them the operator's."""
    own = {language.lower(): text for language, text in settings.CONSENT_PHRASES.items()}
    return dict(sorted({**PHRASES, **own}.items()))


def phrase_in(language: str) -> str:
    """What is to be read in a language; ConsentLanguage where there is no phrase."""
    known = phrases()
    for tag in widened(language.lower().replace("_", "-")):
        if tag in known:
            return known[tag]
    raise ConsentLanguage(language, ", ".join(known))


def is_read(phrase: str, heard: str) -> bool:
    """Whether what was heard is the phrase, but for words that were misheard."""
    wanted, got = _words(phrase), _words(heard)
    denied = {word for word in got if word in NEGATIONS or word.endswith(NEGATED)}.difference(wanted)
    return not denied and _edits(wanted, got) <= MOST_WRONG * len(wanted)


def compared(phrase: str, heard: str) -> list[tuple[str, str]]:
    """The words of both in their order, a piece at a time, each as "same", "missing" (of the phrase) or "added" (to it)."""
    wanted, got = phrase.split(), heard.split()
    pieces: list[tuple[str, str]] = []
    matcher = SequenceMatcher(None, [_plain(word) for word in wanted], [_plain(word) for word in got], autojunk=False)
    for kind, first, last, start, stop in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(("same", " ".join(wanted[first:last])))
            continue
        pieces += [("missing", " ".join(wanted[first:last]))] if last > first else []
        pieces += [("added", " ".join(got[start:stop]))] if stop > start else []
    return pieces


def _plain(word: str) -> str:
    return " ".join(_words(word))


def _words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold().translate(APOSTROPHES))


def _edits(wanted: list[str], heard: list[str]) -> int:
    """The words that must be put in, taken out or changed to make one of the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, start=1):
        above, row = row, [number]
        for column, other in enumerate(heard, start=1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (word != other)))
    return row[-1]
