"""Transcripts: one document that can be read while it is written, in the shapes that clients ask for."""

from __future__ import annotations

import json
from math import log

import pytest

from voice.ears.base import Segment, Word
from voice.transcript_formats import Shape, done, events, written
from voice.transcripts import Reader, Writer

FIRST = Segment('Hello "you"\n', 0.25, 1.5, (Word("Hello", 0.25, 0.75, 0.5), Word('"you"\n', 0.75, 1.5, 1.0)), confidence=0.5)
SECOND = Segment("наступний ☃", 62.0, 3723.9996, (Word("наступний", 62.0, 63.0, 0.0), Word("☃", 63.0, 64.0, 0.25)), tokens=(7, 8))


def document(*segments: Segment, translated: bool = False) -> bytes:
    writer = Writer()
    head = writer.begin(language="de", translated=translated, duration=3724.0004)
    return b"".join([head, *(writer.add(segment) for segment in segments), writer.end()])


def read(data: bytes) -> Reader:
    reader = Reader()
    reader.push(data)
    return reader


@pytest.mark.parametrize("segments", [(), (FIRST,), (FIRST, SECOND)])
def test_all_lines_together_are_one_json_document(segments):
    kept = json.loads(document(*segments))

    assert (kept["task"], kept["language"], kept["duration"]) == ("transcribe", "de", 3724.0)
    assert kept["text"] == " ".join(segment.text for segment in segments)
    assert [segment["id"] for segment in kept["segments"]] == list(range(len(segments)))


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
def test_it_is_read_whatever_the_size_of_its_pieces(size):
    data, reader = document(FIRST, SECOND), Reader()

    told = [segment for start in range(0, len(data), size) for segment in reader.push(data[start : start + size])]

    assert told == reader.segments == json.loads(data)["segments"]
    assert reader.text == json.loads(data)["text"]


def test_a_segment_is_told_as_soon_as_it_is_written():
    writer, reader = Writer(), Reader()
    reader.push(writer.begin(language="en", translated=False, duration=1.0))

    assert [segment["text"] for segment in reader.push(writer.add(FIRST))] == [FIRST.text]
    assert reader.push(writer.end()) == []


def test_text_is_the_text():
    assert written(read(document(FIRST, SECOND)), Shape("text")) == (f"{FIRST.text} {SECOND.text}\n", "text/plain; charset=utf-8")


def test_subtitles_have_a_cue_for_each_segment():
    srt, _ = written(read(document(FIRST, SECOND)), Shape("srt"))
    vtt, _ = written(read(document(FIRST, SECOND)), Shape("vtt"))

    assert srt == '1\n00:00:00,250 --> 00:00:01,500\nHello "you"\n\n2\n00:01:02,000 --> 01:02:04,000\nнаступний ☃\n'
    assert vtt == 'WEBVTT\n\n00:00:00.250 --> 00:00:01.500\nHello "you"\n\n00:01:02.000 --> 01:02:04.000\nнаступний ☃\n'


@pytest.mark.parametrize(
    ("asked", "has"),
    [((), {"segments"}), (("segment",), {"segments"}), (("word",), {"words"}), (("word", "segment"), {"words", "segments"})],
)
def test_verbose_json_has_what_was_asked_for(asked, has):
    body, media_type = written(read(document(FIRST, SECOND)), Shape("verbose_json", asked))

    told = json.loads(body)
    assert media_type == "application/json"
    assert has == {"words", "segments"} & set(told)
    assert (told["language"], told["usage"]) == ("german", {"type": "duration", "seconds": 3724.0})
    for segment in told.get("segments", []):
        assert {"id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"} == set(
            segment
        )
    assert all(set(word) == {"word", "start", "end"} for word in told.get("words", []))


def test_what_was_translated_is_english():
    told = json.loads(written(read(document(FIRST, translated=True)), Shape("verbose_json"))[0])

    assert (told["task"], told["language"]) == ("translate", "english")


def test_json_has_the_text_what_it_cost_and_how_likely_its_words_are():
    told = json.loads(written(read(document(FIRST, SECOND)), Shape("json", probabilities=True))[0])

    assert set(told) == {"text", "usage", "logprobs"}
    assert told["logprobs"][0] == {"token": "Hello", "bytes": list(b"Hello"), "logprob": pytest.approx(log(0.5), abs=1e-3)}
    assert all(one["logprob"] <= 0 for one in told["logprobs"])


def test_the_deltas_are_the_text():
    transcript, shape = read(document(FIRST, SECOND)), Shape("json", ("segment",), probabilities=True)

    told = list(events(transcript.segments, shape))
    last = done(transcript, shape)

    assert [event["type"].rpartition(".")[2] for event in told] == ["delta", "segment", "delta", "segment"]
    assert "".join(event["delta"] for event in told if "delta" in event) == last["text"] == transcript.text
    assert last["usage"]["total_tokens"] == last["usage"]["input_tokens"] + last["usage"]["output_tokens"]
    assert len(last["logprobs"]) == 4
    assert [event["type"] for event in events(transcript.segments, Shape("text"))] == ["transcript.text.delta"] * 2
