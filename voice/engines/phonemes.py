"""eSpeak NG's own names of sounds, by their IPA.

The library takes sounds as `[[...]]`, in names that differ from language to language, and no IPA; but it can be asked what it makes of
each name. So the table of a voice is read from its data, once, and each name in it is asked for: 20 ms a voice. The caller holds the
library's lock.
"""

from __future__ import annotations

import ctypes
import re
import struct
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMON = "base2"
NAME_BYTES = 32
RECORD_BYTES = 16
TYPE = 11
# the byte of a record that says what kind of sound it is
VOWEL = 2
KINDS = range(1, 9)
# beyond stress and pauses, before what is no sound of its own
IPA_TRACE = 2
PRIMARY, SECONDARY = "ˈ", "ˌ"
_STRESS = {PRIMARY: "'", SECONDARY: ","}
_AROUND = {True: ("", "t"), False: ("", "a")}
# what a vowel or a consonant is asked for with, since sounds at the end of a word may change
_ALIKE = {
    "g": "ɡ", "ɡ": "g", "r": "ɹ", "ɹ": "r", "ʀ": "ʁ", "ʁ": "r", "ɾ": "r", "ɐ": "ə", "ɝ": "ɜː", "ɚ": "ə", "ɜ": "ɜː", "ɒ": "ɔ", "ɑ": "ɑː",
    "a": "æ", "æ": "a", "ɛ": "e", "e": "ɛ", "o": "ɔ", "ɔ": "o", "ɪ": "i", "i": "ɪ", "ʊ": "u", "u": "ʊ", "y": "ʏ", "ʏ": "ʊ", "ɫ": "l",
    "ʌ": "a", "ə": "ɐ", "ɕ": "ʃ", "ʑ": "ʒ", "β": "v", "ɸ": "f", "χ": "x", "ɣ": "ɡ", "ŋ": "n", "ʎ": "j", "ɲ": "n", "θ": "s", "ð": "z",
    "ø": "e", "œ": "ɛ", "h": "x", "x": "h", "w": "v", "v": "w", "ʍ": "w", "ɥ": "j", "ʋ": "v", "c": "k", "ɟ": "ɡ", "ç": "ʃ", "ɬ": "l",
}  # fmt: skip
# the nearest sound for one that a language has not
_IGNORED = re.compile("[.\u203f\u0361\u035c\u02b0-\u02b8\u0325\u032a\u0329\u031a\u032f|/ ]")
# ties, syllable breaks and marks of detail that no language here tells apart


class PhonemeTables:
    """The names of the sounds of each table in the library's `phontab`."""

    def __init__(self, data: Path) -> None:
        raw = (data / "phontab").read_bytes()
        self._tables: list[tuple[str, int, dict[str, bool]]] = []
        at = 4
        for _ in range(raw[0]):
            count, included = raw[at], raw[at + 1]
            name = raw[at + 4 : at + 4 + NAME_BYTES].split(b"\0")[0].decode()
            at += 4 + NAME_BYTES
            records = [raw[start : start + RECORD_BYTES] for start in range(at, at + count * RECORD_BYTES, RECORD_BYTES)]
            at += count * RECORD_BYTES
            self._tables.append((name, included, dict(_sound(record) for record in records if record[TYPE] in KINDS)))

    def sounds(self, table: str) -> dict[str, bool]:
        """Names of sounds, and whether each is a vowel; those of the tables that this one includes first.

        A table that is not there, such as one for a region, is the wider language's, or else what most languages begin with.
        """
        found = next((one for one in self._tables if one[0] == table), None)
        if found is None:
            wider = table.rpartition("-")[0]
            return self.sounds(wider or COMMON)
        _, included, own = found
        return {**(self.sounds(self._tables[included - 1][0]) if included else {}), **own}


def _sound(record: bytes) -> tuple[str, bool]:
    return struct.unpack("4s", record[:4])[0].rstrip(b"\0").decode("latin-1"), record[TYPE] == VOWEL


@dataclass(frozen=True, slots=True)
class Phonemes:
    """The sounds of one voice."""

    names: Mapping[str, str]
    # by IPA
    vowels: frozenset[str]
    # of the names
    longest: int = field(default=0)

    def named(self, ipa: str) -> str:
        """IPA in the library's names; a sound that the language has not is the nearest one, or left out."""
        written = unicodedata.normalize("NFC", _IGNORED.sub("", unicodedata.normalize("NFD", ipa).replace("'", PRIMARY).replace(":", "ː")))
        named: list[str] = []
        stress = ""
        for sound in self._sounds(written):
            if sound in _STRESS:
                stress = _STRESS[sound]
                continue
            # the library has stress before the vowel, IPA before the syllable
            if stress and sound in self.vowels:
                named.append(stress + sound)
                stress = ""
            else:
                named.append(sound)
        return "|".join(named)

    def _sounds(self, written: str) -> Iterator[str]:
        at = 0
        while at < len(written):
            if written[at] in _STRESS:
                yield written[at]
                at += 1
                continue
            length = next((length for length in range(self.longest, 0, -1) if written[at : at + length] in self.names), 0)
            if length:
                yield self.names[written[at : at + length]]
            elif name := self._nearest(written[at]):
                yield name
            at += length or 1

    def _nearest(self, sound: str) -> str | None:
        tried: set[str] = set()
        while sound not in self.names and sound in _ALIKE and sound not in tried:
            tried.add(sound)
            sound = _ALIKE[sound]
        return self.names.get(sound)


def learnt(sounds: Mapping[str, bool], heard: Callable[[str], str]) -> Phonemes:
    """The sounds of a voice, `heard` being what the library says, in IPA, that a string of names is."""
    names: dict[str, str] = {}
    tails = {vowel: _bare(heard(tail)) for vowel, (_, tail) in _AROUND.items()}
    for name in sorted(sounds, key=len, reverse=True):
        vowel = sounds[name]
        ipa = _bare(heard(f"{name}|{_AROUND[vowel][1]}"))
        sound = ipa.removesuffix(tails[vowel])
        if sound and sound != ipa and not any(character.isdigit() or character in "^#_|" for character in sound):
            # of names for the same sound the shortest is the plain one
            names[sound] = name
    return Phonemes(names, frozenset(name for name, vowel in sounds.items() if vowel), max(map(len, names), default=0))


def tracing(c: Any, synthesize: Callable[[str], object]) -> Callable[[str], str]:
    """What the library makes of names, told through a stream of the C library in memory."""
    libc = ctypes.CDLL(None)
    libc.open_memstream.restype = ctypes.c_void_p
    libc.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    libc.fclose.argtypes = libc.free.argtypes = [ctypes.c_void_p]
    c.espeak_SetPhonemeTrace.argtypes = (ctypes.c_int, ctypes.c_void_p)

    def heard(names: str) -> str:
        text, size = ctypes.c_void_p(), ctypes.c_size_t()
        stream = libc.open_memstream(ctypes.byref(text), ctypes.byref(size))
        c.espeak_SetPhonemeTrace(IPA_TRACE, stream)
        try:
            synthesize(f"[[{names}]]")
        finally:
            c.espeak_SetPhonemeTrace(0, None)
            libc.fclose(stream)
        told = ctypes.string_at(text.value, size.value).decode(errors="replace") if text.value else ""
        libc.free(text)
        return told

    return heard


def _bare(ipa: str) -> str:
    return unicodedata.normalize("NFC", ipa.strip().replace(PRIMARY, "").replace(SECONDARY, ""))
