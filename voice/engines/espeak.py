"""eSpeak NG: a hundred languages, a formant voice in each, by the library and data that PyPI's `espeakng-loader` carries.

The library keeps its state in globals, so one lock per process stands around it. It speaks a thousand times faster than real time into
a queue without a bound, and so gives the lock back within some ms, however slowly its listener takes the blocks.

Speed is its rate in words per minute. It takes no less than 80, so below speed 0.46 it gets no slower; from 450 on it shortens the
finished sound instead, 2 to 5 % less than asked for; from there on its words are told up to 0.1 s beside where they are.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import threading
import unicodedata
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ClassVar

import numpy as np

from voice.engines.base import EngineFailed, EngineUnavailable, Mark, Pcm, Speaker, Synthesizer, UnsupportedText, Utterance
from voice.engines.espeak_words import Clock, Event, Part, told
from voice.engines.phonemes import Phonemes, PhonemeTables, learnt, tracing

LOADER = "espeakng_loader"
NORMAL_RATE = 175
LOWEST_RATE = 80
# words per minute
BLOCK_MS = 100
PATIENCE = 60
# seconds for one block, other utterances' turns before it included
SHORTEST = 400
# samples: it answers with 154 where there was nothing to say
SPEAKABLE = "LNS"
# first letters of Unicode's categories: letters, numbers, symbols
PREFERRED = {"en": "en-us"}
# where the library's own priorities would take another voice for a language
UNLISTED = 255
# a priority below all of the library's

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_PHONEME_EVENTS = 0x0001
INITIALIZE_DONT_EXIT = 0x8000
POS_CHARACTER = 1
CHARS_UTF8 = 1
PHONEMES = 0x100
# what stands in [[ ]] names sounds
PARAMETER_RATE = 1
EE_OK = 0
GO_ON, STOP = 0, 1

_lock = threading.Lock()

_Said = Pcm | Mark | Exception | None
# what comes out of the library's thread; None: the end


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
    )
    # the first of its members


_DICTIONARY = re.compile(r"^dictionary\s+(\S+)", re.MULTILINE)
_TABLE = re.compile(r"^phonemes\s+(\S+)", re.MULTILINE)
_LANGUAGE = re.compile(r"^language\s+(\S+)", re.MULTILINE)
_Listener = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Event))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A voice in the library's list."""

    identifier: str
    # what the library finds it by: "gmw/en-US"
    title: str
    priorities: dict[str, int]
    # language in lower case: 1 to 255, the lower the better the voice suits it


class Espeak(Synthesizer):
    name: ClassVar[str] = "espeak"
    speeds: ClassVar[tuple[float, float]] = (0.25, 4.0)
    verbatim: ClassVar[bool] = False
    phonetic: ClassVar[bool] = True
    timed: ClassVar[bool] = True

    def __init__(self, loader: str = LOADER) -> None:
        with _lock:
            self._c, self._data, self._rate = _initialised(loader)
            entries = _named(entry for entry in _listed(self._c) if _has_dictionary(entry, self._data))
        self._identifiers = {f"espeak-{code}": entry.identifier.encode() for code, entry in entries.items()}
        self._phonemes: dict[str, Phonemes] = {}
        # by speaker, of those that were given IPA
        self._speakers = [
            Speaker(f"espeak-{code}", languages, self._rate, "male", f"eSpeak NG: {entries[code].title}.")
            for code, languages in _languages(entries).items()
        ]

    def speakers(self) -> Sequence[Speaker]:
        return self._speakers

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        """Yield int16 blocks of shape (n,), 100 ms at most, at 22,050 Hz.

        Raises UnsupportedText where there is nothing to say, EngineFailed where the library reports an error.
        """
        if not any(unicodedata.category(character)[0] in SPEAKABLE for character in utterance.text):
            raise UnsupportedText
        blocks: SimpleQueue[_Said] = SimpleQueue()
        closed = threading.Event()
        threading.Thread(target=self._speak, args=(utterance, blocks, closed), name="espeak", daemon=True).start()
        try:
            yield from _heard(blocks, utterance.mark)
        finally:
            closed.set()

    def _speak(self, utterance: Utterance, blocks: SimpleQueue[_Said], closed: threading.Event) -> None:
        clock = None if utterance.mark is None else Clock(self._rate, blocks.put)
        spoken = 0
        # samples

        def hear(samples: int | None, count: int, events: Any) -> int:
            nonlocal spoken
            if samples and count:
                spoken += count
                blocks.put(np.frombuffer(bytearray(ctypes.string_at(samples, count * ctypes.sizeof(ctypes.c_short))), np.int16))
            if clock is not None and events:
                for event in told(events):
                    clock.hear(event)
            return STOP if closed.is_set() else GO_ON

        listener = _Listener(hear)
        try:
            with _lock:
                error = EE_OK if closed.is_set() else self._run(utterance, listener, clock)
            if clock is not None:
                clock.end(spoken)
        except Exception:
            blocks.put(EngineFailed())
            raise
        blocks.put(None if error == EE_OK else EngineFailed(f"eSpeak NG failed with error {error:#x}."))

    def _run(self, utterance: Utterance, listener: Any, clock: Clock | None) -> int:
        """Speak from start to end; the library's error. The lock is held."""
        error = int(self._c.espeak_SetVoiceByName(self._identifiers[utterance.speaker]))
        if error != EE_OK:
            return error
        parts = self._parts(utterance)
        if clock is not None:
            clock.begin(parts)
        self._c.espeak_SetSynthCallback(listener)
        self._c.espeak_SetParameter(PARAMETER_RATE, max(LOWEST_RATE, round(NORMAL_RATE * utterance.speed)), 0)
        return self._synthesize("".join(part.given for part in parts), PHONEMES if utterance.pronunciations else 0)

    def _synthesize(self, text: str, flags: int) -> int:
        encoded = text.replace("\0", " ").encode(errors="replace") + b"\0"
        return int(self._c.espeak_Synth(encoded, len(encoded), 0, POS_CHARACTER, 0, CHARS_UTF8 | flags, None, None))

    def _parts(self, utterance: Utterance) -> list[Part]:
        """The text with the library's names of sounds in [[ ]] for its pronunciations. The lock is held."""
        if not utterance.pronunciations:
            return [Part(utterance.text, 0, len(utterance.text))]
        if utterance.speaker not in self._phonemes:
            self._phonemes[utterance.speaker] = self._learnt(utterance.speaker)
        phonemes = self._phonemes[utterance.speaker]
        parts: list[Part] = []
        at = 0
        for one in utterance.pronunciations:
            named = phonemes.named(one.ipa)
            written = f"[[{named}]]" if named else _literal(utterance.text[one.start : one.end])
            before = _literal(utterance.text[at : one.start])
            parts += [Part(before, at, one.start), Part(written, one.start, one.end, named=bool(named))]
            at = one.end
        return [*parts, Part(_literal(utterance.text[at:]), at, len(utterance.text))]

    def _learnt(self, speaker: str) -> Phonemes:
        unheard = _Listener(lambda _samples, _count, _events: GO_ON)
        self._c.espeak_SetSynthCallback(unheard)
        described = (self._data / "lang" / self._identifiers[speaker].decode()).read_text(encoding="utf-8")
        named = _TABLE.search(described) or _LANGUAGE.search(described)
        sounds = PhonemeTables(self._data).sounds(named[1] if named else "")
        return learnt(sounds, tracing(self._c, lambda names: self._synthesize(names, PHONEMES)))


def _literal(text: str) -> str:
    """As long as before, and nothing in it names sounds."""
    return text.replace("[[", "[(")


def _heard(blocks: SimpleQueue[_Said], mark: Callable[[Mark], object] | None) -> Iterator[Pcm]:
    spoken = 0
    while (block := _next(blocks)) is not None:
        if isinstance(block, Exception):
            raise block
        if isinstance(block, Mark):
            if mark is not None:
                mark(block)
        elif spoken or len(block) >= SHORTEST:
            spoken += len(block)
            yield block
    if not spoken:
        raise UnsupportedText


def _next(blocks: SimpleQueue[_Said]) -> _Said:
    try:
        return blocks.get(timeout=PATIENCE)
    except Empty as stalled:
        raise EngineFailed from stalled


def _initialised(name: str) -> tuple[ctypes.CDLL, Path, int]:
    """The library, ready, the folder of its data and its sample rate in Hz. A second call in a process leaves it as it is."""
    try:
        loader = importlib.import_module(name)
        c = ctypes.CDLL(loader.get_library_path())
        data = Path(loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as missing:
        raise EngineUnavailable(f"eSpeak NG is missing ({missing}). Install it: pip install espeakng-loader") from missing
    c.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    )  # fmt: skip
    c.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
    c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    options = INITIALIZE_DONT_EXIT | INITIALIZE_PHONEME_EVENTS
    rate = int(c.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BLOCK_MS, str(data).encode(), options))
    if rate <= 0:
        raise EngineUnavailable("eSpeak NG did not start with the data of espeakng-loader. Install it again.")
    return c, data, rate


def _listed(c: ctypes.CDLL) -> Iterator[_Entry]:
    voices = c.espeak_ListVoices(None)
    number = 0
    while voices[number]:
        voice = voices[number].contents
        yield _Entry(voice.identifier.decode(), voice.name.decode().strip(), _priorities(voice.languages))
        number += 1


def _priorities(address: int) -> dict[str, int]:
    """Read pairs of a priority byte and a language that a zero byte ends, up to a priority of 0."""
    priorities = {}
    while (priority := ctypes.string_at(address, 1)[0]) != 0:
        code = ctypes.string_at(address + 1)
        priorities[code.decode().lower()] = priority
        address += 1 + len(code) + 1
    return priorities


def _has_dictionary(entry: _Entry, data: Path) -> bool:
    """False for the few languages that are listed without one, in which the library is mute."""
    described = _DICTIONARY.search((data / "lang" / entry.identifier).read_text(encoding="utf-8"))
    name = described[1] if described else next(iter(entry.priorities)).partition("-")[0]
    return (data / f"{name}_dict").exists()


def _named(entries: Iterator[_Entry]) -> dict[str, _Entry]:
    """By the main language of each, or by its file's name where another voice has that already."""
    named: dict[str, _Entry] = {}
    for entry in entries:
        main = next(iter(entry.priorities))
        named[entry.identifier.rpartition("/")[2].lower() if main in named else main] = entry
    return named


def _languages(entries: dict[str, _Entry]) -> dict[str, tuple[str, ...]]:
    """What each voice is listed for: its own code, and every other language that no voice suits better."""
    claims: dict[str, list[tuple[int, str]]] = {}
    for code, entry in entries.items():
        for language, priority in {code.partition("-")[0]: UNLISTED, **entry.priorities}.items():
            claims.setdefault(language, []).append((priority, code))
    # of equals, the first in the library's order
    best = {language: min(claimed, key=lambda claim: claim[0])[1] for language, claimed in claims.items()} | PREFERRED
    return {code: (code, *(language for language in best if best[language] == code and language != code)) for code in entries}
