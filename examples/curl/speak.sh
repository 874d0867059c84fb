#!/bin/sh
# From text to speech and back, and what was used: `VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… sh speak.sh FOLDER`.
set -eu

call() {
    curl --silent --show-error --fail-with-body -H "Authorization: Bearer $VOICE_KEY" "$@"
}

call "$VOICE_URL/v1/audio/speech" -H "Content-Type: application/json" --output "$1/hello.wav" \
    -d '{"model": "tts-1", "voice": "slt", "input": "She bought some bread and a bottle of water.", "response_format": "wav"}'

call "$VOICE_URL/v1/audio/transcriptions" -F model=whisper-1 -F response_format=text -F "file=@$1/hello.wav"

call "$VOICE_URL/v1/usage?group_by=kind"
