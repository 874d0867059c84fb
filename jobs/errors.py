from __future__ import annotations

from accounts.errors import InsufficientQuota
from config.errors import Conflict, NotFound, RateLimited, Refusal, Unavailable


class Cancelled(Refusal):
    status = 409
    code = "cancelled"
    message = "The work was cancelled."
    should_retry = False


class WorkerCrashed(Refusal):
    status = 500
    code = "worker_crashed"
    type = "server_error"
    message = "The worker went away each time that this was tried."


class TimedOut(Refusal):
    status = 500
    code = "timed_out"
    type = "server_error"
    message = "Making this took longer than the operator allows."


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    message = "The output can't be stored now."


class Maintenance(Unavailable):
    code = "maintenance"
    message = "The service is being maintained. Try again later."


class OutputTooLarge(Refusal):
    status = 413
    code = "output_too_large"
    message = "The audio is too large to be sent whole without being stored. Let it be stored, or read it as a stream."


class NotReady(Conflict):
    code = "not_ready"
    message = "This output is still being made."


class TimestampsNotFound(NotFound):
    code = "timestamps_not_found"
    message = "No timestamps were asked for when this was made. Send 'timestamp_granularities' with the text."


class Gone(Refusal):
    status = 410
    code = "gone"
    message = "This output was not made, or is no longer kept."


class InvalidState(Conflict):
    message = "Its state does not allow this."


class TooManySockets(RateLimited):
    code = "too_many_sockets"
    message = "As many sockets of yours are open as you may have. Close one first."


class StorageFull(InsufficientQuota):
    message = "Your outputs fill the room that you have. Delete some, or send 'store': false."
