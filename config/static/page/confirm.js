// A question before what can't be undone.

import { find } from "./view.js";

export function confirmed(question, { text = "", act = "Delete" } = {}) {
  const dialog = find("confirm");
  find("confirm-title").textContent = question;
  find("confirm-text").textContent = text;
  find("confirm-yes").textContent = act;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
