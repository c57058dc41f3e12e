// What the pages do beyond links, forms and htmx: keys, palette, dialogs, selection, toasts, theme.
// Everything is declared in the HTML by data attributes (docs/design-system.md) and works on fragments that arrive later,
// since all listeners sit on the document.

const root = document.documentElement;
const $ = (selector, scope = document) => scope.querySelector(selector);
const $$ = (selector, scope = document) => [...scope.querySelectorAll(selector)];
const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
const typing = (element) => element.isContentEditable || element.matches('textarea, select, input:not([type="checkbox"], [type="radio"], [type="button"])');

// Toasts

function toast(text, { tone = "", undo = "" } = {}) {
  const item = $("#toast-template").content.firstElementChild.cloneNode(true);
  if (tone) item.classList.add(`is-${tone}`);
  $(".toast-text", item).textContent = text;
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-s";
    button.textContent = "Undo";
    button.dataset.dismiss = "";
    button.addEventListener("click", () => post(undo));
    item.lastElementChild.before(button);
  }
  $("#toasts").append(item);
  fade(item);
}

// Bad news stays until it is dismissed; the rest leaves after 8 s, but not from under the pointer or the focus.
function fade(item) {
  if (item.matches(".is-bad")) return;
  setTimeout(() => (item.matches(":hover, :focus-within") ? fade(item) : item.remove()), 8000);
}

function post(url, values = {}) {
  return fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": document.body.dataset.csrf, "HX-Request": "true" },
    body: new URLSearchParams(values),
  }).then((response) => {
    announce(response.headers.get("HX-Trigger"));
    if (!response.ok) failed(response.status, response.headers.get("X-Request-ID"));
    return response;
  });
}

function announce(header) {
  if (!header || !header.startsWith("{")) return;
  for (const [name, detail] of Object.entries(JSON.parse(header))) document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
}

function failed(status, reference) {
  if (status === 401) return location.reload();
  const what = status === 403 ? "Your role does not allow this." : "The request failed.";
  toast(`${what} Nothing was changed.${reference ? ` Reference ${reference}` : ""}`, { tone: "bad" });
}

document.addEventListener("toast", ({ detail }) => toast(detail.text ?? detail.value, detail));

// htmx: token, progress bar, failures

let waiting = 0;
let bar;

function progress(step) {
  waiting = Math.max(0, waiting + step);
  clearTimeout(bar);
  if (waiting) bar = setTimeout(() => $("#loading").classList.add("is-on"), 150);
  else $("#loading").classList.remove("is-on");
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  detail.headers["X-CSRFToken"] = document.body.dataset.csrf;
  // Empty fields of a filter are left out: the address is the state and people read it.
  if (detail.elt.matches("[data-filter-form]")) for (const [name, value] of Object.entries(Object.fromEntries(detail.formData ?? []))) if (value === "") detail.formData.delete(name);
});
document.addEventListener("htmx:beforeRequest", () => progress(1));
document.addEventListener("htmx:afterRequest", () => progress(-1));
document.addEventListener("htmx:responseError", ({ detail }) => failed(detail.xhr.status, detail.xhr.getResponseHeader("X-Request-ID")));
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Nothing was changed.", { tone: "bad" }));
document.addEventListener("htmx:afterSettle", () => { selected(); listPlaces(); });

// Dialogs

function open(dialog) {
  if (!dialog || dialog.open) return;
  $$("[popover]:popover-open").forEach((menu) => menu.hidePopover());
  if (dialog.id === "keys") listKeys(dialog);
  dialog.showModal();
  if (dialog.id === "palette") { const field = $("#palette-q"); field.select(); listPlaces(); }
}

document.addEventListener("click", (event) => {
  const target = event.target;
  const opener = target.closest("[data-dialog]");
  if (opener) { event.preventDefault(); return open(document.getElementById(opener.dataset.dialog)); }
  if (target.closest("[data-close]")) return target.closest("dialog").close();
  if (target.closest("[data-dismiss]")) return target.closest("[data-toast]").remove();
  if (target.matches("dialog[open]") && outside(event, target)) return target.close();
  const copier = target.closest("[data-copy-button]");
  if (copier) return copy(copier);
  if (target.closest("[data-clear-selection]")) return clearSelection();
});

function outside({ clientX: x, clientY: y }, dialog) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

function copy(button) {
  navigator.clipboard.writeText(button.dataset.copyButton).then(() => {
    button.classList.add("is-done");
    setTimeout(() => button.classList.remove("is-done"), 1500);
    toast("Copied");
  });
}

// Copying an amount from the page gives its plain form, -18900.00.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  const amount = (selection.anchorNode?.nodeType === 3 ? selection.anchorNode.parentElement : selection.anchorNode)?.closest?.("[data-copy]");
  if (!amount || !selection.toString() || selection.toString().trim() !== amount.textContent.trim()) return;
  event.clipboardData.setData("text/plain", amount.dataset.copy);
  event.preventDefault();
});

// Theme and clock

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const button = $("button", form);
  const chosen = button.value;
  const order = ["auto", "light", "dark"];
  root.dataset.theme = chosen;
  button.value = order[(order.indexOf(chosen) + 1) % order.length];
  button.title = `Theme: ${chosen}`;
  button.setAttribute("aria-label", button.title);
  post(form.action, { theme: chosen });
});

setInterval(() => {
  const clock = $("[data-clock]");
  if (clock) clock.textContent = `UTC ${new Date().toISOString().slice(11, 16)}`;
}, 5000);

// Rows and their selection

let anchor = null;

const links = () => $$("[data-rows] [data-row]").filter(visible).map((row) => $("a", row)).filter(Boolean);
const boxes = () => $$("input[data-select]").filter(visible);
const focusedRow = () => document.activeElement.closest("[data-row]");

function move(step) {
  const all = links();
  const row = focusedRow();
  const current = row ? all.findIndex((link) => row.contains(link)) : all.findIndex((link) => link.matches("[aria-current]"));
  const next = all[Math.min(Math.max(current + step, 0), all.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function toggle(range) {
  const box = focusedRow()?.querySelector("input[data-select]");
  if (!box) return;
  const all = boxes();
  if (range && anchor && all.includes(anchor)) {
    const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
    all.slice(from, to + 1).forEach((one) => { one.checked = true; });
  } else {
    box.checked = !box.checked;
    anchor = box;
  }
  box.dispatchEvent(new Event("change", { bubbles: true }));
  selected();
}

function clearSelection() {
  const had = boxes().some((box) => box.checked);
  boxes().forEach((box) => { box.checked = false; });
  selected();
  return had;
}

function decimal(minor, scale) {
  const digits = `${minor < 0n ? -minor : minor}`.padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
  return (minor < 0n ? "\u2212" : minor > 0n ? "+" : "") + whole + (scale ? `.${digits.slice(-scale)}` : "");
}

function selected() {
  const all = boxes();
  const checked = all.filter((box) => box.checked);
  const every = $("input[data-select-all]");
  if (every) { every.checked = all.length > 0 && checked.length === all.length; every.indeterminate = checked.length > 0 && !every.checked; }
  const panel = $("[data-bulk]");
  if (!panel) return;
  panel.hidden = checked.length === 0;
  $("[data-bulk-count]", panel).textContent = checked.length;
  const sums = new Map();
  for (const { dataset: { asset, minor, scale } } of checked) if (asset && minor) sums.set(asset, [(sums.get(asset)?.[0] ?? 0n) + BigInt(minor), Number(scale)]);
  const sum = $("[data-bulk-sum]", panel);
  if (sum) sum.textContent = [...sums].map(([asset, [minor, scale]]) => `${asset} ${decimal(minor, scale)}`).join(" · ");
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("input[data-select-all]")) boxes().forEach((box) => { box.checked = target.checked; });
  if (target.matches("input[data-select], input[data-select-all]")) { anchor = target; selected(); }
  if (target.matches("input[data-names-file]")) $(target.dataset.namesFile).textContent = target.files[0]?.name ?? "";
});

// Palette: places and actions of this page first, then what the server found

const named = (element) => (element.getAttribute("aria-label") || $(".nav-label", element)?.textContent || [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(" ") || element.title).trim();
const commands = () => [
  ...$$("[data-key]").filter(visible).map((element) => ({ name: named(element), keys: element.dataset.key, element })),
  ...$$("[data-go]").map((element) => ({ name: `Go to ${named(element)}`, keys: `g ${element.dataset.go}`, element })),
];
const options = () => $$('#palette-results [role="option"]');

function listPlaces() {
  const palette = $("#palette");
  if (!palette?.open) return;
  const wanted = $("#palette-q").value.trim().toLowerCase();
  const hits = commands().filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, wanted ? 5 : 12);
  $("#palette-places").replaceChildren(...hits.map(({ name, keys, element }) => {
    const option = document.createElement("div");
    option.role = "option";
    option.append(name, caps(keys));
    option.addEventListener("click", () => { palette.close(); element.click(); });
    return option;
  }));
  choose(0);
}

function caps(keys) {
  const holder = document.createElement("span");
  holder.className = "keys push";
  holder.append(...keys.split(" ").map((key) => { const cap = document.createElement("kbd"); cap.textContent = key; return cap; }));
  return holder;
}

function choose(index) {
  const all = options();
  all.forEach((option, i) => { option.id ||= `option-${i}-${Math.random().toString(36).slice(2, 8)}`; option.ariaSelected = String(i === index); });
  const chosen = all[index];
  const field = $("#palette-q");
  if (!chosen) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

function inPalette(event) {
  const all = options();
  const current = all.findIndex((option) => option.ariaSelected === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && all.length) { event.preventDefault(); choose((current + step + all.length) % all.length); }
  if (event.key === "Enter" && all[current]) { event.preventDefault(); all[current].click(); }
}

document.addEventListener("input", ({ target }) => { if (target.id === "palette-q") listPlaces(); });

// Help

const GENERAL = [["j", "Next row"], ["k", "Previous row"], ["Enter", "Open"], ["x", "Select"], ["Shift x", "Select up to here"], ["/", "Filter"], ["Ctrl K", "Search and commands"], ["Ctrl Enter", "Submit the form"], ["Esc", "Clear, close, back"], ["?", "This list"]];

function listKeys(dialog) {
  const own = commands().map(({ keys, name }) => [keys, name]);
  const seen = new Set();
  $("[data-key-list]", dialog).replaceChildren(...[...own, ...GENERAL].filter(([keys]) => !seen.has(keys) && seen.add(keys)).map(([keys, name]) => {
    const item = document.createElement("li");
    item.append(name, caps(keys));
    return item;
  }));
}

// Keys

let going = 0;

const SINGLE = {
  j: () => move(1),
  k: () => move(-1),
  x: () => toggle(false),
  X: () => toggle(true),
  "/": () => { const field = $("[data-filter]"); if (field) field.select(); else open($("#palette")); },
  "?": () => open($("#keys")),
};

function press(key) {
  const inRow = focusedRow() && $$(`[data-key="${CSS.escape(key)}"]`, focusedRow()).find(visible);
  const target = inRow || $$(`[data-key="${CSS.escape(key)}"]`).find(visible);
  target?.click();
  return Boolean(target);
}

function escape(target) {
  if (typing(target)) return target.blur();
  if (clearSelection()) return;
  $("[data-back]")?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const { key, target } = event;
  const command = event.ctrlKey || event.metaKey;
  if (command && key.toLowerCase() === "k") { event.preventDefault(); return open($("#palette")); }
  if (command && key === "Enter") { (target.closest("form") ?? $("form[data-submit]"))?.requestSubmit(); return; }
  if (target.id === "palette-q") return inPalette(event);
  if ($("dialog[open]") || $("[popover]:popover-open")) return;
  if (key === "Escape") return escape(target);
  if (command || event.altKey || typing(target) || root.dataset.keys === "off") return;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const place = $(`[data-go="${CSS.escape(key)}"]`);
    if (place) { event.preventDefault(); place.click(); }
    return;
  }
  if (key === "g") { going = Date.now(); return; }
  if (press(key)) return event.preventDefault();
  if (SINGLE[key]) { event.preventDefault(); SINGLE[key](); }
});

$$("[data-toast]").forEach(fade);
$$("[data-open-now]").forEach(open);
selected();
