"""Durable work: who asked for what, what came of it, who makes it and who is told."""

from jobs.models.errands import Errand, Failure
from jobs.models.instruction import Instruction, InstructionState, Verb
from jobs.models.output import Blob, Output
from jobs.models.webhooks import Delivery, Webhook
from jobs.models.work import FALLBACK, OPEN, Item, Job, State
from jobs.models.worker import Worker

__all__ = [
    "FALLBACK",
    "OPEN",
    "Blob",
    "Delivery",
    "Errand",
    "Failure",
    "Instruction",
    "InstructionState",
    "Item",
    "Job",
    "Output",
    "State",
    "Verb",
    "Webhook",
    "Worker",
]
