// Who is signed in: by a password, which is changed for two tokens, or by an API key.
//
// The access token is kept in this page's memory only. What must outlive a reload, the refresh token or the key, is in the tab's own
// storage: it goes with the tab. A tab that is duplicated takes a copy along, and a refresh token that both used would end the sign-in of
// both: each sign-in has a lock, which the first page holds.

import { AWAY, worded } from "./faults.js";

const PLACE = "voice-session";
const HELD_FOR = 1_000;
// milliseconds that a page which is being reloaded may still hold the lock
const TOLD = new EventTarget();
let access = "";
let renewing = null;

export class Refused extends Error {
  constructor(message, { status = 0, code = "" } = {}) {
    super(message);
    this.status = status;
    // of the answer; 0: there was none
    this.code = code;
  }
}

const kept = () => JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
const keep = (what) => sessionStorage.setItem(PLACE, JSON.stringify(what));

export const isSignedIn = () => Boolean(kept().key || kept().refresh);

// Whether the sign-in is this page's own, and not a copy of one that another tab goes on with.
export async function isOwn() {
  const { refresh, lock } = kept();
  return !refresh || !lock || held(lock);
}

// Told when the session ended by itself.
export const onEnd = (act) => TOLD.addEventListener("end", act);

export async function useKey(key) {
  if (!/^[\x21-\x7e]+$/.test(key)) throw new Refused("That is not an API key: copy all of it, without spaces.", { status: 401 });
  await ask("/v1/auth/verify", { token: key }).catch((fault) => {
    throw fault.status === 401 ? new Refused("This API key is not valid, or no longer.", { status: 401 }) : fault;
  });
  access = "";
  keep({ key });
}

export async function signIn(username, password) {
  take(await ask("/v1/auth/token", { username, password }));
}

export async function signOut() {
  // what is being renewed would be kept after this
  await renewing?.catch(() => {});
  const { refresh } = kept();
  forget();
  if (refresh) await ask("/v1/auth/logout", { refresh }).catch(() => {});
}

// A token to call with.
export async function bearer() {
  const { key, refresh } = kept();
  if (key) return key;
  if (!access && refresh) await renew("");
  return access;
}

// A token other than this one, which is refused; the session is over where there is none.
export async function renew(refused) {
  const { refresh } = kept();
  if (refresh && access !== refused) return;
  if (!refresh) return end();
  renewing ??= ask("/v1/auth/refresh", { refresh })
    .then(take, (fault) => {
      if (fault.status === 401) return end();
      throw fault;
    })
    .finally(() => (renewing = null));
  await renewing;
}

export function forget() {
  access = "";
  sessionStorage.removeItem(PLACE);
}

function take(pair) {
  access = pair.access;
  keep({ refresh: pair.refresh, lock: kept().lock ?? newLock() });
}

// Only pages over HTTPS, and those of this machine itself, have locks.
function newLock() {
  if (!navigator.locks) return "";
  const lock = crypto.randomUUID();
  held(lock);
  return lock;
}

// Hold the lock for as long as the page is there; whether it could be had.
function held(lock) {
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(`${PLACE}-${lock}`, { signal: AbortSignal.timeout(HELD_FOR) }, hold).catch(() => resolve(false));
  });
}

function end() {
  forget();
  TOLD.dispatchEvent(new Event("end"));
  throw new Refused("Your session has ended. Sign in again: what you typed is still here.", { status: 401, code: "expired" });
}

async function ask(path, json) {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(json), cache: "no-store" };
  const response = await fetch(path, request).catch(() => {
    throw new Refused(AWAY);
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export async function refusal(response) {
  const { error = {} } = await response.json().catch(() => ({}));
  const [wait, request] = [response.headers.get("Retry-After"), response.headers.get("x-request-id")];
  return new Refused(worded(error, { status: response.status, wait, request }), { status: response.status, code: error.code });
}
