// The box beside each panel with the call that it makes.

import { curl, python } from "./code.js";
import { find, make } from "./view.js";

const WRITERS = { curl, Python: python };
const BESIDE = "(min-width: 60rem)";
// on narrower screens it is folded
const COPIED = 2_000;
// milliseconds that "Copied" stands
let language = "curl";
const boxes = [];

// `described()` is the call as the panel stands: an object, or the two texts themselves, { curl, Python }.
export function showCode(panel, described) {
  const box = find(panel).querySelector(".code");
  box.append(find("code-template").content.cloneNode(true));
  box.querySelector("details").open = matchMedia(BESIDE).matches;
  const text = box.querySelector("code");
  const tabs = [...box.querySelectorAll("[data-language]")];
  const write = () => {
    const call = described();
    text.textContent = call[language] ?? WRITERS[language](call);
    for (const tab of tabs) tab.setAttribute("aria-pressed", tab.dataset.language === language);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      language = tab.dataset.language;
      rewrite();
    });
  }
  box.querySelector(".copy").addEventListener("click", ({ currentTarget }) => copy(text.textContent, currentTarget));
  find(panel).addEventListener("input", write);
  find(panel).addEventListener("change", write);
  boxes.push(write);
  write();
  return write;
}

export function rewrite() {
  for (const write of boxes) write();
}

export async function copy(text, button) {
  const told = button.querySelector("span") ?? button;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // browsers give the clipboard to pages over HTTPS only
    const field = make("textarea", { value: text, className: "unseen" });
    (button.closest("dialog") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  told.textContent = "Copied";
  setTimeout(() => (told.textContent = "Copy"), COPIED);
}
