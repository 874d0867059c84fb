// The front page of the admin: its panels are asked for anew while somebody looks, and only what changed is put in.
const EVERY = 5000;

// htmx would put a <style> of its own into each page, which the pages' policy forbids; nothing here shows its indicators
htmx.config.includeIndicatorStyles = false;

function follow(desk) {
  const panels = document.getElementById("desk-panels");
  const state = document.getElementById("desk-state");
  const pause = document.getElementById("desk-pause");
  let paused = false;
  let asking = false;

  const put = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const ids = (root) => [...root.querySelectorAll("[id^=panel-]")].map((each) => each.id).join();
    if (ids(fresh) !== ids(panels)) {
      panels.replaceChildren(...fresh.body.childNodes);
      return;
    }
    for (const panel of fresh.querySelectorAll("[id^=panel-]")) {
      const shown = document.getElementById(panel.id);
      // what a reader is in, or has marked, stays as it is until he has left it
      if (shown.contains(document.activeElement) || (getSelection().type === "Range" && shown.contains(getSelection().anchorNode))) continue;
      for (const details of shown.querySelectorAll("details[open]")) panel.querySelector(`#${details.id}`)?.setAttribute("open", "");
      if (panel.outerHTML === shown.outerHTML) continue;
      const scrolled = [...shown.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
      shown.replaceWith(panel);
      panel.querySelectorAll(".scroll").forEach((each, n) => scrolled[n] && each.scrollTo(...scrolled[n]));
    }
  };

  const ask = async () => {
    if (asking || paused || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(desk.dataset.figures, { headers: { "X-Requested-With": "fetch" }, redirect: "manual" });
      if (!answer.ok) throw new Error(answer.status);
      put(await answer.text());
      state.textContent = `Live: updated every ${EVERY / 1000} seconds.`;
    } catch {
      state.textContent = "Not updated: the service does not answer, or you were signed out.";
    } finally {
      asking = false;
    }
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    if (paused) state.textContent = `Paused at ${new Date().toLocaleTimeString()}.`;
    ask();
  });
  document.addEventListener("visibilitychange", ask);
  setInterval(ask, EVERY);
  ask();
}

document.addEventListener("DOMContentLoaded", () => {
  const desk = document.getElementById("desk");
  if (desk) follow(desk);
});

// what scripts of Django's make when a page is loaded lacks names that are read aloud
function name() {
  // an icon beside lists side by side has a label, but no role that may have one
  document.querySelectorAll(".help-tooltip[aria-label]").forEach((icon) => icon.setAttribute("role", "img"));
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const label = select.labels[0]?.textContent.trim();
    const made = select.nextElementSibling?.querySelectorAll("[role=combobox], [role=textbox]") ?? [];
    if (label) made.forEach((each) => each.setAttribute("aria-label", label));
  }
}

window.addEventListener("load", () => setTimeout(name));
