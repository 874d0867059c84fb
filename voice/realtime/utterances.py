"""What words say of an utterance: whether it is at its end, and whether it wants the turn at all.

Marks are read in any language, words in English; in other languages words leave it unclear.
"""

from __future__ import annotations

import re
from enum import Enum

READ = 400
"""Characters at the end of an utterance that are looked at."""


class Ending(Enum):
    FINISHED = "finished"
    UNCLEAR = "unclear"
    UNFINISHED = "unfinished"


_NOISE = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|\+\+[^+]*\+\+")
# "[cough]", "<sil>", "++NOISE++": recognisers write what is no word so
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_MARK = re.compile(r"[.!?;。！？।؟]+")

_OPEN_MARKS = (",", "，", "、", "،", ":", "：", ";", "-", "–", "—", "…", "..")
_CLOSING_MARKS = ("?", "？", "؟", "!", "！")
_FULL_STOPS = (".", "。", "।")
_QUOTES = "\"'”’»)]"


def _spoken(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


_OPEN_WORDS = frozenset(
    _spoken(
        "and or but because if unless although though whereas while whether since than as "
        "a an the my your our their its these those every some any "
        "um uh uhm er erm hm hmm"
    )
)
# conjunctions, determiners, fillers: no sentence ends so
_PREPOSITIONS = frozenset(_spoken("of to for from with at in on into about by between without"))
# nor so, but for a question: "what is it made of"
_QUESTION_WORDS = frozenset(
    _spoken(
        "what who whom whose where when why which how is are am was were do does did can could will would shall should may might must "
        "have has had isn't aren't don't doesn't didn't can't won't what's who's where's how's"
    )
)
_SHORTEST_QUESTION = 3
# words: after "what", "how is" more will come

_BACKCHANNELS = frozenset(
    _spoken("uh-huh uhuh mhm mm-hm mm-hmm mm mmm hm hmm huh uh um er ah aha oh yes yeah yep yup ok okay right sure alright indeed exactly")
)
_BACKCHANNEL_PHRASES = frozenset({("i", "see"), ("got", "it"), ("all", "right"), ("of", "course"), ("go", "on")})


def _without_noise(text: str) -> str:
    return _NOISE.sub(" ", text[-READ:])


def words(text: str) -> list[str]:
    """In small letters, without marks and what is marked as noise."""
    return _spoken(_without_noise(text))


def ending(partial: str) -> Ending:
    """Whether what was understood so far can be all."""
    text = _without_noise(partial).strip().rstrip(_QUOTES)
    spoken = _spoken(text)
    if not spoken:
        return Ending.UNCLEAR
    if text.endswith(_OPEN_MARKS):
        return Ending.UNFINISHED
    if text.endswith(_CLOSING_MARKS):
        return Ending.FINISHED
    question = _is_question(text)
    if spoken[-1] in _OPEN_WORDS or (spoken[-1] in _PREPOSITIONS and not question):
        return Ending.UNFINISHED
    return Ending.FINISHED if question or text.endswith(_FULL_STOPS) else Ending.UNCLEAR


def _is_question(text: str) -> bool:
    """Of a text with a word in it."""
    last = [spoken for sentence in _SENTENCE_MARK.split(text) if (spoken := _spoken(sentence))][-1]
    return len(last) >= _SHORTEST_QUESTION and last[0] in _QUESTION_WORDS


def is_backchannel(partial: str) -> bool:
    """Whether it only says that somebody listens: "uh-huh", "yes, okay", "I see"."""
    spoken = words(partial)
    while spoken:
        if spoken[0] in _BACKCHANNELS:
            spoken = spoken[1:]
        elif tuple(spoken[:2]) in _BACKCHANNEL_PHRASES:
            spoken = spoken[2:]
        else:
            return False
    return True
