"""Somebody at the page in a real browser: what he says into the microphone, what he hears, and what he sees."""

from __future__ import annotations

import base64
import contextlib
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, WebSocket, expect, sync_playwright

from tests.e2e.system import System
from tests.voice.recordings import spoken
from voice.audio.encode import Encoder
from voice.audio.pcm import silence
from voice.engines.base import Pcm

SHOWN = Path(__file__).resolve().parents[2] / "build" / "browser"
# screenshots and recordings, for whoever wants to look and listen
GRAVE = {"serious", "critical"}
# what of axe's findings nobody may leave
RATE = 24_000
RECOGNISER_RATE = 16_000
DESKTOP: Any = {"width": 1280, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
PATIENCE_MS = 60_000
# for whatever the page waits for on a busy machine
RECORDER = """
  const connect = AudioNode.prototype.connect;
  const recorders = [];
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      const tap = this.context.createMediaStreamDestination();
      connect.call(this, tap);
      const recorder = new MediaRecorder(tap.stream);
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.start(250);
      recorders.push({ recorder, parts });
    }
    return connect.call(this, to, ...more);
  };
  window.recorded = async () => {
    const { recorder, parts } = recorders.at(-1);
    if (recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => (recorder.onstop = resolve));
      recorder.stop();
      await stopped;
    }
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    return btoa(binary);
  };
"""
# records whatever the page plays on its way to the loudspeaker


@dataclass
class Person:
    page: Page
    sent: list[str] = field(default_factory=list)
    # messages of the page over its sockets
    sockets: list[str] = field(default_factory=list)
    # their addresses
    errors: list[str] = field(default_factory=list)
    # what the browser complained of
    asked: list[str] = field(default_factory=list)
    # addresses that it asked for anything

    def enter(self, url: str, key: str, panel: str = "speak") -> None:
        """Come with a key to a panel."""
        self.page.goto(f"{url}/#{panel}")
        self.page.get_by_text("Use an API key instead").click()
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Continue").click()
        expect(self.panel(panel.partition("?")[0])).to_be_visible()

    def sign_in(self, system: System, panel: str = "speak") -> None:
        self.page.goto(f"{system.url}/#{panel}")
        self.page.get_by_label("User name").fill("admin")
        self.page.get_by_label("Password").fill(system.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.panel(panel.partition("?")[0])).to_be_visible()

    def panel(self, name: str) -> Any:
        return self.page.locator(f"#{name}.panel")

    def go(self, name: str) -> None:
        """By the links of the page."""
        self.page.locator(f"#nav a[href^='#{name}']").click()
        expect(self.panel(name)).to_be_visible()

    def shot(self, name: str) -> None:
        SHOWN.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOWN / f"{name}.png", full_page=True)

    def look(self, name: str) -> None:
        """A picture of what is there, which has no grave fault, fits its window, and came from this host only."""
        self.shot(name)
        found = Axe().run(self.page).response["violations"]
        grave = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in GRAVE]
        assert grave == [], name
        width = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width == 0, name
        here = self.page.evaluate("location.host")
        assert [url for url in self.asked if not url.startswith(("blob:", "data:")) and url.split("/")[2] != here] == []

    def recording(self) -> bytes:
        """What the page has played last, as the browser compresses it."""
        encoded: str = self.page.evaluate("recorded()")
        return base64.b64decode(encoded)


@contextlib.contextmanager
def at_the_page(microphone: Path, **options: Any) -> Iterator[Person]:
    """A browser whose microphone is a WAV file, once through."""
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        try:
            context = browser.new_context(**{"viewport": DESKTOP, **options})
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(RECORDER)
            page = context.new_page()
            person = Person(page)
            page.on("websocket", lambda socket: _overhear(socket, person))
            page.on("request", lambda request: person.asked.append(request.url))
            page.on("pageerror", lambda error: person.errors.append(str(error)))
            page.on("console", lambda message: person.errors.append(message.text) if message.type == "error" else None)
            yield person
        finally:
            browser.close()


def _overhear(socket: WebSocket, person: Person) -> None:
    person.sockets.append(socket.url)
    socket.on("framesent", lambda payload: person.sent.append(str(payload)))


def says(folder: Path, *parts: str | float) -> Path:
    """A WAV file of sentences, and seconds of silence between them."""
    sounds = [silence(int(part * 1000)) if isinstance(part, float) else _decoded(spoken(part, "rms"), RATE) for part in parts]
    with Encoder("wav") as encoder:
        data = encoder.encode(np.concatenate(sounds)) + encoder.finish()
    path = folder / "microphone.wav"
    path.write_bytes(data)
    return path


def understood(recording: bytes) -> set[str]:
    """The words that a recogniser understands in it."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(_decoded(recording, RECOGNISER_RATE).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return set(found.hypstr.lower().split()) if found else set()


def _decoded(recording: bytes, rate: int) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(io.BytesIO(recording), "r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    pcm: Pcm = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    return pcm
