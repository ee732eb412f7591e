// The command palette: a dialog with a combobox; the server searches, this moves the choice.
(() => {
  const palette = document.querySelector("#palette"), box = document.querySelector("#palette-q");
  if (!palette) return;
  const options = () => [...palette.querySelectorAll("[role=option][href]")];
  const open = () => { palette.showModal(); box.value = ""; box.dispatchEvent(new Event("palette:open")); box.focus(); };
  const choose = (delta) => {
    const all = options();
    const here = all.findIndex((option) => option.ariaSelected === "true");
    const next = all[(here + delta + all.length) % all.length];
    all[here]?.setAttribute("aria-selected", "false");
    if (!next) { box.removeAttribute("aria-activedescendant"); return; }
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", next.id);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-palette]");
    if (!button) return;
    button.closest("[popover]")?.matches(":popover-open") && button.closest("[popover]").hidePopover();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.metaKey || event.ctrlKey) || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    palette.open ? palette.close() : open();
  });
  palette.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(-1);
    else if (event.key === "Enter") options().find((option) => option.ariaSelected === "true")?.click();
    else return;
    event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", () => { if (palette.open && !options().some((option) => option.ariaSelected === "true")) choose(1); });
})();
