"""What is asked of the system while things break, and what must have come of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from tests.e2e.system import System
from tests.tones import read_tones

PATIENCE = 30
# seconds for one answer
TRIES = 60
# of one request, while the service is away
PAGE = 100
READERS = 8
OVER = ("completed", "failed", "cancelled")


@dataclass
class Workload:
    """Briefs that are submitted as a client does that gives none up: with a key each, again and again until there is an answer."""

    system: System
    jobs: dict[str, list[str]] = field(default_factory=dict)
    # texts by job id
    refused: int = 0
    # answers other than the one that was wanted

    def submit(self, name: str, model: str, voice: str, texts: list[str]) -> None:
        items = [{"input": text, "ref": str(number)} for number, text in enumerate(texts)]
        body = {"model": model, "voice": voice, "response_format": "pcm", "name": name, "items": items}
        answer = self._insist("POST", "/v1/jobs", json=body, headers={**self.system.headers, "Idempotency-Key": name})
        self.jobs[answer["id"]] = texts

    def wait(self, patience: float) -> list[dict[str, Any]]:
        """The jobs once all are over. AssertionError when they are not in time."""
        deadline = time.monotonic() + patience
        while True:
            jobs = [self._insist("GET", f"/v1/jobs/{job_id}") for job_id in self.jobs]
            if all(job["state"] in OVER for job in jobs):
                return jobs
            assert time.monotonic() < deadline, [(job["name"], job["state"], job["counts"]) for job in jobs]
            time.sleep(1)

    def look(self) -> None:
        """Ask for the list of jobs until there is an answer."""
        self._insist("GET", "/v1/jobs")

    def items(self, job_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self._insist("GET", f"/v1/jobs/{job_id}/items?limit={PAGE}{after}")
            items += page["data"]
            if not page["has_more"]:
                return items
            after = f"&after={page['last_id']}"

    def wrong(self) -> list[str]:
        """What is not as it must be: an item that is neither made nor failed for a reason, or whose sound is not its own."""
        found = []
        for job_id, texts in self.jobs.items():
            items = self.items(job_id)
            if [item["ref"] for item in items] != [str(number) for number in range(len(texts))]:
                found.append(f"{job_id}: its items are not those that were asked for")
            made = [item for item in items if item["state"] == "completed"]
            found += [f"{item['id']}: {item['state']} {item['error']}" for item in items if item not in made and not item["error"]]
            if made and items[0]["voice"] == "tone":
                with ThreadPoolExecutor(READERS) as pool:
                    found += [problem for problem in pool.map(self._problem, made) if problem]
        return found

    def _problem(self, item: dict[str, Any]) -> str:
        answer = httpx.get(f"{self.system.url}/v1/outputs/{item['output_id']}/content", headers=self.system.headers, timeout=PATIENCE)
        if answer.status_code != 200:
            return f"{item['id']}: its output answers {answer.status_code}"
        heard = read_tones(np.frombuffer(answer.content, dtype="<i2"))
        return "" if heard == item["input"] else f"{item['id']}: {heard!r} instead of {item['input']!r}"

    def _insist(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        options = {"headers": self.system.headers, "timeout": PATIENCE, **request}
        for _ in range(TRIES):
            try:
                answer = httpx.request(method, self.system.url + path, **options)
            except httpx.TransportError:
                self.refused += 1
            else:
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code in (429, 500, 503), (path, answer.status_code, answer.text)
                assert answer.status_code != 500, answer.text
                self.refused += 1
            time.sleep(0.5)
        raise AssertionError(f"{method} {path}: no answer")
