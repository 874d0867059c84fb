// Signing in, at first and when a session has ended, and signing out.

import { ask } from "./service.js";
import { forget, isOwn, isSignedIn, onEnd, signIn, signOut, useKey } from "./session.js";
import { attempt, failed, find } from "./view.js";

let user = "";
// whose the page's contents are

// `entered` is called when somebody is signed in, with whether it is another than before; `left`, when nobody is any more.
export async function openDoor({ entered, left }) {
  const enter = async (isBack) => {
    const me = await ask("/v1/me");
    const isOther = user !== me.id;
    if (isOther && user) left();
    user = me.id;
    await entered(isOther);
    find("name").textContent = me.username;
    for (const id of ["door", "door-ended"]) find(id).hidden = true;
    for (const id of ["rooms", "who", "nav"]) find(id).hidden = false;
    if (!isBack) find("main").focus();
  };
  const submit = (form, fault, act) =>
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(fault, event.submitter, async () => {
        try {
          await act();
          await enter(false);
        } catch (refused) {
          forget();
          throw refused;
        }
        form.reset();
      });
    });
  submit(find("enter"), "enter-fault", () => signIn(find("username").value, find("password").value));
  submit(find("enter-key"), "key-fault", () => useKey(find("key").value.trim()));
  find("leave").addEventListener("click", async () => {
    left();
    user = "";
    close();
    await signOut();
  });
  onEnd(() => {
    close();
    find("door-ended").hidden = !user;
  });
  const isCopy = !(await isOwn());
  if (isCopy) forget();
  if (!isSignedIn()) {
    close();
    if (isCopy) failed("enter-fault", "Another tab is signed in with this. Sign in here too.");
    return;
  }
  await enter(true).catch((fault) => {
    close();
    failed("enter-fault", fault.code === "expired" ? "Your session has ended. Sign in again." : fault.message);
  });
}

function close() {
  for (const id of ["rooms", "who", "nav"]) find(id).hidden = true;
  for (const id of ["enter-fault", "key-fault"]) failed(id, "");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  find("door-ended").hidden = true;
  find("door").hidden = false;
  find("username").focus();
}
