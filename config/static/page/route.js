// Which panel is open and how it stands, in the address behind the `#`: a reload, a bookmark and the back button find it again.

const USUAL = "speak";
const states = new Map();
// of each panel, the last that it was in

export function here() {
  const [panel, query = ""] = location.hash.slice(1).split("?");
  return { panel: panel || USUAL, state: Object.fromEntries(new URLSearchParams(query)) };
}

// Note how a panel stands. What is empty is left out.
export function note(panel, changes) {
  const state = { ...(states.get(panel) ?? {}), ...changes };
  for (const name of Object.keys(state)) if (state[name] === "" || state[name] === undefined) delete state[name];
  states.set(panel, state);
  if (here().panel === panel) history.replaceState(null, "", address(panel));
}

export function noted(panel) {
  return states.get(panel) ?? {};
}

export function address(panel) {
  const query = new URLSearchParams(states.get(panel)).toString();
  return `#${panel}${query ? `?${query}` : ""}`;
}

export function forgetStates() {
  states.clear();
  history.replaceState(null, "", location.pathname);
}

// Keep the form's fields that are marked `data-keep` in the address, and fill them from it.
export function keepForm(panel, form) {
  const fields = [...form.querySelectorAll("[data-keep]")];
  const initial = new Map(fields.map((field) => [field, field.value]));
  form.addEventListener("change", ({ target }) => {
    if (target.dataset.keep) note(panel, { [target.dataset.keep]: target.value === initial.get(target) ? "" : target.value });
  });
  return (state) => {
    for (const field of fields) {
      const wanted = state[field.dataset.keep];
      if (wanted === undefined || wanted === field.value) continue;
      field.value = wanted;
      if (field.value !== wanted) field.value = initial.get(field);
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };
}
