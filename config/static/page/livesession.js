// What the page asks of a live session, and why one ends.

const SECRET_SECONDS = 60;
// to begin the session in; it may last longer
export const FINAL = {
  1000: "The service ended the conversation.",
  1003: "The service did not understand this page.",
  1008: "The service ended the conversation.",
  1009: "The service did not understand this page.",
  4401: "The key is not valid any more.",
  4403: "The key may not talk.",
  4404: "The conversation is over: the connection was away for too long.",
  4429: "Too many conversations are open. Hang up another one first.",
};
// why a socket ended for good, by its code; after any other the session may be taken up again

// What a session of the page begins with.
export function wanted(voice, turns) {
  const input = { transcription: { model: "whisper-1" }, turn_detection: turns === "none" ? null : { type: turns } };
  const session = { type: "realtime", audio: { input, output: { voice } } };
  return { expires_after: { anchor: "created_at", seconds: SECRET_SECONDS }, session };
}
