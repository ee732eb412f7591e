// Requests to people: the list of the inbox, and the card with its forms wherever it stands.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const narrow = matchMedia("(max-width: 860px)");

  // On a phone there is no room beside the list: the link goes to the page of the request, and Back comes back.
  document.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest?.(".ask-row")) event.stopImmediatePropagation();
  }, true);

  // The list marks what the pane shows, whoever put it there: a click, a key, an answer.
  const mark = () => {
    const one = $("#detail > [data-one]")?.dataset.one ?? "";
    let current = null;
    $$(".ask-row").forEach((row) => {
      const is = row.dataset.id === one;
      if (is) { row.setAttribute("aria-current", "true"); current = row; } else row.removeAttribute("aria-current");
    });
    return current;
  };
  document.addEventListener("htmx:after:swap", () => {
    if (!$(".inbox")) return;
    const row = mark();
    // After an answer the form that had the focus is gone: the row of the next request takes it.
    if (row && document.activeElement === document.body && !narrow.matches) row.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  });

  // A review of changes is of these fields as they are: typed on, it is out of date and goes.
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-clears]");
    if (form) $(`#${CSS.escape(form.dataset.clears)}`)?.replaceChildren();
  });
  document.addEventListener("htmx:after:swap", () => $("dialog[open] [data-focus]")?.focus());

  // Somebody else answered what is on show: its forms keep what was written, and send nothing any more.
  document.addEventListener("htmx:after:swap", () => $$("[data-over]").forEach((over) => {
    const card = over.closest(".ask"), open = card && $("dialog[open]", card);
    if (!card) return;
    $$("button[type=submit], .ask-foot button", card).forEach((button) => { button.disabled = true; });
    const note = over.closest(".note");
    if (!open || !note || $("[data-over]", open)) return;
    ($(".dialog-body", open) ?? open).prepend(note.cloneNode(true));
  }));

  // Ctrl Enter sends a text of several lines
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches?.("[data-sends]")) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });

  // What app.js does not know of: A goes into the form of a question, R to the text of the request.
  document.addEventListener("keydown", (event) => {
    if (document.documentElement.dataset.keys === "off" || event.metaKey || event.ctrlKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]") || $("dialog[open]")) return;
    if (event.key === "a" && !$("[data-key=a]")) {
      const first = $("form[data-answer] [data-first]");
      if (first) { event.preventDefault(); first.focus(); }
    } else if (event.key === "r" && $(".inbox")) {
      const row = $(".ask-row[aria-current]") ?? $(".ask-row");
      if (narrow.matches) { if (row && !$("[data-show=one]")) location.href = row.href; return; }
      event.preventDefault();
      $("#detail .ask-head h2")?.focus();
    }
  });

  // The name of a view is saved with the filters that are set when the dialog opens, not when the page was drawn.
  document.addEventListener("submit", (event) => {
    const query = $("[data-query]", event.target);
    if (query) query.value = location.search.slice(1);
  }, true);
})();
