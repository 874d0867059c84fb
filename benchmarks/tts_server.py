"""Coqui's own `tts-server` on 127.0.0.1: by itself it listens on every interface. Takes its arguments."""

from __future__ import annotations

import importlib

from voice.engines.coqui.library import import_torchaudio


def main() -> None:
    # nothing else of ours: torch with as many threads and the memory allocator as they come
    import_torchaudio()
    server = importlib.import_module("TTS.server.server")
    server.app.run(host="127.0.0.1", port=server.args.port)


if __name__ == "__main__":
    main()
