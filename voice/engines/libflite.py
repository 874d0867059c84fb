"""libflite in a process of its own, that forks one child for each utterance: run by `voice.engines.flite`, imported by nobody.

Why processes: libflite draws its noise from the C library's `rand()`, one state for all threads, so that the samples of an utterance
depend on what was spoken before and beside it; and a text that crashes it must not take the worker along. A fork of this small process
takes 0.3 ms and begins with the same `rand()`. Hence it uses the standard library alone and starts with `python -I -S`.

Standard input is a Unix socket, the control. It tells once `{"error": null or why the library can't be loaded}` as a line of JSON, then
takes one byte with one socket per utterance. On that socket come the request, a line of JSON with `text`, `voice`, `stretch` and `timed`,
and go the blocks: their length in bytes, 4 bytes little endian, then int16 samples of the machine's byte order. Length 0: all is said,
and where `timed` is true a line of JSON follows, a list of what stood between blanks in the text and was said: `[characters read by its
end, first second, last second]`. The end of the socket before that: the child died. A peer that closes its end ends the child at its
next block.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

VOICES = {"slt": "slt", "rms": "rms", "awb": "awb", "kal": "kal16"}
# kal16 is kal at 16 kHz instead of 8: the clearer of the two
BLOCK_SAMPLES = 1_600
# 100 ms of sound, made in about one
CPU_SECONDS = 120
MEMORY = 4 << 30
# bytes of address space
STREAM_ON = 0
FIRST_SOUND = b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
LAST_SOUND = b"R:SylStructure.daughtern.daughtern.R:Segment.end"
# of a word: when the one before it ends, and when the last one does


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.c_void_p),
    )


_Listener = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class _Streaming(ctypes.Structure):
    _fields_ = (
        ("min_buffsize", ctypes.c_int),
        ("asc", _Listener),
        ("utt", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    )


class _Utterance(ctypes.Structure):
    _fields_ = (("features", ctypes.c_void_p),)
    # the first of its members


class _Flite:
    """The library and its voices. Raises OSError where a part of it is missing."""

    def __init__(self, library: str) -> None:
        self.c = c = ctypes.CDLL(library)
        c.new_utterance.restype = ctypes.POINTER(_Utterance)
        c.utt_set_input_text.argtypes = (ctypes.POINTER(_Utterance), ctypes.c_char_p)
        c.audio_streaming_info_val.argtypes = (ctypes.POINTER(_Streaming),)
        c.audio_streaming_info_val.restype = ctypes.c_void_p
        c.feat_set.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        c.feat_set_float.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float)
        c.flite_do_synth.argtypes = (ctypes.POINTER(_Utterance), ctypes.c_void_p, ctypes.c_void_p)
        c.flite_do_synth.restype = ctypes.c_void_p
        c.utt_relation.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        c.ffeature_float.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        c.ffeature_float.restype = ctypes.c_float
        for step in (c.relation_head, c.item_next, c.item_daughter, c.item_last_daughter):
            step.argtypes = (ctypes.c_void_p,)
        for step in (c.utt_relation, c.relation_head, c.item_next, c.item_daughter, c.item_last_daughter):
            step.restype = ctypes.c_void_p
        c.flite_init()
        self.voices = {name: _voice(part) for name, part in VOICES.items()}

    def speak(self, text: str, voice: str, stretch: float, listener: Any) -> Any:
        """Call `listener` with each block; what was said is for `said`. What the utterance held is freed when the process ends."""
        c = self.c
        streaming = _Streaming(BLOCK_SAMPLES, listener)
        utterance = c.new_utterance()
        c.utt_set_input_text(utterance, text.encode("ascii"))
        # features of the utterance come before those of its voice
        features = utterance.contents.features
        c.feat_set(features, b"streaming_info", c.audio_streaming_info_val(ctypes.byref(streaming)))
        c.feat_set_float(features, b"duration_stretch", stretch)
        if not c.flite_do_synth(utterance, self.voices[voice], ctypes.cast(c.utt_synth, ctypes.c_void_p)):
            raise RuntimeError("libflite refused the text")
        return utterance

    def said(self, utterance: Any) -> Iterator[tuple[int, float, float]]:
        """What stood between blanks and has sounds: characters read by its end, first second, last second."""
        c = self.c
        token = c.relation_head(c.utt_relation(utterance, b"Token"))
        while token:
            first, last = c.item_daughter(token), c.item_last_daughter(token)
            if first and last:
                read = int(c.ffeature_float(token, b"file_pos"))
                yield read, c.ffeature_float(first, FIRST_SOUND), c.ffeature_float(last, LAST_SOUND)
            token = c.item_next(token)


def _voice(part: str) -> int:
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{part}.so.1"), f"register_cmu_us_{part}")
    register.argtypes = (ctypes.c_char_p,)
    register.restype = ctypes.c_void_p
    return int(register(None))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(flite: _Flite, stream: socket.socket) -> None:
    request = json.loads(stream.makefile("rb").readline())

    def hear(wave: Any, start: int, size: int, last: int, streaming: int) -> int:
        del last, streaming
        block = ctypes.string_at(wave.contents.samples + start * ctypes.sizeof(ctypes.c_short), size * ctypes.sizeof(ctypes.c_short))
        try:
            if block:
                stream.sendall(len(block).to_bytes(4, "little") + block)
        except OSError:
            # nobody listens any more
            os._exit(0)
        return STREAM_ON

    utterance = flite.speak(request["text"], request["voice"], request["stretch"], _Listener(hear))
    stream.sendall(bytes(4))
    if request["timed"]:
        stream.sendall(json.dumps(list(flite.said(utterance))).encode() + b"\n")


def _child(flite: _Flite, stream: socket.socket) -> NoReturn:
    try:
        _limit()
        _answer(flite, stream)
    finally:
        os._exit(0)


def serve(library: str) -> None:
    control = socket.socket(fileno=0)
    try:
        flite = _Flite(library)
    except (OSError, AttributeError) as missing:
        control.sendall(json.dumps({"error": str(missing)}).encode() + b"\n")
        return
    control.sendall(json.dumps({"error": None}).encode() + b"\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # the kernel reaps
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # a worker that is told to stop speaks to the end, and this ends with it
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        with socket.socket(fileno=descriptors[0]) as stream:
            if os.fork() == 0:
                control.close()
                _child(flite, stream)


if __name__ == "__main__":
    serve(sys.argv[1])
