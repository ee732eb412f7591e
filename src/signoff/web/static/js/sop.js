// The SOP editor: a real <textarea> (undo, spelling, screen readers, phone keyboards) over a coloured copy of its text.
(() => {
  const area = document.querySelector("[data-sop]");
  if (!area) return;
  const paint = document.querySelector("[data-paint]"), list = document.querySelector("#complete");
  area.closest("[data-editor]").classList.add("is-live");

  const marks = [
    [/^#{1,6} .*$/, "h"], [/^\s*(?:[-*]|\d+\.) /, "m"], [/\{\{[\w. -]*\}?\}?/, "v"], [/(?<!\S)@[\w.-]*\w/, "c"],
    [/\b(?:asks? (?:a person|for approval)|always ask|never|stop)\b/i, "k"],
  ];
  const anyMark = new RegExp(marks.map(([rule]) => `(${rule.source})`).join("|"), "gi");
  // Built from nodes, never from HTML: what is typed stays text.
  const colour = (text) => {
    const line = Object.assign(document.createElement("span"), { className: "ln" });
    let at = 0;
    for (const match of text.matchAll(anyMark)) {
      const kind = marks[match.slice(1).findIndex((part) => part !== undefined)][1];
      line.append(text.slice(at, match.index), Object.assign(document.createElement("b"), { className: kind, textContent: match[0] }));
      at = match.index + match[0].length;
    }
    line.append(text.slice(at) || (at ? "" : "\u200b"));
    return line;
  };
  let shown = [];
  const draw = () => {
    const lines = area.value.split("\n");
    // Only lines that changed are drawn again, so a long text stays quick to type in.
    lines.forEach((text, i) => {
      if (shown[i] === text) return;
      const line = colour(text);
      if (paint.children[i]) paint.children[i].replaceWith(line); else paint.append(line);
    });
    while (paint.children.length > lines.length) paint.lastChild.remove();
    shown = lines;
    flag();
  };
  // Findings on the page mark their lines: <li data-tone="bad" data-line="15">
  const flag = () => {
    paint.querySelectorAll(".ln[data-tone]").forEach((line) => line.removeAttribute("data-tone"));
    document.querySelectorAll("[data-line][data-tone]").forEach((item) => {
      if (item.dataset.tone !== "ok") paint.children[item.dataset.line - 1]?.setAttribute("data-tone", item.dataset.tone);
    });
  };
  document.addEventListener("htmx:after:swap", flag);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-go-line]");
    if (!link) return;
    event.preventDefault();
    const at = shown.slice(0, link.dataset.goLine - 1).join("\n").length + (link.dataset.goLine > 1 ? 1 : 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(at, at + (shown[link.dataset.goLine - 1] ?? "").length);
    paint.children[link.dataset.goLine - 1]?.scrollIntoView({ block: "center" });
  });

  const words = JSON.parse(area.dataset.words || "{}");
  // Where there are many tools the page brings those of the draft; the others are asked for when the first word begins
  let more = area.dataset.wordsAt;
  const fetchMore = async () => {
    const from = more;
    more = "";
    try { Object.assign(words, await (await fetch(from, { headers: { Accept: "application/json" } })).json()); suggest(); } catch { more = from; }
  };
  let found = [], at = 0, from = 0;
  const close = () => { if (list.matches(":popover-open")) list.hidePopover(); area.removeAttribute("aria-activedescendant"); };
  const suggest = () => {
    const before = area.value.slice(0, area.selectionStart);
    const typed = before.match(/(@[\w.-]*|\{\{[\w.]*)$/)?.[0];
    if (typed?.[0] === "@" && more) fetchMore();
    found = typed ? (words[typed[0] === "@" ? "@" : "{{"] ?? []).filter((word) => word.startsWith(typed) && word !== typed).slice(0, 12) : [];
    if (!found.length) return close();
    from = area.selectionStart - typed.length; at = 0;
    list.replaceChildren(...found.map((word, i) => Object.assign(document.createElement("li"), { className: "item mono", role: "option", id: `c${i}`, textContent: word, ariaSelected: String(i === 0) })));
    if (!list.matches(":popover-open")) list.showPopover();
    // Where the word starts: measured in the coloured copy, which wraps exactly as the text area does
    const row = before.split("\n").length - 1, column = before.length - typed.length - (before.lastIndexOf("\n") + 1);
    const range = document.createRange(), walker = document.createTreeWalker(paint.children[row], NodeFilter.SHOW_TEXT);
    let left = column, node = walker.nextNode();
    while (node && left > node.length) { left -= node.length; node = walker.nextNode(); }
    if (node) { range.setStart(node, left); const spot = range.getBoundingClientRect(); list.style.left = Math.min(spot.left, innerWidth - list.offsetWidth - 8) + "px"; list.style.top = spot.bottom + 4 + "px"; }
    area.setAttribute("aria-activedescendant", "c0");
  };
  const take = (i) => { area.setRangeText(found[i], from, area.selectionStart, "end"); close(); draw(); area.dispatchEvent(new Event("input", { bubbles: true })); area.focus(); };
  area.addEventListener("input", () => { draw(); suggest(); });
  area.addEventListener("blur", () => setTimeout(close, 150));
  area.addEventListener("keydown", (event) => {
    if (!list.matches(":popover-open")) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      [...list.children].forEach((item, i) => { item.ariaSelected = String(i === at); });
      list.children[at].scrollIntoView({ block: "nearest" });
      area.setAttribute("aria-activedescendant", "c" + at);
    } else if (event.key === "Enter" || event.key === "Tab") take(at);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => { event.preventDefault(); const i = [...list.children].indexOf(event.target); if (i >= 0) take(i); });

  // A link from a finding to a field opens what it is folded into
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[data-go="field"]'), field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field.scrollIntoView({ block: "center" });
    (field.matches("input, textarea, select") ? field : field.querySelector("summary, input") ?? field).focus({ preventScroll: true });
  });

  // Unsaved words are not lost by a stray click; words typed while a save is under way are not saved by it
  const form = area.form, button = document.querySelector("[data-save]");
  let edits = 0, sent = -1, saved = 0;
  form?.addEventListener("input", () => { edits += 1; });
  document.addEventListener("submit", (event) => { if (event.target === form) sent = edits; });
  button?.addEventListener("click", () => { sent = edits; });
  document.addEventListener("saved", () => { saved = sent; sent = -1; });
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => { if (ctx.sourceElement === button) sent = -1; });
  // A note that somebody saved a newer version; not about what this page itself has just saved, or is saving
  const newer = () => {
    const note = document.querySelector("[data-newer]"), version = document.querySelector("#draft-version");
    if (!note || !version) return;
    note.hidden = sent !== -1 || Number(note.dataset.newer) <= Number(version.value);
    if (note.hidden) document.querySelector("#newer-diff").replaceChildren();
  };
  ["htmx:after:swap", "htmx:sse:after:message", "saved"].forEach((name) => document.addEventListener(name, newer));
  // Words that were not saved yet can be undone too: they are saved first
  form?.addEventListener("input", () => { const undo = document.querySelector("[data-undo]"); if (undo) undo.disabled = false; });
  addEventListener("beforeunload", (event) => { if (edits !== saved && edits !== sent) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && button) { event.preventDefault(); button.click(); }
  });
  draw();
})();
