"""Settings that staff change while the service runs, as this process last read them.

They are read by a thread of their own every few seconds, so that nobody's request pays for it: django-constance's own reader asks the
database for each value, gives a promise instead of a value within an event loop, and writes the default down at the first look, after
which another value in the environment would be without effect. Of it we use the table, the form and the page.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog
from constance.codecs import loads
from constance.models import Constance
from django.conf import settings
from django.db import connection

log = structlog.get_logger("runtime")

READ_EVERY = 3.0
# seconds after which at the latest a change holds in every process
PATIENCE = 2.0
# seconds that a process waits at its start for a database that may be away


class Runtime:
    """`runtime.MAX_QUEUED` is what staff set, or else what the environment says."""

    def __init__(self) -> None:
        self._changed: dict[str, Any] = {}
        self._thread: threading.Thread | None = None
        self._known = threading.Event()

    def __getattr__(self, name: str) -> Any:
        if name not in settings.CONSTANCE_CONFIG:
            raise AttributeError(name)
        return self._changed[name] if name in self._changed else getattr(settings, name)

    def read(self) -> None:
        """Read what staff set, now and in this thread."""
        rows = Constance.objects.filter(key__in=settings.CONSTANCE_CONFIG).values_list("key", "value")
        self._changed = {key: value for key, text in rows if (value := _value(key, text)) is not None}

    def start(self) -> None:
        """Read now, and again for as long as the process lives. What can't be read stays as it was.

        Also now it is the thread that reads, for whoever calls may be in an event loop.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="runtime", daemon=True)
            self._thread.start()
            self._known.wait(PATIENCE)

    def _run(self) -> None:
        while True:
            self._read_if_possible()
            self._known.set()
            time.sleep(READ_EVERY)

    def _read_if_possible(self) -> None:
        try:
            self.read()
            connection.close()
        except Exception as fault:  # whatever it meets must not end the thread: what staff change would go unheard for ever
            log.warning("settings not read", reason=repr(fault))
            connection.close()


def _value(name: str, text: str | None) -> Any:
    """None for what is no such value; one row that is wrong holds up none of the others."""
    default: Any = settings.CONSTANCE_CONFIG[name][0]
    try:
        value = loads(text) if text else None
    except Exception as fault:  # whatever was written there by hand
        value, reason = None, repr(fault)
    else:
        reason = "not of its type"
    # a StrEnum is kept as text
    if value is not None and isinstance(value, str if isinstance(default, str) else type(default)):
        return value
    log.warning("setting not read", name=name, reason=reason)
    return None


runtime = Runtime()
