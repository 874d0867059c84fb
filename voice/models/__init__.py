"""What can be asked to speak, and whose voices there are."""

from voice.models.catalogue import ANY_LANGUAGE, Model, ModelAlias, Task, Voice, VoiceAlias, widened
from voice.models.custom import Consent, ConsentState, Sample

__all__ = ["ANY_LANGUAGE", "Consent", "ConsentState", "Model", "ModelAlias", "Sample", "Task", "Voice", "VoiceAlias", "widened"]
