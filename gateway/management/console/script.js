// Opens the document that a link leads into, and keeps an open page up to date. Without it everything can be read and
// done; the page is as old as its last load.
"use strict";

(() => {
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const details = target && target.closest("details");
    if (details && !details.open) { details.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
})();

(() => {
  const page = document.querySelector("[data-live-page]");
  const control = document.getElementById("live-control");
  if (!page || !control || !("EventSource" in window)) return;

  let stream = null;
  let paused = false;
  const button = document.createElement("button");
  button.type = "button";
  const spoken = document.createElement("span");
  spoken.className = "hidden";
  spoken.setAttribute("role", "status");
  control.append(button, spoken);

  const headline = () => document.querySelector("#headline > p")?.textContent ?? "";
  let said = headline();

  const reading = (part) => {
    const selection = document.getSelection();
    const inside = (node) => node && part.contains(node);
    const field = document.activeElement?.matches("input, select, textarea") && inside(document.activeElement);
    return field || (selection && !selection.isCollapsed && (inside(selection.anchorNode) || inside(selection.focusNode)));
  };

  const focusable = "a[href], button, summary";
  const swap = (old, fresh) => {
    old.querySelectorAll("details").forEach((details, index) => {
      const twin = fresh.querySelectorAll("details")[index];
      if (twin) twin.open = details.open;
    });
    const place = [...old.querySelectorAll(focusable)].indexOf(document.activeElement);
    old.replaceWith(fresh);
    if (place >= 0) fresh.querySelectorAll(focusable)[place]?.focus({ preventScroll: true });
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of fresh.querySelectorAll("[data-live][id]")) {
      const old = document.getElementById(part.id);
      if (old && old.outerHTML !== part.outerHTML && !reading(old)) swap(old, document.adoptNode(part));
    }
    if (headline() !== said) spoken.textContent = said = headline();
  };

  const follow = () => {
    const wanted = !paused && !document.hidden;
    button.textContent = paused ? "Resume live updates" : "Pause live updates";
    if (wanted && !stream) {
      stream = new EventSource("/console/live?page=" + encodeURIComponent(location.pathname + location.search));
      stream.onmessage = (event) => show(JSON.parse(event.data));
    } else if (!wanted && stream) {
      stream.close();
      stream = null;
    }
  };

  button.addEventListener("click", () => { paused = !paused; follow(); });
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => { stream?.close(); stream = null; });
  addEventListener("pageshow", follow);
  follow();
})();
