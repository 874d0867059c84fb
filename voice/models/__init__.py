"""What can be asked to speak, whose voices there are, and how words are said."""

from voice.models.catalogue import ANY_LANGUAGE, Model, ModelAlias, Task, Voice, VoiceAlias, widened
from voice.models.lexicon import Lexicon, LexiconVersion

__all__ = ["ANY_LANGUAGE", "Lexicon", "LexiconVersion", "Model", "ModelAlias", "Task", "Voice", "VoiceAlias", "widened"]
