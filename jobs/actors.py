"""What workers do beside making items."""

from __future__ import annotations

import dramatiq

from jobs import errands, webhooks


@dramatiq.actor(queue_name="batch", priority=5)
def deliver_webhook(delivery_id: str) -> None:
    webhooks.carry(delivery_id)


@dramatiq.actor(queue_name="batch", priority=5)
def send_due_webhooks() -> None:
    webhooks.sweep_deliveries()


@dramatiq.actor(queue_name="batch", priority=5)
def run_errand(errand_id: str) -> None:
    errands.run(errand_id)


@dramatiq.actor(queue_name="batch", priority=5)
def resume_errands() -> None:
    errands.resume()
