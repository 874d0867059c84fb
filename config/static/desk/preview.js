// Lets a voice say a sentence on its page: asks for it, and plays it while it is made.

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("#preview");
  if (!form) return;
  event.preventDefault();
  const said = form.querySelector("[role=status]");
  const audio = form.querySelector("audio");
  said.textContent = "Asking a worker…";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error?.message ?? `The answer was ${answer.status}.`);
    audio.hidden = false;
    audio.onplaying = () => (said.textContent = "Speaking.");
    audio.onended = () => (said.textContent = "That was it.");
    audio.onerror = () => (said.textContent = `It could not be made: see the item ${told.item}.`);
    audio.src = told.url;
    await audio.play();
  } catch (fault) {
    said.textContent = fault.message;
  }
});
