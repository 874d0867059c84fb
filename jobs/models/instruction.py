"""What staff want one worker to do: it looks for such rows as often as it reports itself."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models.functions import Now

from jobs.models.worker import Worker

LONGEST_TOLD = 500
# characters of what came of an instruction that are kept


class Verb(models.TextChoices):
    LOAD = "load"
    UNLOAD = "unload"


class InstructionState(models.TextChoices):
    ASKED = "asked"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class InstructionRows(models.QuerySet["Instruction"]):
    def for_worker(self, name: str) -> Self:
        return self.filter(worker_id=name, state=InstructionState.ASKED).order_by("pk")


class Instruction(models.Model):
    """It goes with its worker: another process holds other models."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="instructions")
    verb = models.CharField(max_length=8, choices=Verb)
    subject = models.CharField(max_length=100)
    # the name of a model
    state = models.CharField(max_length=8, choices=InstructionState, default=InstructionState.ASKED)
    told = models.CharField(max_length=LONGEST_TOLD, blank=True)
    # what came of it
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = InstructionRows.as_manager()

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def begin(self) -> bool:
        """False when it was begun before."""
        return Instruction.objects.filter(pk=self.pk, state=InstructionState.ASKED).update(state=InstructionState.BEGUN) == 1

    def finish(self, state: InstructionState, told: str) -> None:
        Instruction.objects.filter(pk=self.pk).update(state=state, told=told[:LONGEST_TOLD], finished_at=Now())
