"""Models in memory: each loaded once however many ask for it, the least recently used given up for another, the idle let go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from config.errors import Refusal
from voice.engines.base import EngineBusy, ModelBroken, Source

log = logging.getLogger(__name__)

MIB = 1 << 20
SORRY_FOR = 30.0
# seconds that a model which could not be loaded is not tried again


class Resident(Protocol):
    """A loaded model."""

    @property
    def size(self) -> int:
        """Bytes that it takes on its device."""

    def close(self) -> None:
        """Let go of it; nobody uses it any more."""


M = TypeVar("M", bound=Resident)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a report tells of a model in memory."""

    name: str
    bytes: int
    users: int
    idle: float
    # seconds since it was last used; 0 while it is


@dataclass(slots=True)
class _Place(Generic[M]):
    source: Source
    model: M | None = None
    users: int = 0
    loading: bool = False
    # or waiting for room
    reserved: int = 0
    # bytes that it is expected to take, while it is loaded
    used_at: float = field(default_factory=time.monotonic)
    failure: str = ""
    # why it could not be loaded
    failed_at: float = 0.0


class Pool(Generic[M]):
    """The models of one process. Every method may be called from any thread."""

    def __init__(
        self,
        load: Callable[[Source], M],
        *,
        weigh: Callable[[Source], int],
        budget: int,
        patience: float,
        idle: float,
    ) -> None:
        """`weigh` says before loading how many bytes a model is likely to take; `budget` is for all of them, 0 for any number.

        `patience` is how many seconds anyone waits for a model that others load, or for room; after `idle` seconds without use one
        is unloaded, 0 for never.
        """
        self._load = load
        self._weigh = weigh
        self._budget = budget
        self._patience = patience
        self._idle = idle
        self._places: dict[Source, _Place[M]] = {}
        self._changed = threading.Condition()

    @contextmanager
    def use(self, source: Source) -> Iterator[M]:
        """The model, loaded, and kept for as long as the block lasts. EngineBusy when that took too long, ModelBroken when it can't be."""
        place, model = self._take(source)
        try:
            yield model
        finally:
            with self._changed:
                place.users -= 1
                place.used_at = time.monotonic()
                self._changed.notify_all()

    def unload(self, name: str) -> bool:
        """Let go of a model that nobody uses; False when it is in use or not there."""
        with self._changed:
            gone = [place for place in self._places.values() if place.source.name == name and self._unused(place)]
            return bool(self._give_up(gone))

    def sweep(self) -> int:
        """Unload what was idle for too long, and say how many."""
        if not self._idle:
            return 0
        with self._changed:
            before = time.monotonic() - self._idle
            return self._give_up([place for place in self._places.values() if self._unused(place) and place.used_at < before])

    def clear(self) -> int:
        """Unload everything that nobody uses."""
        with self._changed:
            return self._give_up([place for place in self._places.values() if self._unused(place)])

    def report(self) -> list[Loaded]:
        now = time.monotonic()
        with self._changed:
            return [
                Loaded(place.source.name, place.model.size, place.users, 0.0 if place.users else now - place.used_at)
                for place in self._places.values()
                if place.model is not None
            ]

    @property
    def empty(self) -> bool:
        """Whether nothing is in memory, or on its way there."""
        with self._changed:
            return not any(place.model is not None or place.loading for place in self._places.values())

    def _take(self, source: Source) -> tuple[_Place[M], M]:
        deadline = time.monotonic() + self._patience
        with self._changed:
            place = self._places.setdefault(source, _Place(source))
            while place.model is None:
                if place.failure and time.monotonic() - place.failed_at < SORRY_FOR:
                    raise ModelBroken(place.failure)
                if not place.loading:
                    place.loading = True
                    break
                self._wait(deadline)
            else:
                place.users += 1
                return place, place.model
        return place, self._fill(place, deadline)

    def _fill(self, place: _Place[M], deadline: float) -> M:
        """Load the model outside the lock: others go on meanwhile. Whoever is told that he has it uses it."""
        model: M | None = None
        failure = ""
        try:
            self._reserve(place, deadline)
            started = time.monotonic()
            model = self._load(place.source)
            log.info("model loaded: %s, %d MiB, %.1f s", place.source.name, model.size // MIB, time.monotonic() - started)
        except Exception as error:
            if isinstance(error, Refusal) and error.transient:
                raise
            failure = error.reason if isinstance(error, ModelBroken) else repr(error)
            log.error("model not loaded: %s", place.source.name, exc_info=error)
            raise ModelBroken(failure) from error
        else:
            return model
        finally:
            with self._changed:
                place.loading = False
                place.reserved = 0
                place.model = model
                place.users += model is not None
                place.failure, place.failed_at = failure, time.monotonic()
                self._changed.notify_all()

    def _reserve(self, place: _Place[M], deadline: float) -> None:
        """Set room aside for a model. EngineBusy when there is none for too long."""
        if not self._budget:
            return
        # it reads files
        needed = self._weigh(place.source)
        with self._changed:
            while not self._make_room(needed):
                self._wait(deadline)
            place.reserved = needed

    def _wait(self, deadline: float) -> None:
        if not self._changed.wait(deadline - time.monotonic()):
            raise EngineBusy

    def _make_room(self, needed: int) -> bool:
        """Unload the least recently used until there is room; False when what is in use leaves none. A first model always has room."""
        taken = sum(place.model.size if place.model else place.reserved for place in self._places.values())
        spare = sorted((place for place in self._places.values() if self._unused(place)), key=lambda place: place.used_at)
        while spare and taken + needed > self._budget:
            oldest = spare.pop(0)
            taken -= oldest.model.size if oldest.model else 0
            self._give_up([oldest])
        return taken == 0 or taken + needed <= self._budget

    @staticmethod
    def _unused(place: _Place[M]) -> bool:
        return place.model is not None and not place.users

    def _give_up(self, places: list[_Place[M]]) -> int:
        for place in places:
            if place.model is not None:
                place.model.close()
                place.model = None
                log.info("model unloaded: %s", place.source.name)
        if places:
            self._changed.notify_all()
        return len(places)
