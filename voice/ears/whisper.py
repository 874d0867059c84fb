class Whisper:
    name = "whisper"
