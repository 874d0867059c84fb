from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import CommandError
from pydantic import ValidationError

from accounts.models import Deed
from accounts.replays import Asked
from accounts.terminal import person, plain, verb
from jobs.job_commands import JobCommand
from jobs.models import Job, Worker
from voice.briefs import JobUpload, uploaded
from voice.services import request_brief

NOBODY = Asked(fingerprint="", key=None, attempt=None)
# will ask for it again
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")


class Command(JobCommand):
    examples = ("submit texts.csv --user anna --voice alloy --watch", *JobCommand.examples)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        submit = verb(self.verbs, "submit", self._submit, "have many texts spoken, each a line of CSV or of JSON Lines")
        submit.add_argument("file", type=Path, help=".csv with a heading of input, ref, voice, language, …, or .jsonl")
        submit.add_argument("--user", required=True, help="whose job it is, and who is charged")
        submit.add_argument("--voice", help="of the items that name none")
        submit.add_argument("--model", help="default tts-1")
        submit.add_argument("--format", choices=FORMATS, dest="response_format", help="default mp3")
        submit.add_argument("--language")
        submit.add_argument("--speed")
        submit.add_argument("--name", help="of the job")
        submit.add_argument("--priority", help="0 to 9, among the jobs of this user")
        submit.add_argument("--fresh", action="store_true", help="make anew what is stored already")
        submit.add_argument("--watch", action="store_true", help="until the job is over")

    def _submit(self, *, file: Path, user: str, fresh: bool, watch: bool, **options: Any) -> None:
        owner = person(user)
        asked = {name: value for name, value in options.items() if name in JobUpload.model_fields and value is not None}
        try:
            brief = JobUpload.model_validate(asked)
            with file.open("rb") as lines:
                items = uploaded(UploadedFile(File(lines), name=file.name))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise CommandError(f"--{first['loc'][0]}: {first['msg']}.") from None
        except OSError as error:
            raise CommandError(f"{plain(str(file))}: {error.strerror}.") from None
        done = request_brief(owner=owner, api_key=None, asked=NOBODY, fresh=fresh, read=lambda: (brief, items))
        job = Job.objects.select_related("owner").get(pk=done.subject)
        self.note(Deed.ADDED, [job], f"for {owner}")
        self.handed_over(job)
        self.say(f"{job}: {job.total} items are queued.")
        if not Worker.objects.alive().exists():
            self.stderr.write("No worker is running: they wait until `manage.py serve` or `manage.py work` is.")
        if watch:
            self.watch([job])
