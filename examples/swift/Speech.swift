// Streamed speech on Apple's systems: what is said of a text is heard while it is made. No package is needed.
import AVFoundation

struct Refused: Error {
    let status: Int
    let body: String
}

final class Speech {
    private let url: URL
    private let key: String
    private let engine = AVAudioEngine()
    private let player = AVAudioPlayerNode()
    private let format = AVAudioFormat(commonFormat: .pcmFormatFloat32, sampleRate: 24_000, channels: 1, interleaved: false)!

    init(url: URL, key: String) throws {
        self.url = url
        self.key = key
        engine.attach(player)
        engine.connect(player, to: engine.mainMixerNode, format: format)
        try engine.start()
    }

    func say(_ text: String, voice: String = "alloy") async throws {
        var request = URLRequest(url: url.appendingPathComponent("v1/audio/speech"))
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = try JSONEncoder().encode(
            ["model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"])

        let (bytes, response) = try await URLSession.shared.bytes(for: request)
        let status = (response as! HTTPURLResponse).statusCode
        guard status == 200 else {
            // {"error": {"message", "type", "param", "code"}}
            throw Refused(status: status, body: try await bytes.lines.reduce(into: "") { $0 += $1 })
        }
        player.play()
        var block = [UInt8]()
        for try await byte in bytes {
            block.append(byte)
            if block.count == 4_800 {
                schedule(block)
                block.removeAll(keepingCapacity: true)
            }
        }
        schedule(block)
    }

    func stop() {
        player.stop()
    }

    // 16 bit little-endian, mono, 24 kHz
    private func schedule(_ block: [UInt8]) {
        let count = block.count / 2
        guard count > 0, let buffer = AVAudioPCMBuffer(pcmFormat: format, frameCapacity: AVAudioFrameCount(count)) else { return }
        buffer.frameLength = AVAudioFrameCount(count)
        for place in 0..<count {
            let sample = Int16(bitPattern: UInt16(block[2 * place]) | UInt16(block[2 * place + 1]) << 8)
            buffer.floatChannelData![0][place] = Float(sample) / 32_768
        }
        player.scheduleBuffer(buffer)
    }
}
