// All behaviour of the pages that is not htmx. No framework, no build step, no inline handlers.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, selector, run) => document.addEventListener(type, (event) => {
    const target = event.target.closest?.(selector);
    if (target) run(event, target);
  });
  const root = document.documentElement;

  // The zone of times before anybody has signed in; the server draws them, so it has to know.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`tz=${zone}`)) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;
  if (!/Mac|iPhone|iPad/.test(navigator.platform)) $$("[data-mod]").forEach((node) => { node.textContent = "Ctrl K"; });

  // Theme: a form that works by itself; with script nothing has to load again.
  on("click", "[data-set-theme]", (event, button) => {
    event.preventDefault();
    const theme = button.dataset.setTheme;
    root.dataset.theme = theme;
    fetch(button.form.action, { method: "POST", body: new URLSearchParams({ theme }) });
    button.closest("[popover]")?.hidePopover();
  });

  // Copy the text of another element. Folded JSON is unfolded for it.
  on("click", "[data-copy]", async (event, button) => {
    const source = document.getElementById(button.dataset.copy);
    const folds = $$("details:not([open])", source);
    folds.forEach((fold) => { fold.open = true; });
    const text = source.innerText;
    folds.forEach((fold) => { fold.open = false; });
    try { await navigator.clipboard.writeText(text); toast("ok", "Copied"); }
    catch { getSelection().selectAllChildren(source); toast("wait", "Press Ctrl C to copy"); }
  });

  // Rows chosen in a table
  const recount = (box) => {
    const boxes = $$("[name=pick]", box), chosen = boxes.filter((one) => one.checked).length, all = $("[data-pick-all]", box);
    if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
    $$("[data-picked]", box).forEach((node) => { node.textContent = chosen; });
  };
  on("change", "[data-picks]", (event, box) => {
    if (event.target.matches("[data-pick-all]")) $$("[name=pick]", box).forEach((one) => { one.checked = event.target.checked; });
    recount(box);
  });
  document.addEventListener("htmx:after:swap", () => $$("[data-picks]").forEach(recount));

  // A list of links that shows its choice in a pane beside it
  on("click", ".wf-row", (event, row) => {
    $$(".wf-row[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    row.setAttribute("aria-current", "step");
  });
  const move = (delta) => {
    const rows = $$("[data-row]");
    if (!rows.length) return;
    const here = rows.findIndex((row) => row.matches("[aria-current], .is-here"));
    const row = rows[Math.max(0, Math.min(rows.length - 1, here + delta))];
    if (row.matches("a")) row.click();
    else { rows[here]?.classList.remove("is-here"); row.classList.add("is-here"); $("a", row)?.focus({ preventScroll: true }); }
    row.scrollIntoView({ block: "nearest" });
  };
  on("click", "[data-prev]", () => move(-1));
  on("click", "[data-next]", () => move(1));

  // Dialogs open by command= where the browser knows it, else by this
  const knowsCommand = "commandForElement" in HTMLButtonElement.prototype, knowsClosedBy = "closedBy" in HTMLDialogElement.prototype;
  on("click", "[data-open]", (event, button) => { if (!knowsCommand) document.getElementById(button.dataset.open)?.showModal(); });
  on("click", "[data-close]", (event, button) => { if (!knowsCommand) button.closest("dialog")?.close(); });
  on("click", "dialog", (event, dialog) => { if (!knowsClosedBy && event.target === dialog) dialog.close(); });
  on("click", "[data-shortcuts]", (event, button) => { button.closest("[popover]")?.hidePopover(); $("#shortcuts").showModal(); });

  // A form sent by the browser itself is sent once
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    else { form.dataset.sent = "1"; $("#progress")?.classList.add("htmx-request"); }
  });
  addEventListener("pageshow", () => { $$("form[data-sent]").forEach((form) => { delete form.dataset.sent; }); $("#progress")?.classList.remove("htmx-request"); });

  // Keys. Single ones are off while typing, in a dialog, or when the person has turned them off.
  let first = "";
  document.addEventListener("keydown", (event) => {
    if (root.dataset.keys === "off" || event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]") || $("dialog[open]")) return;
    const key = event.key;
    if (first === "g") {
      first = "";
      const link = $(`[data-go="${CSS.escape(key)}"]`);
      if (link) { event.preventDefault(); location.href = link.href; return; }
    }
    if (key === "g") { first = "g"; setTimeout(() => { first = ""; }, 900); return; }
    const own = $(`[data-key="${CSS.escape(key)}"]`);
    if (own) { event.preventDefault(); own.click(); }
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "x") $(".is-here [name=pick]")?.click();
    else if (key === "/") { const filter = $("[data-filter]"); if (filter) { event.preventDefault(); filter.focus(); filter.select(); } }
    else if (key === "?") $("#shortcuts")?.showModal();
  });

  // Messages. Bad news stays until it is dismissed.
  const arm = (node) => { if (node.matches?.("[data-toast]") && node.dataset.tone !== "bad") setTimeout(() => node.remove(), 6000); };
  function toast(tone, text) {
    const node = Object.assign(document.createElement("div"), { className: "toast" });
    const words = Object.assign(document.createElement("p"), { className: "grow strong", textContent: text });
    const close = Object.assign(document.createElement("button"), { className: "btn btn-quiet btn-sm", textContent: "Dismiss", type: "button" });
    close.dataset.dismiss = ""; node.dataset.toast = ""; node.dataset.tone = tone;
    node.append(words, close);
    $$(".toast", $("#toasts")).slice(0, -3).forEach((old) => old.remove());
    $("#toasts").append(node);
  }
  on("click", "[data-dismiss]", (event, button) => button.closest(".toast").remove());
  $$("[data-toast]").forEach(arm);
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(arm))).observe($("#toasts"), { childList: true });
  document.addEventListener("htmx:error", () => toast("bad", "The server did not answer. Try again."));
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.response.status === 422 || ctx.sourceElement?.hasAttribute?.("hx-sse:connect")) return;
    const said = ctx.response.headers.get("X-Message");
    toast("bad", said ? decodeURIComponent(said) : `That did not work (${ctx.response.status}).`);
  });

  // The dot of a live page
  const live = (state, text) => { const dot = $("#live"); if (dot && dot.dataset.live !== "done") { dot.dataset.live = state; dot.textContent = text; } };
  document.addEventListener("htmx:sse:error", () => live("lost", "Reconnecting"));
  document.addEventListener("htmx:sse:after:message", () => live("on", "Live"));
  document.addEventListener("done", () => live("done", "Finished"));

  // Chart tips
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  document.body.append(tip);
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = Math.min(event.clientX + 12, innerWidth - width - 8) + "px";
    tip.style.top = Math.max(8, event.clientY - height - 12) + "px";
  }, { passive: true });

  // Times that go on: the same words as filters.py, so nothing jumps
  const ago = (moment) => {
    const seconds = (Date.now() - moment) / 1000, size = Math.abs(seconds);
    if (size < 45) return "just now";
    const [length, unit] = size >= 86400 ? [86400, "d"] : size >= 3600 ? [3600, "h"] : [60, "min"];
    const number = Math.max(Math.floor(size / length + 0.5), 1);
    return seconds < 0 ? `in ${number} ${unit}` : `${number} ${unit} ago`;
  };
  const two = (number) => String(number).padStart(2, "0");
  const lasting = (ms) => {
    if (ms < 59950) return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
    return hours < 48 ? `${hours}h ${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
  };
  setInterval(() => $$('time[data-time="ago"]').forEach((node) => { node.textContent = ago(new Date(node.dateTime)); }), 30000);
  setInterval(() => { if (!document.hidden) $$("time[data-since]").forEach((node) => { node.textContent = lasting(Date.now() - new Date(node.dateTime)); }); }, 1000);

  // A row of tabs that is wider than the phone begins where one is
  $$('.tabs [aria-current="page"]').forEach((tab) => {
    const bar = tab.parentElement, beyond = tab.getBoundingClientRect().right - bar.getBoundingClientRect().right;
    if (beyond > 0) bar.scrollLeft += beyond + 16;
  });

  // Browser tests wait for this: htmx starts in a timer set before this one
  setTimeout(() => { root.dataset.ready = ""; });
})();
