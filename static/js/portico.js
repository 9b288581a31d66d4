// What pages do beyond HTML. Everything here improves something that also works without it.
// No inline handlers, no eval: the content security policy allows neither.

const on = (type, selector, act) =>
  document.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) act(target, event);
  });

// --- theme: light or dark, kept in a cookie that the server reads, so that no page flashes --------------------------
const root = document.documentElement;
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

on("submit", "form[data-theme-form]", (form, event) => {
  event.preventDefault();
  const theme = dark() ? "light" : "dark";
  root.dataset.theme = theme;
  for (const button of document.querySelectorAll("form[data-theme-form] button")) button.value = dark() ? "light" : "dark";
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
  document.dispatchEvent(new CustomEvent("portico:theme"));
});

// --- dialogs ---------------------------------------------------------------------------------------------------------
on("click", "[data-opens]", (opener, event) => {
  const dialog = document.getElementById(opener.dataset.opens);
  if (!(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  dialog.showModal();
});
on("click", "[data-closes]", (button) => button.closest("dialog")?.close());
document.addEventListener("click", (event) => {
  if (!(event.target instanceof HTMLDialogElement)) return;
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside && event.detail) event.target.close();
});
for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal();

// --- menus: beside what opened them ----------------------------------------------------------------------------------
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches(".menu[popover]") || event.newState !== "open") return;
    const opener = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    if (!opener) return;
    const anchor = opener.getBoundingClientRect();
    const gap = 4;
    const left = menu.dataset.align === "end" ? anchor.right - menu.offsetWidth : anchor.left;
    const below = anchor.bottom + gap;
    const top = below + menu.offsetHeight > innerHeight ? anchor.top - menu.offsetHeight - gap : below;
    menu.style.left = `${Math.max(8, Math.min(left, innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = `${Math.max(8, top)}px`;
  },
  true,
);

// --- copy and reveal -------------------------------------------------------------------------------------------------
const show = (scope) => {
  const helpers = "[data-copy], [data-copy-from], [data-reveal], [data-narrows], [data-adds], [data-download]";
  for (const button of scope.querySelectorAll(helpers)) button.hidden = false;
};
const copy = async (button, text) => {
  await navigator.clipboard.writeText(text);
  const label = button.querySelector("span");
  if (!label) return;
  const before = label.dataset.label ?? label.textContent;
  label.dataset.label = before;
  label.textContent = document.body.dataset.copied ?? "Copied";
  setTimeout(() => (label.textContent = before), 1600);
};
on("click", "[data-copy]", (button) => copy(button, button.dataset.copy));
on("click", "[data-copy-from]", (button) => copy(button, button.closest(".code").querySelector("code").innerText));
on("click", "[data-reveal]", (button) => {
  const code = button.closest("[data-secret]").querySelector("code");
  code.dataset.value ??= code.textContent;
  const shown = button.getAttribute("aria-pressed") === "true";
  code.textContent = shown ? "•".repeat(32) : code.dataset.value;
  button.setAttribute("aria-pressed", String(!shown));
  button.querySelector("span").textContent = shown ? button.dataset.show : button.dataset.hide;
});

// A file made here of what the page shows: nothing is asked for, so nothing of it is in an address or a log.
on("click", "[data-download]", (button) => {
  const text = button.closest("[data-secret]").querySelector("code").textContent;
  const url = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
  Object.assign(document.createElement("a"), { href: url, download: button.dataset.download }).click();
  setTimeout(() => URL.revokeObjectURL(url));
});
// What is shown once is not shown again: neither by a reload, which would repeat the form, nor by a step back.
const shown = document.querySelector("[data-address]");
if (shown) history.replaceState(null, "", shown.dataset.address);
addEventListener("pagehide", () => {
  for (const secret of document.querySelectorAll("[data-secret]")) secret.remove();
});

// --- messages --------------------------------------------------------------------------------------------------------
on("click", "[data-dismiss]", (button) => button.parentElement.remove());

// --- forms: one click sends once; what was typed isn't lost silently -------------------------------------------------
on("submit", "form", (form, event) => {
  if (event.defaultPrevented || form.method === "dialog" || form.method === "get") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// --- filters apply as they change ------------------------------------------------------------------------------------
on("change", "form[data-auto] select, form[data-auto] input", (input) => input.form.requestSubmit());

// --- forms: many boxes ticked at once, a line added to a text --------------------------------------------------------
on("click", "[data-ticks]", (link, event) => {
  event.preventDefault();
  const wanted = new Set(link.dataset.ticks.split(" "));
  for (const box of link.closest("fieldset").querySelectorAll("input[type=checkbox]")) box.checked = wanted.has(box.value);
});
on("click", "[data-adds]", (button) => {
  const area = document.getElementById(button.dataset.to);
  const lines = area.value.split("\n").filter((line) => line.trim());
  if (!lines.includes(button.dataset.adds)) area.value = [...lines, button.dataset.adds].join("\n");
  area.focus();
});

// --- lists that follow what comes in rest while nobody looks, and while somebody is at them ---------------------------
document.addEventListener("htmx:beforeRequest", (event) => {
  const list = event.target;
  if (list.matches("[data-follows]") && (document.hidden || list.contains(document.activeElement))) event.preventDefault();
});

// --- long lists of choices: a box above one leaves those that have its words -----------------------------------------
on("input", "[data-narrows]", (input) => {
  const words = input.value.trim().toLowerCase();
  for (const label of document.querySelectorAll(`#${input.dataset.narrows} label`)) {
    label.parentElement.hidden = !label.textContent.toLowerCase().includes(words);
  }
});

show(document);
document.addEventListener("htmx:load", (event) => show(event.target));
if (document.querySelector("[data-chart]")) import("./charts.js").then((charts) => charts.draw());
