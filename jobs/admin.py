from __future__ import annotations

from jobs.errand_admin import ErrandAdmin
from jobs.failure_admin import FailureAdmin
from jobs.item_admin import ItemAdmin
from jobs.job_admin import JobAdmin
from jobs.storage_admin import BlobAdmin, OutputAdmin
from jobs.webhook_admin import DeliveryAdmin, WebhookAdmin
from jobs.worker_admin import WorkerAdmin

__all__ = [
    "BlobAdmin",
    "DeliveryAdmin",
    "ErrandAdmin",
    "FailureAdmin",
    "ItemAdmin",
    "JobAdmin",
    "OutputAdmin",
    "WebhookAdmin",
    "WorkerAdmin",
]
# Django looks for what is registered in this module only
