// Small things that every room does with what is on the page.

export const find = (id) => document.getElementById(id);

// Say what went wrong there; with no text, that nothing has.
export function failed(place, text) {
  const line = find(place);
  line.textContent = text;
  line.hidden = !text;
}
