"""Where a model's files are, and what they say of it before it is loaded."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voice.engines.base import ModelBroken
from voice.engines.coqui.library import torch, tts

KINDS = ("tts_models", "voice_conversion_models")
# how the names of the zoo begin
CHECKPOINTS = ("model.pth", "best_model.pth", "model_file.pth", "checkpoint.pth", "model_file.pth.tar")
UNSAFE = ("bark", "tortoise")
# models whose files are unpickled without a limit to what that may run
CONVERTERS = ("freevc", "knnvc", "openvoice")
SPEAKER_FILES = ("speakers_xtts.pth", "speakers.pth", "speaker_ids.pth", "speakers.json", "speaker_ids.json")
ANY_LANGUAGE = "mul"
XTTS_RATE = 24_000
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, OSError, EOFError, RuntimeError, pickle.UnpicklingError)
# what comes of files that are not what they are taken for; torch has RuntimeError and EOFError for those that are torn


@dataclass(frozen=True, slots=True)
class Description:
    """What a model is, by its configuration."""

    kind: str
    # Coqui's name of the architecture: "vits", "xtts", "freevc"
    folder: Path
    rate: int
    # Hz of what it makes
    languages: tuple[str, ...]
    # BCP 47 in lower case
    speakers: tuple[str, ...]
    # empty: it has one voice, or none of its own
    clones: bool
    converts: bool
    bytes: int
    # of its checkpoint, which is about what it takes in memory
    licence: str
    vocoder: Path | None = None
    # the folder of the model that turns its spectrograms to samples; None: it makes samples itself, or Griffin-Lim does

    @property
    def timed(self) -> bool:
        """Whether it tells when each word is said."""
        return self.kind == "vits"


def is_in_zoo(location: str) -> bool:
    return location.partition("/")[0] in KINDS


def manager(models: Path) -> Any:
    """Coqui's manager of its zoo, keeping what it fetches in a folder of ours."""
    return tts("TTS.utils.manage").ModelManager(output_prefix=models)


def item(location: str) -> dict[str, Any]:
    """What the zoo says of a model; ModelBroken when it has none of that name."""
    catalogue: Any = manager(Path()).models_dict
    try:
        for part in location.split("/"):
            catalogue = catalogue[part]
    except (KeyError, TypeError):
        raise ModelBroken(f"Coqui's zoo has no model '{location}'.") from None
    found: dict[str, Any] = catalogue
    return found


def pull(location: str, models: Path, *, agreed: bool) -> None:
    """Fetch a model of the zoo. ModelBroken when its licence is to be agreed to first."""
    about = item(location)
    folder = models / "tts" / location.replace("/", "--")
    if about.get("tos_required"):
        if not agreed:
            raise ModelBroken(f"'{location}' is under the licence {about.get('license')}, which is to be agreed to: --agree")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tos_agreed.txt").write_text("The operator agreed to the licence.")
    manager(models).download_model(location)
    if about.get("default_vocoder"):
        manager(models).download_model(about["default_vocoder"])


def locate(location: str, models: Path) -> Path:
    """The folder of a model's files; ModelBroken when they are not on this machine."""
    if not is_in_zoo(location):
        folder = Path(location)
    elif repository := item(location).get("repo_id"):
        hub = tts("huggingface_hub")
        try:
            snapshot = Path(hub.snapshot_download(repository, local_files_only=True))
        except (hub.errors.LocalEntryNotFoundError, ValueError):
            raise _missing(location) from None
        folder = min((path.parent for path in snapshot.rglob("config.json")), key=lambda path: len(path.parts), default=snapshot)
    else:
        folder = models / "tts" / location.replace("/", "--")
    if not (folder / "config.json").is_file():
        raise _missing(location)
    return folder


def _missing(location: str) -> ModelBroken:
    what = "Fetch it with `manage.py models pull`." if is_in_zoo(location) else "Put the folder there, with config.json and the checkpoint."
    return ModelBroken(f"'{location}' is not on this machine: no config.json. {what}")


def vocoder(location: str, folder: Path, models: Path) -> Path | None:
    """The folder of a model's vocoder: `vocoder` in its own, or for one of the zoo what that says."""
    own = folder / "vocoder"
    if (own / "config.json").is_file():
        return own
    named = item(location).get("default_vocoder") if is_in_zoo(location) else None
    if not named:
        return None
    folder = models / "tts" / named.replace("/", "--")
    if not (folder / "config.json").is_file():
        raise _missing(named)
    return folder


def checkpoint(folder: Path) -> Path:
    for name in CHECKPOINTS:
        if (folder / name).is_file():
            return folder / name
    others = [path for path in folder.glob("*.pt*") if path.name not in SPEAKER_FILES]
    if len(others) == 1:
        return others[0]
    raise ModelBroken(f"{folder} has none of {', '.join(CHECKPOINTS)}.")


def describe(location: str, models: Path) -> Description:
    """Read a model's configuration, not its weights. ModelBroken when that can't be done or the model is none for us."""
    try:
        return _described(location, locate(location, models), models)
    except UNREADABLE as error:
        raise ModelBroken(f"What '{location}' says of itself can't be read: {error!r}") from error


def _described(location: str, folder: Path, models: Path) -> Description:
    config = _configuration(folder)
    kind = str(config.get("model") or ("openvoice" if "openvoice" in location.lower() else ""))
    if not kind:
        raise ModelBroken(f"The config.json in {folder} names no kind of model.")
    if kind.partition("-")[0] in UNSAFE:
        raise ModelBroken(f"A model of the kind '{kind}' is not offered: its files may run code when they are loaded.")
    sounding = vocoder(location, folder, models)
    if kind == "knnvc" and sounding is None:
        raise ModelBroken(f"{folder} has no folder 'vocoder': kNN-VC makes no samples without one.")
    return Description(
        kind=kind,
        folder=folder,
        rate=_rate(config if sounding is None else _configuration(sounding)),
        languages=_languages(config, location),
        speakers=_speakers(folder, config),
        clones=kind == "xtts",
        converts=kind in CONVERTERS,
        bytes=sum(checkpoint(part).stat().st_size for part in (None if kind == "knnvc" else folder, sounding) if part is not None),
        licence=str(item(location).get("license", "")) if is_in_zoo(location) else "",
        vocoder=sounding,
    )


def _configuration(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return read


def _rate(config: dict[str, Any]) -> int:
    audio = config.get("audio") or config.get("data") or {}
    return int(audio.get("output_sample_rate") or audio.get("sample_rate") or audio.get("sampling_rate") or XTTS_RATE)


def _languages(config: dict[str, Any], location: str) -> tuple[str, ...]:
    """Those that it names; else that of its place in the zoo, of its phonemes, or any."""
    named = config.get("languages") or [entry.get("language") for entry in config.get("datasets") or []]
    named = [str(language) for language in named if language]
    if not named and is_in_zoo(location):
        named = [location.split("/")[1]]
    if not named and config.get("phoneme_language"):
        named = [str(config["phoneme_language"])]
    known = dict.fromkeys(language.lower().replace("_", "-") for language in named if language != "multilingual")
    return tuple(known) or (ANY_LANGUAGE,)


def _speakers(folder: Path, config: dict[str, Any]) -> tuple[str, ...]:
    arguments = config.get("model_args") or {}
    if config.get("model") != "xtts" and not (arguments.get("use_speaker_embedding") or arguments.get("use_d_vector_file")):
        return ()
    for name in SPEAKER_FILES:
        path = folder / name
        if path.is_file():
            known = json.loads(path.read_text()) if path.suffix == ".json" else torch().load(path, weights_only=True)
            return tuple(sorted(known))
    return ()
