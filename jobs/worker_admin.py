"""Workers in the admin: what each computes on, holds and is at, and what staff have asked of it."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.decorators import display

from accounts.listed import Listed
from accounts.readable import lasting
from jobs.models import Worker
from jobs.models.worker import WORKER_SILENCE

MOST_INSTRUCTIONS = 20
# on a worker's page


@admin.register(Worker)
class WorkerAdmin(Listed):
    list_display = ["id", "state", "threads", "reads", "computes_on", "holds", "busy", "runs_for", "seen_at"]
    exclude = ["queues", "device", "loaded", "items"]
    shown = ("state", "reads", "computes_on", "holds", "busy", "instructions")

    @display(description="state", label={"alive": "success", "silent": "danger"})
    def state(self, worker: Worker) -> str:
        return "alive" if timezone.now() - worker.seen_at < WORKER_SILENCE else "silent"

    @admin.display(description="queues")
    def reads(self, worker: Worker) -> str:
        return ", ".join(worker.queues)

    @admin.display(description="runs for")
    def runs_for(self, worker: Worker) -> str:
        return lasting(timezone.now() - worker.started_at)

    @admin.display(description="device")
    def computes_on(self, worker: Worker) -> str:
        used, total = worker.device.get("memory_used"), worker.device.get("memory_total")
        memory = f", {filesizeformat(used)} of {filesizeformat(total)}" if total else ""
        return f"{worker.device.get('device', '')}{memory}"

    @admin.display(description="models in memory")
    def holds(self, worker: Worker) -> str:
        return ", ".join(f"{model['name']} ({filesizeformat(model['bytes'])})" for model in worker.loaded)

    @admin.display(description="busy with")
    def busy(self, worker: Worker) -> str:
        links = [(reverse("admin:jobs_item_change", args=[pk]), pk) for pk in worker.items]
        joined: str = format_html_join(", ", '<a href="{}">{}</a>', links)
        return joined

    @admin.display(description="asked by staff", empty_value="nothing")
    def instructions(self, worker: Worker) -> str | None:
        latest = worker.instructions.order_by("-pk")[:MOST_INSTRUCTIONS]
        joined: str = format_html_join(
            "", "{}: {} {}<br>", ((str(instruction), instruction.state, instruction.told) for instruction in latest)
        )
        return joined or None
