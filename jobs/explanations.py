"""What an item's error code means to whoever looks after the service, and what to do about it."""

from __future__ import annotations

MEANINGS = {
    "audio_silent": "The recording has no sound in it. Only its owner can send another.",
    "audio_too_long": "The audio is longer than is taken. Its owner shortens it, or MAX_UPLOAD_SECONDS is raised.",
    "audio_too_short": "There is too little speech in the recording. Only its owner can send another.",
    "audio_unreadable": "The file is damaged, or is no audio. Only its owner can send another.",
    "cancelled": "Its owner or staff ended it. Nothing is wrong.",
    "decoder_failed": "The process that reads uploaded audio went away, by memory or time. Try it once more; then look at the file.",
    "device_lost": "The graphics card stopped answering. The worker starts anew by itself; if it comes back, look at the driver's log.",
    "engine_failed": "The engine broke on this text or sound. If it fails once more, the log has its trace, by the item's id.",
    "engine_unavailable": "The worker that took it does not have the engine. Look at what the workers can do, and start one that has it.",
    "insufficient_quota": "Its owner has used up what his plan allows. Raise it, or wait for the next period.",
    "internal_error": "A fault of ours. The log has its trace, by the item's id; trying again seldom helps.",
    "model_not_found": "The model was removed or disabled after the item was accepted.",
    "model_unavailable": "The model could not be loaded, or not in time. Look at its row for the problem, and at the workers' memory.",
    "output_too_large": "What came of it is larger than can be handed on without being stored.",
    "overloaded": "There was no room at the time. Retry it now that there is.",
    "service_unavailable": "The database, Redis or a disk could not be reached. Retry it once they can.",
    "storage_unavailable": "The output could not be stored: the disk is full, or the bucket away. Mend that, then retry.",
    "stream_broken": "Whoever listened could not be told the rest. The output is made anew when it is retried.",
    "timed_out": "It took longer than ITEM_SECONDS allows. A shorter text or a quicker model helps, or a longer limit.",
    "unsupported_text": "The engine can't say this text. Another voice may.",
    "upstream_broken": "The other server closed the connection on the way. It was tried again; retry once the server is well.",
    "upstream_busy": "The other server had no room, also after several tries.",
    "upstream_failed": "The other server answered with a fault of its own.",
    "upstream_invalid_response": "The other server sent no such audio as was asked for. Its configuration in UPSTREAMS may be wrong.",
    "upstream_misconfigured": "The other server refused our key or our request. Look at UPSTREAMS.",
    "upstream_quota_exhausted": "What was paid for at the other server is used up.",
    "upstream_refused": "The other server refused the text or the voice. Its message stands beside.",
    "upstream_timeout": "The other server did not answer in time.",
    "upstream_unavailable": "The other server could not be reached. Retry once it can.",
    "voice_disabled": "The voice was disabled after the item was accepted. Enable it, or use another voice.",
    "voice_has_no_samples": "The voice has no recording any more.",
    "voice_not_found": "The voice was deleted after the item was accepted. Use another voice.",
    "voice_revoked": "The consent to the voice was revoked. Nothing is made in it any more.",
    "worker_crashed": "The worker went away every time: killed for its memory, or by a fault of the engine. Look at the hosts' memory.",
}
UNKNOWN = "There is no explanation of this code here; its message says what is known, and the log more, by the item's id."


def meaning(code: str) -> str:
    return MEANINGS.get(code, UNKNOWN)
