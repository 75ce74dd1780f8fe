"use strict";
// The page is whole without this. With it the page changes by itself: the relay sends the parts that changed, made from
// the same templates, and each is worked into the part that is here, so that what has the focus, is open or was typed stays.

const LEVELS = ["trouble", "attention", "working", "good"];
// The reader's: no part that comes says anything of them.
const KEPT = ["open", "hidden", "disabled"];
const at = (id) => document.getElementById(id);
const environments = () => [...document.querySelectorAll("article.environment")];
document.documentElement.classList.add("scripted");

// Times, by the relay's clock.
let ahead = 0;
function about(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}
function tellTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const since = (Date.now() + ahead - Date.parse(time.dateTime)) / 1000;
    const text = `${about(Math.max(0, Math.floor(since)))} ago`;
    const ago = time.querySelector(".ago");
    if (ago && ago.textContent !== text) ago.textContent = text;
  }
}

// One node becomes as another one is, children by their ids or in their order.
function become(old, now) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!KEPT.includes(name) && !now.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (!KEPT.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  let next = old.firstChild;
  for (const wanted of [...now.childNodes]) {
    const fits = (node) => node && node.nodeName === wanted.nodeName && (node.id || "") === (wanted.id || "");
    const same = fits(next) ? next : wanted.id && [...old.children].find(fits);
    if (same) {
      if (same === next) next = next.nextSibling;
      else old.insertBefore(same, next);
      become(same, wanted);
    } else {
      old.insertBefore(wanted, next);
      if (wanted.nodeName === "FORM") rest(wanted);
    }
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

// Who was about to press the button that stood here has read another number.
function rest(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  setTimeout(() => { button.disabled = false; }, 1500);
}

function keepFocus(change) {
  const focused = document.activeElement;
  const row = focused && focused.closest("[data-name]")?.querySelector("summary");
  change();
  if (!focused || focused === document.activeElement || focused === document.body) return;
  (focused.isConnected ? focused : row)?.focus({ preventScroll: true });
}

function take(html) {
  const now = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  const old = now && at(now.id);
  if (!old) return;
  tellTimes(now);
  const before = { level: old.dataset.level, label: old.dataset.label, top: lastChange(old) };
  keepFocus(() => {
    become(old, now);
    if (old.dataset.title) document.title = old.dataset.title;
  });
  if (old.dataset.label !== before.label) tell(old, before.level);
  if (lastChange(old) !== before.top) flash(old.querySelector("tbody tr"));
  changed = true;
}

function lastChange(part) {
  const cells = part.querySelectorAll("tbody tr:first-child td");
  return [...cells].slice(0, 2).map((cell) => cell.textContent).join();
}

function flash(row) {
  if (!row || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  row.animate([{ backgroundColor: "var(--working-tint)" }, { backgroundColor: "transparent" }], 2500);
}

// Something came: what is found, and the order, may be others.
let changed = false;

// The worst first, once the reader is at none of them: what is about to be pressed does not move.
function order() {
  const list = at("environments");
  if (list.querySelector("article:hover, article:focus-within")) return false;
  const rank = (it) => LEVELS.indexOf(it.dataset.level);
  const wanted = environments().sort((a, b) => rank(a) - rank(b) || (a.dataset.name < b.dataset.name ? -1 : 1));
  let next = list.firstElementChild;
  for (const it of wanted) {
    if (it === next) next = next.nextElementSibling;
    else list.insertBefore(it, next);
  }
  return true;
}

// What is told to who does not see it: trouble, and its end.
let told = [];
function tell(part, before) {
  const matters = (level) => level === "trouble" || level === "attention";
  if (!part.dataset.label || !(matters(part.dataset.level) || matters(before))) return;
  if (!told.length) setTimeout(tellAll, 1000);
  told.push(`${part.dataset.name}: ${part.dataset.label}`);
}
function tellAll() {
  const more = told.length > 3 ? ` And ${told.length - 3} more.` : "";
  at("news").textContent = `${told.slice(0, 3).join(". ")}.${more}`;
  told = [];
}

// Searching. What is sought stays in the address, so that the page can be loaded again.
const search = at("search");
function find() {
  const sought = search.value.trim().toLowerCase();
  const all = environments();
  for (const it of all) {
    const hidden = !it.dataset.foundBy.includes(sought);
    if (it.hidden !== hidden) it.hidden = hidden;
  }
  const found = all.filter((it) => !it.hidden).length;
  const text = sought ? `${found} of ${all.length} environment${all.length === 1 ? "" : "s"}` : "";
  if (at("found").textContent !== text) at("found").textContent = text;
}
search.addEventListener("input", () => {
  find();
  const query = search.value.trim();
  history.replaceState(null, "", query ? `/?q=${encodeURIComponent(query)}` : "/");
});
search.form.addEventListener("submit", (event) => event.preventDefault());

// Orders, without leaving the page.
const sending = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches(".order")) return;
  event.preventDefault();
  if (sending.has(form)) return;
  sending.add(form);
  const name = form.closest("[data-name]").dataset.name;
  const token = at("token");
  const headers = { Accept: "text/plain" };
  if (token?.value) headers.Authorization = `Bearer ${token.value}`;
  let text;
  try {
    const response = await fetch(form.getAttribute("action"), { method: "POST", headers });
    text = (await response.text()).trim();
    if (response.status === 403 && token) {
      text = token.value ? "this is not the relay's ADMIN_TOKEN" : "type ADMIN_TOKEN in the field above first";
      token.focus();
    }
  } catch {
    text = "the relay did not answer: try again";
  }
  sending.delete(form);
  answer(`${name}: ${text}`);
});
let answered;
function answer(text) {
  const said = document.createElement("p");
  said.textContent = text;
  at("answer").replaceChildren(said);
  clearTimeout(answered);
  answered = setTimeout(() => at("answer").replaceChildren(), 12000);
}

// What changes. A stream ends after a while, and the browser opens the next by itself.
let from = at("live").dataset.from;
let source, later, heard = Date.now(), lost = 0;
function isLive(live, text) {
  const line = at("live");
  if (line.textContent === text) return;
  if (!live) at("news").textContent = text;
  line.className = live ? "on" : "off";
  line.textContent = text;
}
function connect() {
  source?.close();
  clearTimeout(later);
  source = new EventSource(from);
  const on = (name, does) => source.addEventListener(name, (event) => {
    if (event.lastEventId) from = `/live?since=${event.lastEventId}`;
    heard = Date.now();
    lost = 0;
    does(event.data);
  });
  on("part", take);
  on("seen", () => {});
  on("now", (milliseconds) => {
    ahead = Number(milliseconds) - Date.now();
    isLive(true, "Live: what changes shows by itself.");
  });
  source.onerror = () => {
    lost ||= Date.now();
    // Refused, or too many pages are open: the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) later = setTimeout(connect, 5000);
  };
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    source.close();
    clearTimeout(later);
  } else {
    heard = Date.now();
    lost = 0;
    connect();
  }
});
setInterval(() => {
  if (document.hidden) return;
  tellTimes(document);
  if (changed) {
    find();
    changed = !order();
  }
  const silent = Date.now() - heard;
  if (silent > 28000 || (lost && Date.now() - lost > 3000)) {
    isLive(false, "Not live: the relay cannot be reached, or too many of its pages are open. Trying again.");
  }
  if (silent > 60000 && source.readyState === EventSource.OPEN) {
    heard = Date.now();
    connect();
  }
}, 1000);

at("live").textContent = "Connecting.";
find();
tellTimes(document);
connect();
