// Small things that every panel does with what is on the page.

export const find = (id) => document.getElementById(id);

// An element with properties (`data` and `aria` by their own names) and children.
export function make(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// Say what went wrong there; with no text, that nothing has.
export function failed(place, text) {
  const line = find(place);
  line.textContent = text;
  line.hidden = !text;
}

// Do it once at a time, with the button that asked for it out of use; a fault is told where it belongs. Whether it was done.
export async function attempt(place, button, act) {
  failed(place, "");
  if (button) button.disabled = true;
  try {
    await act();
    return true;
  } catch (fault) {
    if (fault.name !== "AbortError") failed(place, fault.message);
    return false;
  } finally {
    if (button) button.disabled = false;
  }
}

export function moment(seconds) {
  const date = new Date(seconds * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString("en", isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

// A word with a colour, and never by the colour alone.
export const badge = (state) => make("span", { className: "badge", data: { state }, textContent: state });
