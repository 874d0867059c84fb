"""What can be asked to speak, whose voices there are, how words are said, and the conversations that are held."""

from voice.models.catalogue import ANY_LANGUAGE, Meant, Model, ModelAlias, Task, Voice, VoiceAlias, widened
from voice.models.custom import Consent, ConsentState, Sample
from voice.models.lexicon import Lexicon, LexiconVersion
from voice.models.live import LiveSession, SessionState

__all__ = [
    "ANY_LANGUAGE",
    "Consent",
    "ConsentState",
    "Lexicon",
    "LexiconVersion",
    "LiveSession",
    "Meant",
    "Model",
    "ModelAlias",
    "Sample",
    "SessionState",
    "Task",
    "Voice",
    "VoiceAlias",
    "widened",
]
