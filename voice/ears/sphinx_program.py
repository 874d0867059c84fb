"""What PocketSphinx hears: a program of its own, run by `voice.ears.sphinx_process`.

Standard input has utterances: HEAD, then so many bytes of int16 samples, mono, at HEARD_RATE. Standard output has a line of JSON for each:
a list of [word, first frame, last frame, probability].
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
HEAD = struct.Struct("<I")
# the number of bytes that follow it
_WORD = re.compile(r"([^<\[+(]+)(\(\d+\))?")
# what is no word, such as <sil> or [NOISE], stands in brackets; a second pronunciation has its number behind it


def main() -> None:
    from pocketsphinx import Decoder

    # the second of its three passes takes half of the time from the last sample to the words, and changes none
    decoder = Decoder(samprate=HEARD_RATE, loglevel="FATAL", fwdflat=False)
    while len(head := sys.stdin.buffer.read(HEAD.size)) == HEAD.size:
        (size,) = HEAD.unpack(head)
        data = sys.stdin.buffer.read(size)
        decoder.start_utt()
        if data:
            # as a whole, it is normalised by all of it
            decoder.process_raw(data, full_utt=True)
        decoder.end_utt()
        sys.stdout.write(json.dumps(_words(decoder)) + "\n")
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
