// Keys of the page on which consents are reviewed. Whoever types or plays with a control is left alone.

const actions = {
  p: () => {
    const recording = document.querySelector("audio");
    if (recording) recording.paused ? recording.play() : recording.pause();
  },
  a: () => document.querySelector("#approve")?.requestSubmit(),
  r: () => document.querySelector("#why")?.focus(),
  n: () => document.querySelector("#next")?.click(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, audio, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});
