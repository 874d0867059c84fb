"""What came of the work, and where its bytes are."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import add
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import LessThan
from django.utils import timezone

from accounts.models import Owned, User
from jobs.models.work import FALLBACK, Item, Job

READING_TIME = timedelta(minutes=5)
WRITING_TIME = timedelta(hours=1)
# far longer than writing a file takes: whoever needs more is taken for dead


BEGIN = """
INSERT INTO jobs_blob (name, owner_id, bytes, sha256, writers, writing_until) VALUES (%s, %s, %s, %s, 1, {until})
ON CONFLICT (name) DO UPDATE SET
    bytes = excluded.bytes,
    writers = CASE WHEN jobs_blob.writing_until > {now} THEN jobs_blob.writers + 1 ELSE 1 END,
    writing_until = {until}
RETURNING *
"""


class BlobRows(models.QuerySet["Blob"]):
    def unnamed(self) -> Self:
        """Those that nothing names: they are no output, no item works on them, and nothing in the rooms above keeps them."""
        return self.filter(*(~Exists(rows) for _, rows in _naming()))

    def with_names(self) -> Self:
        """Each with `named_by`: how many rows name it."""
        counts = (rows.order_by().values(name).annotate(number=Count("*")).values("number") for name, rows in _naming())
        return self.annotate(named_by=reduce(add, (Coalesce(Subquery(count), 0) for count in counts)))

    def at_rest(self) -> Self:
        """Those that nobody is writing."""
        return self.filter(Q(writers=0) | Q(writing_until__lte=Now()))

    def begin(self, blob: Blob) -> Blob:
        """The row of bytes that are about to be written, made or found. Until `written` or `given_up` nobody removes them.

        One statement makes the row or counts one more in it: between two, another could remove it. Django has none that does.
        """
        compiler = self.query.get_compiler(self.db)
        now, during = compiler.compile(Now().resolve_expression(self.query))
        until, after = compiler.compile((Now() + WRITING_TIME).resolve_expression(self.query))
        owner = User._meta.pk.get_db_prep_save(blob.owner_id, compiler.connection)
        values = [blob.name, owner, blob.bytes, blob.sha256]
        (row,) = self.raw(BEGIN.format(now=now, until=until), [*values, *after, *during, *after])
        return row


def _naming() -> list[tuple[str, QuerySet[Any]]]:
    """Of each relation to a blob, in whatever room: the name of its field, and the rows that name the blob of an outer query."""
    relations = [field.field for field in Blob._meta.get_fields(include_hidden=True) if isinstance(field, models.ManyToOneRel)]
    return [(field.name, field.model._base_manager.filter(**{field.name: OuterRef("pk")})) for field in relations]


class Blob(models.Model):
    """Bytes in the storage, named after their owner and what they are. Any number of the owner's rows may name the same bytes.

    Whoever writes the file has said so in the row before, in a transaction of its own: an upload may take longer than one may be open.
    Whoever removes it holds the row's lock, and has found nobody writing. So neither is done to a file that the other means to keep.
    """

    name = models.CharField(primary_key=True, max_length=200)
    # in the storage
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    kept_at = models.DateTimeField(null=True, editable=False)
    # when it was last written; none: not yet
    writers = models.PositiveSmallIntegerField(default=0, editable=False)
    # that write the file now
    writing_until = models.DateTimeField(null=True, editable=False)
    # when they are taken for dead
    named_by: int
    # where BlobRows.with_names counted

    objects = BlobRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "bytes"], name="blob_sizes")]

    def __str__(self) -> str:
        return self.name

    def written(self) -> bool:
        """All of the file is there; False when that took so long that another may have removed it meanwhile."""
        return self._mine().update(writers=F("writers") - 1, kept_at=Now()) == 1

    @transaction.atomic
    def given_up(self) -> None:
        """The file could not be written: the row goes if there was none, and nobody else is at it."""
        if self._mine().update(writers=F("writers") - 1):
            Blob.objects.filter(pk=self.pk, writers=0, kept_at=None).delete()

    def _mine(self) -> BlobRows:
        """The row, while it counts the one who has this instance from `begin`: the time of all that it counts ends no sooner."""
        return Blob.objects.filter(LessThan(Now(), self.writing_until), pk=self.pk)


class OutputRows(Owned):
    def lasting(self) -> Self:
        """Those that will be there for whoever starts to read them now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now() + READING_TIME))

    def expired(self) -> Self:
        return self.filter(expires_at__lte=Now(), legal_hold=False)

    def listed(self) -> Self:
        """Those that their owner asked for."""
        return self.filter(job__listed=True)


class Output(models.Model):
    id = models.CharField(primary_key=True, max_length=40, editable=False)
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="output")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="outputs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    attempt = models.PositiveSmallIntegerField()
    # the one that made it
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="outputs")
    timestamps = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False)
    # JSON of when what is said in it begins and ends; none where nobody asked
    format = models.CharField(max_length=16)
    media_type = models.CharField(max_length=64)
    seconds = models.FloatField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    reuse_key = models.CharField(max_length=64, blank=True)
    # its item's; empty: nobody else is given it
    expires_at = models.DateTimeField(null=True, blank=True)
    # when it is removed; empty: when it is deleted
    legal_hold = models.BooleanField(default=False)
    # removed by nobody
    configuration = models.JSONField(default=dict)
    # what made it, resolved: engine, model, voice and every option; and what was found on the way
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OutputRows.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-id"], name="output_of_owner"),
            models.Index(fields=["owner", "reuse_key"], condition=~Q(reuse_key=""), name="output_reusable"),
            models.Index(F("expires_at"), condition=Q(expires_at__isnull=False), name="output_expiring"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def filename(self) -> str:
        return f"{self.id}.{self.format}"

    @property
    def blobs(self) -> list[str]:
        """The names of what it keeps in the storage."""
        return [name for name in (self.blob_id, self.timestamps_id) if name is not None]

    @classmethod
    def of(
        cls,
        item: Item,
        *,
        blob: Blob,
        attempt: int,
        seconds: float,
        timestamps: Blob | None = None,
        findings: dict[str, Any] | None = None,
    ) -> Output:
        """An item's output, unsaved. `findings` are added to its configuration."""
        return cls(
            id=item.output_id,
            item=item,
            job_id=item.job_id,
            owner_id=item.owner_id,
            attempt=attempt,
            blob=blob,
            timestamps=timestamps,
            format=item.format,
            media_type=item.media_type,
            seconds=seconds,
            bytes=blob.bytes,
            sha256=blob.sha256,
            reuse_key="" if FALLBACK in item.options else item.reuse_key,
            expires_at=None if item.expires_after is None else timezone.now() + timedelta(seconds=item.expires_after),
            configuration={**item.options, **(findings or {})},
        )
