"""The server of an app's page: it has the key, and gives the page a secret for each conversation.

    VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python server.py 8001

Then open http://127.0.0.1:8001. The service must know this origin: ALLOWED_ORIGINS=http://127.0.0.1:8001.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

SESSION = {
    "type": "realtime",
    "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}, "output": {"voice": "slt"}},
}
LONGEST = 10_000
# bytes of a text

service = httpx.Client(base_url=os.environ["VOICE_URL"], headers={"Authorization": f"Bearer {os.environ['VOICE_KEY']}"}, timeout=60)


class Page(SimpleHTTPRequestHandler):
    """An app would ask first who is there: whoever reaches this talks at its owner's expense."""

    def do_POST(self) -> None:
        if self.path == "/secret":
            made = service.post("/v1/realtime/client_secrets", json={"session": SESSION})
            address = f"{os.environ['VOICE_URL'].replace('http', 'ws', 1)}/v1/realtime"
            self.tell(made.status_code, {"address": address, "secret": made.json()["value"]} if made.is_success else made.json())
        elif self.path == "/speech":
            self.speak(self.rfile.read(min(LONGEST, int(self.headers["Content-Length"]))).decode())
        else:
            self.tell(404, {"error": {"message": "There is no such thing here."}})

    def speak(self, text: str) -> None:
        wanted = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "pcm"}
        with service.stream("POST", "/v1/audio/speech", json=wanted) as made:
            self.send_response(made.status_code)
            self.send_header("Content-Type", made.headers["content-type"])
            self.end_headers()
            for block in made.iter_bytes():
                self.wfile.write(block)

    def tell(self, status: int, answer: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


def served(*arguments: object, **named: object) -> Page:
    return Page(*arguments, directory=str(Path(__file__).parent), **named)  # type: ignore[arg-type]


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), served).serve_forever()  # type: ignore[arg-type]
