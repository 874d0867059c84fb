// What refusals mean to whoever reads the page, and what he can do.

const WORDS = {
  insufficient_quota: () => "Your quota for this period is used up. “Usage” says when the next one begins; an administrator can raise it.",
  voice_not_found: () => "This voice is not there any more. Choose another one.",
  invalid_api_key: () => "You are not signed in any more. Sign in again.",
  insufficient_scope: ({ message }) => `${message} Sign in with your password, or with a key that may do it.`,
  rate_limit_exceeded: (_, wait) => `That was too often. Try again in ${wait ? `${wait} seconds` : "a minute"}.`,
  overloaded: () => "The service is busy. Try again in a few seconds.",
  service_unavailable: () => "A part of the service is not reachable. Try again in a few seconds.",
  cloning_unavailable: () => "No model that clones voices is installed here. An administrator can add one.",
  conversion_unavailable: () => "No model that converts recordings is installed here. An administrator can add one.",
  voice_has_no_samples: () => "This voice was never recorded, so nothing can be made to sound like it. Choose one of your own.",
};
export const AWAY = "The service can't be reached. Check your connection; what you typed is still here.";

export function worded(error, { status, wait, request }) {
  const words = WORDS[error.code]?.(error, wait) ?? error.message ?? `The service answered with status ${status}.`;
  return status >= 500 && request ? `${words} (${request})` : words;
}
