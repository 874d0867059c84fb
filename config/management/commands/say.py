from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import CommandError
from pydantic import ValidationError

from accounts.models import User
from accounts.replays import Asked
from accounts.terminal import TerminalCommand, number, person, plain
from config.working import start_worker
from jobs import services
from jobs.dealing import leave_to_a_sweep
from jobs.following import follow
from jobs.models import Item, Worker
from voice.audio.formats import FORMATS
from voice.requests import SpeechRequest
from voice.services import request_speech

NOBODY = Asked(fingerprint="", key=None, attempt=None)
# will ask for it again
SUFFIXES = {**{f".{name}": name for name in FORMATS}, ".ogg": "opus", ".m4a": "aac"}
PIPE = "-"
STOP_MS = 10_000
PATIENCE = 600
# seconds
LISTENED_TO = {"live", "neural"}
# queues of what somebody waits for: a worker of our own leaves the others alone
BATCH = "batch"
# a queue that every server without Redis reads


class Command(TerminalCommand):
    help = (
        "Speak a text into a file, as a request would: the job is written down, a worker makes it, its user is charged. Where nothing is "
        "running and there is no Redis, a worker is started for it in this process."
    )
    examples = (
        'say "Hello from my own machine." -o hello.mp3',
        'say "Guten Tag." --voice espeak-de -o - --format wav | aplay',
        "say --file chapter.txt --voice vctk/p225 --speed 1.1 -o chapter.opus",
        "fortune | manage.py say -o fortune.mp3",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("text", nargs="?", help="left out, or -: read from standard input")
        what.add_argument("--file", type=Path, help="read the text from a file, UTF-8")
        parser.add_argument("-o", "--output", required=True, help="a file, whose suffix tells the format; - for a pipe")
        parser.add_argument("--voice", default="alloy", help="default alloy; `manage.py voices list` shows all")
        parser.add_argument("--model", default="tts-1")
        parser.add_argument("--language", help="BCP 47, such as pt-br; default: the voice's own")
        parser.add_argument("--speed", type=float, default=1.0, help="0.25 to 4")
        parser.add_argument("--format", choices=list(FORMATS), help="default: as the suffix says, else mp3")
        parser.add_argument("--user", help="whose job it is, and who is charged; default: the first superuser")
        parser.add_argument("--timeout", type=number, default=PATIENCE, help=f"seconds that it may take; default {PATIENCE}")
        parser.add_argument("--fresh", action="store_true", help="make it anew even if it is stored already")

    def handle(self, *_args: Any, text: str | None, file: Path | None, output: str, user: str | None, fresh: bool, **options: Any) -> None:
        if output == PIPE and sys.stdout.isatty():
            raise CommandError("Sound is nothing for a terminal: name a file with -o, or send it through a pipe.", returncode=2)
        form = options["format"] or SUFFIXES.get(Path(output).suffix.lower(), "mp3")
        asked = {name: options[name] for name in ("voice", "model", "language", "speed")}
        try:
            speech = SpeechRequest.model_validate({**asked, "input": _read(text, file), "response_format": form})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise CommandError(f"--{first['loc'][0]}: {first['msg']}.", returncode=2) from None
        owner = person(user) if user else _somebody()
        with self._made_here(), _target(output) as target:
            item, _ = request_speech(owner=owner, api_key=None, speech=speech, streamed=form != "wav", fresh=fresh, asked=NOBODY)
            if settings.EMBEDDED and not self._alone:
                leave_to_a_sweep(item.job)
            try:
                written = asyncio.run(self._received(item, target, within=options["timeout"]))
            except BaseException as end:
                # whoever reads the pipe, or sits here, wants no more of it
                services.leave(item=Item.objects.get(pk=item.pk))
                if isinstance(end, TimeoutError):
                    raise CommandError(
                        f"It was not made within {options['timeout']} s. `manage.py doctor` says what may be wrong."
                    ) from None
                raise
        if output != PIPE:
            self.say(f"{output}: {written} bytes of {form}, {item.job_id}")

    @contextmanager
    def _made_here(self) -> Iterator[None]:
        """With a worker in this process, where none is elsewhere that could hear of it."""
        self._alone = settings.EMBEDDED and not Worker.objects.serve(BATCH)
        if not self._alone:
            yield
            return
        worker = start_worker(among=LISTENED_TO)
        try:
            yield
        finally:
            worker.stop(timeout=STOP_MS)

    async def _received(self, item: Item, target: IO[bytes], *, within: float) -> int:
        """Write the item's bytes as they come, and tell how many they were."""
        written = 0
        with self.progress(count=False) as bar:
            task = bar.add_task(f"{len(item.text)} characters", total=item.job.expected_bytes or None)
            async with asyncio.timeout(within):
                async for data in follow(item):
                    # to a file or a pipe of ours: nothing else waits in this loop
                    target.write(data)
                    target.flush()
                    written += len(data)
                    bar.update(task, completed=written)
            bar.update(task, total=written)
        return written


def _read(text: str | None, file: Path | None) -> str:
    try:
        if file is not None:
            return file.read_bytes().decode()
        if text is not None and text != PIPE:
            return text
        if sys.stdin.isatty():
            raise CommandError("Give a text, --file, or a pipe.", returncode=2)
        return sys.stdin.buffer.read().decode()
    except OSError as error:
        raise CommandError(f"{plain(str(file))}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError("The text is not UTF-8.") from None


def _somebody() -> User:
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined").first()
    if user is None:
        raise CommandError("There is no superuser yet: make one by `manage.py welcome`, or name a user with --user.")
    return user


@contextmanager
def _target(output: str) -> Iterator[IO[bytes]]:
    """Where the sound goes. A file is there when all of it is."""
    path = Path(output)
    try:
        if output == PIPE:
            yield sys.stdout.buffer
        elif path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
        else:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
                try:
                    yield part
                except BaseException:
                    Path(part.name).unlink()
                    raise
            Path(part.name).chmod(0o666 & ~_umask())
            Path(part.name).replace(path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{plain(output)}: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
