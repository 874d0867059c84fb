"""What this process holds in memory, and how its upstreams do: asked when somebody looks, and not counted as it happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from voice import catalogue
from voice.upstreams.endpoint import CIRCUITS, circuits

log = structlog.get_logger("resources")


class Resources(Collector):
    def describe(self) -> Iterable[Any]:
        """Nothing beforehand: a registry would otherwise look at once."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        # engines are made by whoever makes items; a look must not make them
        report = _report() if catalogue.models.cache_info().currsize else {}
        memory = GaugeMetricFamily("voice_model_memory_bytes", "Memory of each model that is loaded.", labels=["model"])
        users = GaugeMetricFamily("voice_model_users", "Threads that use it now.", labels=["model"])
        for model in report.get("loaded", ()):
            memory.add_metric([model["name"]], model["size"])
            users.add_metric([model["name"]], model["users"])
        device = GaugeMetricFamily("voice_device_memory_bytes", "Memory of the accelerator.", labels=["device", "state"])
        if "memory_total" in (about := report.get("device", {})):
            device.add_metric([about["device"], "used"], about["memory_used"])
            device.add_metric([about["device"], "free"], about["memory_total"] - about["memory_used"])
        circuit = GaugeMetricFamily(
            "voice_upstream_circuit", "1 for the state that an upstream's circuit is in.", labels=["upstream", "state"]
        )
        for name, state in circuits().items():
            for each in CIRCUITS:
                circuit.add_metric([name, each], each == state)
        yield from (memory, users, device, circuit)


def _report() -> dict[str, Any]:
    try:
        return catalogue.report()
    except Exception as fault:  # whatever a device that is lost makes its library raise: the other numbers are told
        log.warning("the device can't be looked at", reason=repr(fault))
        return {}
