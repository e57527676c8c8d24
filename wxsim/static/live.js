"use strict";
(() => {
  const live = document.getElementById("live");
  const toast = document.getElementById("toast");
  let shown = "";
  let quiet = 0;

  function say(text) {
    toast.textContent = text;
    toast.classList.add("shown");
    clearTimeout(quiet);
    quiet = setTimeout(() => toast.classList.remove("shown"), 4000);
  }

  async function refresh() {
    if (document.hidden || (getSelection() && String(getSelection()))) return;
    try {
      const answer = await fetch("/_sim/fragment", { cache: "no-store" });
      const html = await answer.text();
      if (!answer.ok || html === shown) return;
      const focused = document.activeElement && document.activeElement.dataset.key;
      live.innerHTML = shown = html;
      if (focused) {
        const again = live.querySelector(`[data-key="${CSS.escape(focused)}"]`);
        if (again) again.focus();
      }
    } catch {
      say("模拟器没有应答 · The simulator does not answer");
    }
  }

  live.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-url]");
    if (!button) return;
    if (button.dataset.ask && !confirm(button.dataset.ask)) return;
    button.disabled = true;
    try {
      const answer = await fetch(button.dataset.url, {
        method: button.dataset.method || "POST",
        headers: { "Content-Type": "application/json" },
        body: button.dataset.method === "DELETE" ? undefined : button.dataset.body || "{}",
      });
      const data = await answer.json();
      say(answer.ok ? button.dataset.done || "好了 · Done" : data.error.message);
    } catch (error) {
      say(String(error));
    }
    button.disabled = false;
    refresh();
  });

  setInterval(refresh, 2000);
})();
