// Keys, palette, countdowns, live lists and the word-by-word difference. Every page works without this file:
// what it adds is a shorter way to a link, a form or a button that is there anyway.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const words = JSON.parse(document.body.dataset.words || "{}");
const say = (text) => { const live = $("#live"); if (live) live.textContent = text; };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const keysAreOn = () => !document.body.classList.contains("keys-off");
const isVisible = (element) => element.getClientRects().length > 0;

for (const element of $$("[data-needs-script]")) element.hidden = false;

// ---- keys

const isTyping = (target) =>
  target.isContentEditable || (target.matches("input, textarea, select") && !target.matches("[type=checkbox], [type=radio]"));

function openDetails(details) {
  for (const other of $$("details.act[open]")) if (other !== details) other.open = false;
  details.open = true;
  $("input:not([type=hidden]), textarea, select", details)?.focus();
}

function activate(element) {
  if (element.matches("summary")) {
    const details = element.parentElement;
    if (details.open) { details.open = false; element.focus(); } else openDetails(details);
  } else if (element.matches("input, textarea")) {
    element.focus();
    element.select?.();
  } else element.click();
}

function editFirst() {
  const field = $("#draft") || $$(".args :is(input, select, textarea)").find((one) => !one.disabled && isVisible(one));
  if (!field) return false;
  field.scrollIntoView({ block: "nearest" });
  field.focus();
  field.select?.();
  return true;
}

const previewIsOpen = () => Boolean($("#preview")?.firstElementChild);

function closePreview() {
  $("#preview").replaceChildren();
  $(".bar [name=verdict]")?.focus();
}

function escape(event) {
  if ($("dialog[open]")) return false;
  const open = $("details.act[open], details.who[open]");
  if (previewIsOpen() && $("[data-preview]")) { closePreview(); return true; }
  if (open) { open.open = false; $("summary", open).focus(); return true; }
  if (isTyping(event.target)) { event.target.blur(); return true; }
  return false;
}

function listKey(key) {
  const rows = $$("#queue .row");
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  if (key === "j" || key === "k") {
    const next = at < 0 ? 0 : Math.min(Math.max(at + (key === "j" ? 1 : -1), 0), rows.length - 1);
    $("a.what", rows[next]).focus();
    rows[next].scrollIntoView({ block: "nearest" });
    return true;
  }
  if (at < 0) return false;
  if (key === "x") { $("input[type=checkbox]", rows[at]).click(); return true; }
  if (key === "c") { claim(rows[at].dataset.path); return true; }
  return false;
}

function claim(path) {
  const token = $("input[name=csrf]").value;
  const form = Object.assign(document.createElement("form"), { method: "post", action: `${path}/claim` });
  for (const [name, value] of [["csrf", token], ["next", location.pathname + location.search]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.form) { submitFrom(event); return; }
  if (event.key === "Escape") { if (escape(event)) event.preventDefault(); return; }
  if (event.key === "Enter" && event.target.matches(".args input, .args select")) { event.preventDefault(); $("#proposal [name=verdict][value=approve]")?.click(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || $("dialog[open]") || !keysAreOn()) return;
  if (previewIsOpen()) return;
  const digit = $(`details.act[open] [data-digit="${CSS.escape(event.key)}"]`);
  if (digit) { event.preventDefault(); digit.checked = true; digit.closest("details").querySelector("button[name=verdict]").click(); return; }
  if (listKey(event.key)) { event.preventDefault(); return; }
  if (event.key === "e" && editFirst()) { event.preventDefault(); return; }
  const target = $$(`[data-key="${CSS.escape(event.key)}"]`).find(isVisible);
  if (target) { event.preventDefault(); activate(target); }
});

function submitFrom(event) {
  const scope = event.target.closest("details.act") || document;
  const button = event.target.closest("details.act") ? $("button[name=verdict], form button", scope) : $("#proposal [name=verdict]");
  if (button) { event.preventDefault(); button.click(); }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) { opener.dataset.open === "palette" ? openPalette() : $(`#${opener.dataset.open}`).showModal(); return; }
  if (event.target.closest("[data-edit]")) { editFirst(); return; }
  if (event.target.closest("[data-change]")) { event.preventDefault(); closePreview(); return; }
  if (event.target.closest("[data-show-new]")) { refresh(true); return; }
  for (const details of $$("details.act[open], details.who[open]")) if (!details.contains(event.target)) details.open = false;
});

// ---- palette

function openPalette() {
  const dialog = $("#palette");
  if (!dialog || dialog.open) return;
  const input = $("input", dialog);
  input.value = "";
  dialog.showModal();
  showCommands("");
  input.focus();
}

function commands(text) {
  const wanted = text.trim().toLowerCase();
  const found = $$("[data-command]")
    .filter((one) => one.dataset.command.toLowerCase().includes(wanted))
    .map((one) => ({ label: one.dataset.command, key: one.dataset.key || "", run: () => (one.matches("summary") ? activate(one) : one.click()) }));
  if (wanted.startsWith("hr-")) found.unshift({ label: fill(words.open_ticket, { reference: text.trim() }), key: "", run: () => { location.href = `/?q=${encodeURIComponent(text.trim())}`; } });
  else if (wanted) found.push({ label: fill(words.search_for, { text: text.trim() }), key: "", run: () => { location.href = `/?q=${encodeURIComponent(text.trim())}`; } });
  return found;
}

let shownCommands = [], chosen = 0;

function showCommands(text) {
  shownCommands = commands(text);
  chosen = 0;
  $("#palette-list").replaceChildren(...shownCommands.map((one, number) => {
    const item = Object.assign(document.createElement("li"), { id: `command-${number}`, textContent: one.label });
    item.setAttribute("role", "option");
    if (one.key) item.append(Object.assign(document.createElement("kbd"), { textContent: one.key }));
    item.addEventListener("click", () => runCommand(number));
    return item;
  }));
  markCommand();
}

function markCommand() {
  $$("#palette-list li").forEach((item, number) => item.setAttribute("aria-selected", String(number === chosen)));
  const item = $(`#command-${chosen}`);
  const input = $("#palette input");
  item ? input.setAttribute("aria-activedescendant", item.id) : input.removeAttribute("aria-activedescendant");
  item?.scrollIntoView({ block: "nearest" });
}

function runCommand(number) {
  $("#palette").close();
  shownCommands[number]?.run();
}

$("#palette input")?.addEventListener("input", (event) => showCommands(event.target.value));
$("#palette input")?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { chosen = (chosen + step + shownCommands.length) % Math.max(shownCommands.length, 1); markCommand(); event.preventDefault(); }
  if (event.key === "Enter") { event.preventDefault(); runCommand(chosen); }
});

// ---- differences while a person types

function wordsOf(text) { return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) || []; }

// The longest common run of words, by the table of the textbook; texts here have at most some hundred words.
function difference(before, after) {
  const a = wordsOf(before), b = wordsOf(after);
  if (a.length * b.length > 4e6) return [["del", before], ["ins", after]];
  const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) {
    length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
  }
  const parts = [];
  const put = (kind, text) => { const last = parts.at(-1); last && last[0] === kind ? (last[1] += text) : parts.push([kind, text]); };
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { put("same", a[i++]); j++; }
    else if (j >= b.length || (i < a.length && length[i + 1][j] >= length[i][j + 1])) put("del", a[i++]);
    else put("ins", b[j++]);
  }
  return parts;
}

function drawn(parts) {
  return parts.map(([kind, text]) => kind === "same" ? document.createTextNode(text) : Object.assign(document.createElement(kind), { textContent: text }));
}

function showDifference(field) {
  const original = field.dataset.original;
  if (original === undefined) return;
  const isChanged = field.value !== original;
  const row = field.closest("[data-argument]");
  if (row) {
    row.classList.toggle("is-changed", isChanged);
    const was = document.createElement("del");
    was.textContent = original || words.empty;
    const now = document.createElement("ins");
    now.textContent = field.value || words.empty;
    $("[data-diff]", row).replaceChildren(...(isChanged ? [was, document.createTextNode(" → "), now] : []));
  } else if (field.id === "draft") {
    const shown = $("#draft-diff");
    shown.hidden = !isChanged;
    shown.replaceChildren(...(isChanged ? drawn(difference(original, field.value)) : []));
  }
  const approve = $("[data-approve]");
  if (!approve) return;
  approve.dataset.plain ??= approve.textContent;
  const anyChanged = $$("[data-original]").some((one) => one.value !== one.dataset.original);
  approve.textContent = anyChanged ? approve.dataset.edited : approve.dataset.plain;
}

document.addEventListener("input", (event) => { if (event.target.dataset?.original !== undefined) showDifference(event.target); });
for (const field of $$("[data-original]")) showDifference(field);

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "preview") return;
  for (const details of $$("details.act[open]")) details.open = false;
  const confirm = $("[data-readback]") || $("[data-confirm]");
  (confirm || $("#preview [tabindex]"))?.focus();
  say($("#preview h2")?.textContent ?? "");
});
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // A refusal is told in the place of the preview, not swallowed.
  if (event.detail.xhr.status >= 400 && event.detail.xhr.status < 500) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === "post") form.dataset.sent = "1";
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// ---- time

function told(seconds) {
  const late = seconds < 0, all = Math.abs(seconds);
  const [name, count] = all < 90 ? ["seconds", Math.round(all)] : all < 5400 ? ["minutes", Math.round(all / 60)] : all < 172800 ? ["hours", Math.round(all / 3600)] : ["days", Math.round(all / 86400)];
  return fill(words[late ? "late" : "in"], { time: fill(words[name], { count }) });
}

function tick() {
  for (const time of $$("time[data-countdown]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    time.textContent = told(seconds);
    time.classList.toggle("is-late", seconds < 0);
    time.classList.toggle("is-soon", seconds >= 0 && seconds < 900);
  }
}
if ($("time[data-countdown]")) { tick(); setInterval(tick, 1000); }

const undo = $("[data-undo]");
if (undo) {
  const until = performance.now() + Number(undo.dataset.undo) * 1000;
  const bar = $("progress", undo.closest(".decide"));
  const timer = setInterval(() => {
    const left = Math.max(0, (until - performance.now()) / 1000);
    undo.textContent = `${Math.ceil(left)} s`;
    bar.value = left;
    if (left === 0) { clearInterval(timer); location.reload(); }
  }, 100);
}

// ---- live lists: rows change where they are; nothing moves under the pointer or the focus

const title = document.title.replace(/^\(\d+\) /, "");
let notified = 0;

function announce(count) {
  document.title = count ? `(${count}) ${title}` : title;
  if (count > notified && document.hidden && wantsNotices()) {
    // Says that something waits, and never what.
    new Notification("handrail", { body: fill(words.waiting, { count }), tag: "handrail" });
  }
  notified = count;
}

async function refresh(everything = false) {
  const queue = $("#queue");
  if (!queue) return;
  let answer;
  try { answer = await fetch(queue.dataset.live, { headers: { "HX-Request": "true" }, redirect: "manual" }); } catch { return; }
  if (answer.status === 401) { location.reload(); return; }
  if (!answer.ok) return;
  const fresh = $("#queue", new DOMParser().parseFromString(await answer.text(), "text/html"));
  if (!fresh) return;
  announce(Number(fresh.dataset.new));
  const isInUse = queue.matches(":hover, :focus-within") || $$("#queue input:checked").length;
  if (everything || !isInUse) { swapList(queue, fresh); return; }
  const rows = new Map($$(".row", fresh).map((row) => [row.dataset.ref, row]));
  for (const row of $$(".row", queue)) {
    const now = rows.get(row.dataset.ref);
    rows.delete(row.dataset.ref);
    if (!now) settle(row);
    else if (now.dataset.version !== row.dataset.version) {
      for (const part of [".claim", ".due", ".role"]) $(part, row).replaceWith($(part, now));
      row.dataset.version = now.dataset.version;
    }
  }
  const arrived = $("#arrived");
  arrived.hidden = rows.size === 0;
  $("button", arrived).textContent = fill(words.arrived, { count: rows.size });
}

function settle(row) {
  if (row.classList.contains("is-settled")) return;
  row.classList.add("is-settled");
  const box = $("input[type=checkbox]", row);
  box.checked = false;
  box.disabled = true;
  $(".due", row).textContent = words.gone;
  if (row.contains(document.activeElement)) say(fill(words.gone_here, { reference: row.dataset.ref }));
}

function swapList(queue, fresh) {
  const here = document.activeElement?.closest?.(".row")?.dataset.ref;
  const picked = new Set($$("input:checked", queue).map((box) => box.value));
  queue.replaceWith(fresh);
  for (const box of $$("input[name=ref]", fresh)) box.checked = picked.has(box.value);
  if (here) $(`[data-ref="${CSS.escape(here)}"] a.what`)?.focus();
  countChosen();
  tick();
}

function countChosen() {
  const boxes = $$("#queue input[name=ref]:checked"), label = $("#chosen");
  if (!label) return;
  label.textContent = boxes.length ? fill(words.chosen, { count: boxes.length }) : words.choose;
  $("#tools").hidden = boxes.length === 0;
}
document.addEventListener("change", (event) => { if (event.target.matches("#queue input[name=ref]")) countChosen(); });

countChosen();

async function refreshTicket(article) {
  let answer;
  try { answer = await fetch(article.dataset.live, { redirect: "manual" }); } catch { return; }
  if (!answer.ok) return;
  const state = await answer.json();
  if (String(state.version) === article.dataset.version) return;
  const moved = $("#moved");
  moved.className = "tag soon";
  moved.replaceChildren(document.createTextNode(`${state.text} `), Object.assign(document.createElement("a"), { href: location.pathname, textContent: words.reload }));
}

const article = $("article[data-live]");
const update = () => { if ($("#queue")) refresh(); else if (article) refreshTicket(article); };
if ($("#queue") || article) {
  let timer = setInterval(update, 15000), waits = 0;
  if ("EventSource" in window) {
    const source = new EventSource("/live");
    source.addEventListener("change", () => { clearTimeout(waits); waits = setTimeout(update, 250); });
    source.addEventListener("open", () => { clearInterval(timer); timer = setInterval(update, 60000); });
    addEventListener("pagehide", () => source.close());
  }
  notified = Number($("#queue")?.dataset.new || 0);
}

const wantsNotices = () => localStorage.getItem("notify") === "on" && "Notification" in window && Notification.permission === "granted";
for (const box of $$("[data-notify]")) box.checked = wantsNotices();
document.addEventListener("change", async (event) => {
  if (!event.target.matches("[data-notify]")) return;
  const isGranted = event.target.checked && "Notification" in window && (await Notification.requestPermission()) === "granted";
  localStorage.setItem("notify", isGranted ? "on" : "off");
  event.target.checked = isGranted;
});
