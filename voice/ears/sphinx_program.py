"""What PocketSphinx hears: a program of its own, run by `voice.ears.sphinx`.

Standard input is int16 samples, mono, at HEARD_RATE. Standard output gets the words.
"""

from __future__ import annotations

import sys

HEARD_RATE = 16_000
# Hz; what its model of English was made of


def main() -> None:
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=HEARD_RATE, loglevel="FATAL")
    decoder.start_utt()
    # as a whole: piece by piece it hears a third worse
    decoder.process_raw(sys.stdin.buffer.read(), full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    sys.stdout.write(heard.hypstr if heard else "")


if __name__ == "__main__":
    main()
