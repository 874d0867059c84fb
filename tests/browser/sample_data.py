"""A row of everything that the admin shows, some of it as awkward as it comes: run inside the service that is looked at."""

from __future__ import annotations

import io
import random
import wave
from datetime import timedelta

from django.contrib.auth.models import Group
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Override, Plan, Removal, Usage, User
from accounts.tokens import issue_key, sign_in
from jobs.models import Delivery, Errand, Instruction, Item, Job, Webhook
from jobs.storage import keep
from tests.factories import (
    make_consent,
    make_item,
    make_job,
    make_live_session,
    make_output,
    make_running,
    make_sample,
    make_usage,
    make_voice,
    make_worker,
)
from voice.lexicons import make_lexicon
from voice.models import Model, ModelAlias, VoiceAlias

ENDED = 30
# items
SENTENCE = "She had a long sentence to say, and it had <angles>, “quotes” and a&nbsp;name in it, and went on for quite a while after that."
OWNER = "somebody.with-a-long-name@of.a.company.example"
FINDINGS = {
    "seconds": 5.0,
    "voiced_seconds": 3.8543333333333334,
    "speech_db": -21.333333333333332,
    "noise_db": -61.66666666666667,
    "peak_db": -3.1,
    "clipped_share": 0.000123,
    "pitches": [118, 221],
}
WAVEFORM = {"peaks": [abs(n % 40 - 20) * 4 for n in range(120)], "level_db": -21.4, "peak_db": -3.1}
DEVICE = {"device": "an accelerator", "memory_used": 3_221_225_472, "memory_total": 17_179_869_184}


def create_sample_data(password: str) -> str:
    """Create a user of each role and rows of every kind. Return the names of the roles."""
    User.objects.create_superuser("boss", "boss@example.org", password)
    for group in Group.objects.all():
        User.objects.create_user(group.name, f"{group.name}@example.org", password, is_staff=True).groups.add(group)
    User.objects.create_user("nobody", "", password, is_staff=True)
    owner = _owner()
    _work(owner)
    _voices(owner)
    _machines()
    return " ".join(Group.objects.values_list("name", flat=True))


def _owner() -> User:
    plan = Plan.objects.create(name="small", characters=100_000, concurrent_jobs=3, speech_seconds=7200)
    owner = User.objects.create_user(OWNER, plan=plan)
    Override.objects.create(owner=owner, characters=200_000, reason="asked for it")
    leaving = User.objects.create_user("leaving", plan=plan)
    Removal.objects.create(owner=leaving, state="stopped", total=4321, removed=1234, problem="3 outputs are under legal hold.")
    sign_in(owner)
    return owner


def _work(owner: User) -> None:
    key, _ = issue_key(owner=owner, name="a key", scopes=[])
    output = None
    for n in range(ENDED):
        output = make_output(owner, random.randbytes(500 + 3000 * n))
        failed = n % 5 == 0
        ended = timezone.now() - timedelta(minutes=2 * n)
        begun, asked = ended - timedelta(seconds=1 + n / 7), ended - timedelta(seconds=2 + n / 3)
        fields = {"error_code": "upstream_unavailable", "error_message": "The upstream did not answer."} if failed else {}
        rows = Item.objects.filter(pk=output.item_id)
        rows.update(text=SENTENCE, state="failed" if failed else "completed", **fields)
        rows.update(created_at=asked, started_at=begun, finished_at=ended)
        usage = make_usage(output.item, api_key=key, characters=100 * n, kind=["speech", "transcription", "conversion"][n % 3])
        Usage.objects.filter(pk=usage.pk).update(created_at=Now() - timedelta(days=n), milliseconds=1234 * n)
    assert output is not None
    job = make_job(owner, name="chapter one", total=4, metadata={"shelf": ["a", {"deep": "b"}]}, completed=1, failed=1)
    make_item(owner, job=job, state="completed", text=SENTENCE, position=0)
    make_item(owner, job=job, state="failed", error_code="engine_failed", error_message=SENTENCE, text=SENTENCE, position=1)
    make_running(owner, job=job, text=SENTENCE, position=2, lease=timedelta(hours=1))
    make_item(owner, job=job, text=SENTENCE, position=3)
    Job.objects.filter(pk=job.pk).update(state="running", started_at=Now() - timedelta(minutes=7))
    hook = Webhook.objects.create(owner=owner, url="https://example.org/told")
    payload = {"type": "job.completed", "data": {"id": job.pk}}
    Delivery.objects.create(
        owner=owner, webhook=hook, job=job, event="job.completed", payload=payload, state="failed", attempt=3, error=SENTENCE[:100]
    )
    Errand.objects.create(
        deed="cancel",
        job_ids=[job.pk],
        total=1,
        done=1,
        refused=1,
        notes=[{"job": job.pk, "refused": SENTENCE}],
        who_name="boss",
        finished_at=timezone.now(),
    )
    make_lexicon(owner=owner, name="names", language="", entries=[])
    transcript = [{"role": "user", "text": "What is the time?"}, {"role": "assistant", "text": SENTENCE}]
    make_live_session(
        owner,
        first_audio_ms=640,
        seconds_in=61.8543333333333334,
        seconds_out=7.3333333333333333,
        transcript=transcript,
        seen_at=Now() + timedelta(hours=1),
    )


def _voices(owner: User) -> None:
    VoiceAlias.objects.get_or_create(name="alias", defaults={"voice": make_voice(name="berta")})
    for n in range(3):
        recording = keep(io.BytesIO(_sound(5)), owner_id=owner.pk, form="wav")
        heard = "I am sure that I am the owner of this voice and I would like it to be used"
        consent = make_consent(owner, name=f"Anna {n}", state="pending", recording=recording, transcript=heard, waveform=WAVEFORM)
        make_sample(make_voice(owner=owner, name=f"mine-{n}", consent=consent), _sound(5), findings=FINDINGS, waveform=WAVEFORM)


def _machines() -> None:
    worker = make_worker(
        device=DEVICE,
        loaded=[{"name": "sized", "bytes": 1_234_567_890, "users": 1, "idle": 12.345678901}],
        seen_at=Now() + timedelta(hours=2),
    )
    model = Model.objects.create(
        name="sized", engine="coqui", location="tts_models/en/vctk/vits", rate=22_050, slowest=0.3333333333333333, preference=900
    )
    ModelAlias.objects.create(name="a-model", model=model)
    Instruction.objects.create(worker=worker, verb="unload", subject="sized", state="failed", told="It is in use.")


def _sound(seconds: int, rate: int = 24_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(random.randbytes(2 * rate * seconds))
    return file.getvalue()
