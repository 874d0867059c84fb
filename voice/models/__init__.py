"""What can be asked to speak, whose voices there are, and how words are said."""

from voice.models.catalogue import ANY_LANGUAGE, Meant, Model, ModelAlias, Task, Voice, VoiceAlias, widened
from voice.models.custom import Consent, ConsentState, Sample
from voice.models.lexicon import Lexicon, LexiconVersion

__all__ = [
    "ANY_LANGUAGE",
    "Consent",
    "ConsentState",
    "Lexicon",
    "LexiconVersion",
    "Meant",
    "Model",
    "ModelAlias",
    "Sample",
    "Task",
    "Voice",
    "VoiceAlias",
    "widened",
]
