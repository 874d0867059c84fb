"""What can be asked to speak, and whose voices there are."""

from voice.models.catalogue import ANY_LANGUAGE, Model, ModelAlias, Task, Voice, VoiceAlias, widened

__all__ = ["ANY_LANGUAGE", "Model", "ModelAlias", "Task", "Voice", "VoiceAlias", "widened"]
