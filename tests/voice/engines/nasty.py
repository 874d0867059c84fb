"""Speak every nasty text with one engine, in a process that may crash: `python -m tests.voice.engines.nasty flite`."""

from __future__ import annotations

import sys

from voice.engines import available
from voice.engines.base import Mark, UnsupportedText, Utterance

TEXTS = [
    "",
    " ",
    "\n\t\r",
    "\0",
    "a\0b",
    "\x01\x02\x1b[0m\x7f",
    "\ud800",
    "word \udfff word",
    "...!?;:",
    "日本語",
    "مرحبا",
    "\u0301\u0302",
    "e" + "\u0301" * 2_000,
    "\u202eabc\u2066",
    "🙂🙂👨‍👩‍👧",
    "x" * 300,
    "bcdfg" * 100,
    "9" * 300,
    "1,234,567.89 $1,234.567 billion £5 5'10\" 1/2 10:30 1998-2004 555-1234",
    "-" * 1_000,
    "." * 1_000,
    "a.b.c.d.U.S.A.St.Dr.No. 5",
    "MDCCCLXXXVIII IV XXIX 3rd 1990s '90s 'tis o'clock",
    "%s%n%x%p {} ${jndi:ldap://x} `id` $(id) ; rm",
    "<speak><break time='9999s'/></speak> &amp; &#0; [[h@'l@U]] ]]>",
    "http://user:pass@host:99999/a?b=c&d#e me@example.com C:\\x\\y",
    "(" * 500 + ")" * 500,
    '"' * 501,
    "a " * 300,
    "$",
    "$ $$ $0 $-1 $1e999 0x1F 1e999 ∞ ½ ² №",
    "A1B2C3 iPhone7 C++ x^2 _under_score_ *star* ~tilde~ |pipe|",
    "".join(chr(code) for code in range(256)),
    "".join(chr(code) for code in range(0x2000, 0x2100)),
]


def main(name: str, speaker: str) -> None:
    engine = next(engine for engine in available() if engine.name == name)
    for text in TEXTS:
        told: list[Mark] = []
        try:
            for _ in engine.synthesize(Utterance(text, speaker, "en", mark=told.append)):
                pass
        except UnsupportedText:
            continue
        assert all(0 <= mark.start < mark.end <= len(text) and mark.at <= mark.until for mark in told), (text, told)


if __name__ == "__main__":
    main(*sys.argv[1:])
