"""What PocketSphinx hears: a program of its own, run by `voice.ears.sphinx_process`.

Standard input has commands: HEAD, then so many bytes of int16 samples, mono, at HEARD_RATE. Standard output has a line of JSON for each:
for a PIECE the words so far, else a list of [word, first frame, last frame, probability].
"""

from __future__ import annotations

import json
import re
import struct
import sys
from typing import Any

HEARD_RATE = 16_000
# Hz; what its model of English was made of
FRAMES = 100
# in a second
HEAD = struct.Struct("<cI")
# a command, and the number of bytes that follow it
WHOLE, PIECE, END = b"w", b"p", b"e"
# an utterance; a part of one that is still spoken; no more of it
_WORD = re.compile(r"([^<\[+(]+)(\(\d+\))?")
# what is no word, such as <sil> or [NOISE], stands in brackets; a second pronunciation has its number behind it


def main() -> None:
    from pocketsphinx import Decoder

    # the second of its three passes takes half of the time from the last sample to the words, and changes none
    decoder = Decoder(samprate=HEARD_RATE, loglevel="FATAL", fwdflat=False)
    speaking = False
    while len(head := sys.stdin.buffer.read(HEAD.size)) == HEAD.size:
        command, size = HEAD.unpack(head)
        data = sys.stdin.buffer.read(size)
        if not speaking:
            decoder.start_utt()
            speaking = True
        if data:
            # as a whole, it is normalised by all of it
            decoder.process_raw(data, full_utt=command == WHOLE)
        if command == PIECE:
            heard = decoder.hyp()
            answer: Any = " ".join(word for word in map(_plain, heard.hypstr.split()) if word) if heard else ""
        else:
            decoder.end_utt()
            speaking = False
            answer = _words(decoder)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _words(decoder: Any) -> list[tuple[str, int, int, float]]:
    if not decoder.hyp():
        return []
    found = ((_plain(each.word), each.start_frame, each.end_frame, each.prob) for each in decoder.seg())
    return [(word, first, last, min(max(probability, 0.0), 1.0)) for word, first, last, probability in found if word]


def _plain(word: str) -> str:
    match = _WORD.fullmatch(word)
    return match[1].lower() if match else ""


if __name__ == "__main__":
    main()
