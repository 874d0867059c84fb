"""The same texts by another voice: a new job for whoever had the first."""

from __future__ import annotations

from accounts.replays import Asked, Done, earlier, once
from config.errors import Refusal
from jobs import services as jobs
from jobs.errands import deed
from jobs.errors import InvalidState
from jobs.models import Item, Job
from voice.models import Model, Voice
from voice.models.catalogue import ANY_LANGUAGE
from voice.services import SPEECH, Casting, Line
from voice.timing import ASKED


def speak_again(*, job: Job, voice: Voice, asked: str = "") -> str:
    """The id of a job of the same texts, formats and names, by this voice, that waits its turn as any brief does.

    Every Refusal of a brief may come of it: the voice is another's, it does not speak the language, the owner may have no more.
    `asked` tells one wish from another: whoever is told of the same one again, for a worker died, makes no second job.
    """
    wish = Asked(fingerprint=voice.pk, key=f"{asked}:{job.pk}" if asked else None, attempt=None)
    if known := earlier(job.owner, wish):
        return known.subject
    if job.kind != SPEECH:
        raise InvalidState("Only speech can be made again by another voice.")
    casting, verbatim = Casting(job.owner), set(Model.objects.filter(verbatim=True).values_list("pk", flat=True))
    orders = []
    for item in job.items.order_by("position"):
        try:
            orders.append(
                casting.order(
                    _line(item, voice, verbatim),
                    batch=True,
                    ref=item.ref,
                    store=item.store,
                    streamed=False,
                    expires_after=item.expires_after,
                )
            )
        except Refusal as refusal:
            refusal.message = f"Item {item.position}: {refusal.message}"
            raise
    about = jobs.About(name=job.name, metadata=job.metadata, priority=job.priority, webhook=job.webhook)

    def submit() -> Done:
        return Done(jobs.submit(owner=job.owner, api_key=job.api_key, kind=SPEECH, orders=orders, about=about).pk)

    return once(job.owner, wish, submit).subject


@deed
def speak_by(job: Job, *, voice: str, asked: str = "") -> str:
    found = Voice.objects.filter(pk=voice).first()
    if found is None:
        raise InvalidState("The voice is no longer there.")
    return f"made again by {found} as {speak_again(job=job, voice=found, asked=asked)}"


def _line(item: Item, voice: Voice, verbatim: set[str]) -> Line:
    made = item.options
    language = made.get("language")
    return Line(
        text=item.text,
        voice=voice.pk,
        model=None,
        format=item.format,
        language=None if language == ANY_LANGUAGE else language,
        speed=made.get("speed", 1.0),
        seed=made.get("seed"),
        instructions=made.get("instructions"),
        # what a model that takes texts as they are was told says nothing of what was asked for
        normalize=made.get("normalize", True) or made.get("model") in verbatim,
        lexicon=made.get("lexicon"),
        timestamps=made.get(ASKED, ()),
    )
