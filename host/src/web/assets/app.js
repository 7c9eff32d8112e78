// What makes pages more comfortable where scripts run. Every page is whole without it: it adds, it does not make.
"use strict";

(() => {
  const tidegate = (window.tidegate = {
    // A colour of the style sheet as the browser paints it now, for those who draw: `tidegate.colour("--accent")`.
    colour(name) {
      const probe = document.createElement("span");
      probe.style.color = `var(${name})`;
      document.body.append(probe);
      const painted = getComputedStyle(probe).color;
      probe.remove();
      return painted;
    },
  });

  const ask = (root) => {
    for (const form of root.querySelectorAll("form[data-confirm]")) {
      form.addEventListener("submit", (event) => {
        if (!window.confirm(form.dataset.confirm)) event.preventDefault();
      });
    }
    for (const field of root.querySelectorAll("form[data-at-once] select")) {
      field.addEventListener("change", () => field.form.requestSubmit());
    }
  };

  // How long ago, kept true while the page is open.
  const words = (seconds) => {
    const size = Math.abs(seconds);
    if (size < 60) return `${Math.floor(size)} s`;
    if (size < 3600) return `${Math.floor(size / 60)} min`;
    if (size < 172800) return `${Math.floor(size / 3600)} h`;
    return `${Math.floor(size / 86400)} d`;
  };
  const age = () => {
    for (const away of document.querySelectorAll("time + .away")) {
      const seconds = (Date.parse(away.previousElementSibling.dateTime) - Date.now()) / 1000;
      away.textContent = seconds >= 0 ? `in ${words(seconds)}` : `${words(seconds)} ago`;
    }
  };

  // Parts of a page that say `data-live` are asked for again now and then, unless somebody works in them.
  const refresh = async () => {
    const parts = [...document.querySelectorAll("[data-live][id]")];
    const busy = parts.some((part) => part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
    if (!parts.length || busy || document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const next = fresh.getElementById(part.id);
        if (!next || next.innerHTML === part.innerHTML) continue;
        const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
        part.replaceChildren(...next.childNodes);
        ask(part);
        if (focused) document.getElementById(focused)?.focus();
      }
      age();
    } catch {
      // The daemon is away for a moment; the next time will tell.
    }
  };

  // A run that goes on tells what it does.
  const follow = (page) => {
    const set = (name, text) => {
      for (const place of page.querySelectorAll(`[data-count="${name}"]`)) place.textContent = text;
    };
    const stage = (name, state, what) => {
      const item = page.querySelector(`[data-stage="${name}"]`);
      if (!item) return;
      item.className = state;
      const said = item.querySelector("[data-what]");
      if (said && what) said.textContent = what;
    };
    const log = page.querySelector("[data-log]");
    const append = (entry) => {
      if (!log) return;
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      const line = document.createElement("li");
      const at = document.createElement("time");
      at.dateTime = entry.at;
      at.textContent = entry.at.slice(11, 19);
      const level = document.createElement("span");
      level.className = `level ${entry.level === "error" ? "bad" : entry.level === "warn" ? "warn" : "quiet"}`;
      level.textContent = entry.level;
      const text = document.createElement("span");
      text.className = "text";
      text.textContent = [entry.plugin, entry.stream].filter(Boolean).map((by) => `${by}: `).join("") + entry.message;
      line.append(at, level, text);
      log.append(line);
      while (log.children.length > 2000) log.firstElementChild.remove();
      if (atEnd) log.scrollTop = log.scrollHeight;
    };
    const contact = ({ source, circuit, said }) => {
      const row = [...page.querySelectorAll("[data-source]")].find((row) => row.dataset.source === source);
      if (!row) return;
      row.querySelector("[data-said]").textContent = said;
      for (const state of row.querySelectorAll("[data-circuit]")) state.hidden = state.dataset.circuit !== circuit;
    };
    const size = (bytes) => {
      let unit = "B";
      for (const next of ["KiB", "MiB", "GiB", "TiB"]) {
        if (bytes < 1023.95) break;
        bytes /= 1024;
        unit = next;
      }
      return unit === "B" ? `${bytes} B` : `${bytes.toFixed(1)} ${unit}`;
    };
    const source = new EventSource(page.dataset.follow);
    source.addEventListener("progress", (event) => {
      const { sources, ...counts } = JSON.parse(event.data);
      sources.forEach(contact);
      for (const [name, value] of Object.entries(counts)) set(name, name === "bytes" ? size(value) : value.toLocaleString("en-US"));
    });
    source.addEventListener("stage", (event) => {
      const told = JSON.parse(event.data);
      stage(told.stage, told.finished ? "good" : "busy", told.what);
    });
    source.addEventListener("log", (event) => append(JSON.parse(event.data)));
    source.addEventListener("ended", () => {
      source.close();
      location.reload();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    ask(document);
    age();
    setInterval(age, 15000);
    if (document.querySelector("[data-live]")) setInterval(refresh, 4000);
    const page = document.querySelector("[data-follow]");
    if (page) follow(page);
  });
})();
