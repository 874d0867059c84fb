// Streamed speech on Android: what is said of a text is heard while it is made. Call it from Dispatchers.IO.
import android.media.AudioAttributes
import android.media.AudioFormat
import android.media.AudioTrack
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL
import org.json.JSONObject

class Speech(private val url: String, private val key: String) {
    fun say(text: String, voice: String = "alloy") {
        val wanted = JSONObject(mapOf("model" to "tts-1", "voice" to voice, "input" to text, "response_format" to "pcm"))
        val connection = URL("$url/v1/audio/speech").openConnection() as HttpURLConnection
        connection.requestMethod = "POST"
        connection.doOutput = true
        connection.setRequestProperty("Authorization", "Bearer $key")
        connection.setRequestProperty("Content-Type", "application/json")
        connection.outputStream.use { it.write(wanted.toString().toByteArray()) }
        if (connection.responseCode != HttpURLConnection.HTTP_OK) {
            // {"error": {"message", "type", "param", "code"}}
            throw IOException(connection.errorStream.bufferedReader().readText())
        }
        val track = player()
        track.play()
        try {
            connection.inputStream.use { sound ->
                val block = ByteArray(BLOCK)
                while (true) {
                    val read = sound.fill(block)
                    if (read == 0) break
                    // waits while the player has enough, and so the service waits too
                    track.write(block, 0, read)
                }
            }
            track.stop()
        } finally {
            connection.disconnect()
            track.release()
        }
    }

    // whole blocks, so that no sample is cut in two
    private fun java.io.InputStream.fill(block: ByteArray): Int {
        var filled = 0
        while (filled < block.size) {
            val read = read(block, filled, block.size - filled)
            if (read < 0) break
            filled += read
        }
        return filled
    }

    private fun player(): AudioTrack = AudioTrack.Builder()
        .setAudioAttributes(AudioAttributes.Builder().setUsage(AudioAttributes.USAGE_MEDIA).build())
        .setAudioFormat(
            AudioFormat.Builder()
                .setEncoding(AudioFormat.ENCODING_PCM_16BIT)
                .setSampleRate(RATE)
                .setChannelMask(AudioFormat.CHANNEL_OUT_MONO)
                .build()
        )
        .setBufferSizeInBytes(RATE)
        .build()

    private companion object {
        const val RATE = 24_000
        const val BLOCK = 4_800
    }
}
