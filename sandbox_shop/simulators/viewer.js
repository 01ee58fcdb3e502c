// The viewer: polls the list, shows one mail, one conversation or the faults. No library.
"use strict";

const KINDS = {
  status: ['{"status": 503}', "Answers with this status and does not take the message. Further: headers {…}, retry_after (seconds), code and message (as the provider words it), body (raw text)."],
  hang: ['{"seconds": 30}', "Says nothing for so many seconds, then closes. With \"accept\": true the message is taken all the same."],
  accept_and_drop: ["{}", "Takes the message and closes the connection without an answer."],
  drop: ["{}", "Closes the connection without taking the message."],
  slow: ['{"seconds": 2}', "Answers well, but late."],
  redirect: ['{"status": 302}', "Answers with a redirect, to location or to a page that says 200."],
  html_error: ['{"status": 502}', "Answers with a gateway's HTML page."],
  duplicate_events: ["{}", "Each event of the next message comes twice, with the same id."],
  reorder_events: ["{}", "The events of the next message come backwards."],
  lose_events: ["{}", "The events of the next message never come."],
  event: ['{"event": "bounce"}', "The next message ends with this event (bounce, blocked, dropped, deferred, spamreport, unsubscribe …; for SMS undelivered or failed, with error_code). With \"message\": ID it is reported at once for that one."],
};
const GOOD = ["delivered", "read"];
const BAD = ["bounce", "blocked", "dropped", "spamreport", "undelivered", "failed", "unsubscribe"];
const ICONS = {
  email: '<svg viewBox="0 0 24 24"><rect x="2" y="5" width="20" height="14" rx="3"/><path d="M3 7.5l9 6 9-6"/></svg>',
  sms: '<svg viewBox="0 0 24 24"><rect x="6" y="2" width="12" height="20" rx="3"/><path d="M10.5 19h3"/></svg>',
};
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const detail = $("#detail");
let channel = "";
let version = null;
let shown = null; // what the detail holds: "faults", an id, or null

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

async function call(method, path, data) {
  const response = await fetch(path, {
    method,
    headers: data === undefined ? {} : { "Content-Type": "application/json" },
    body: data === undefined ? undefined : JSON.stringify(data),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error || body.body || `The simulator answered ${response.status}.`);
  return body;
}

function clock(text) {
  const at = new Date(text);
  const today = at.toDateString() === new Date().toDateString();
  return today ? at.toLocaleTimeString() : at.toLocaleString();
}

function paintStatus(element, status) {
  element.textContent = status;
  element.classList.toggle("good", GOOD.includes(status));
  element.classList.toggle("bad", BAD.includes(status));
}

function tell(within, text, isBad) {
  const outcome = $(".outcome", within);
  outcome.textContent = text;
  outcome.classList.toggle("bad", Boolean(isBad));
  outcome.hidden = false;
}

// --- the list ---

function row(message) {
  const link = make("a");
  link.href = `#m/${encodeURIComponent(message.id)}`;
  if (message.id === shown) link.setAttribute("aria-current", "true");
  const kind = make("span", "kind");
  kind.innerHTML = ICONS[message.channel] || ICONS.sms;
  const time = make("time", "", clock(message.sent_at));
  time.dateTime = message.sent_at;
  const last = make("span", "last");
  const status = make("span", "chip");
  paintStatus(status, message.status);
  last.append(make("span", "preview", message.subject ? message.preview : message.from), status);
  link.append(kind, make("span", "who", message.to), time, make("span", "title", message.subject || message.preview), last);
  const item = make("li");
  item.append(link);
  return item;
}

async function refresh(force) {
  try {
    const response = await fetch(`/messages.json?summary=1&limit=200&channel=${channel}`);
    const etag = response.headers.get("ETag");
    $("#offline").hidden = true;
    if (etag === version && !force) return;
    version = etag;
    const messages = await response.json();
    $("#list").replaceChildren(...messages.map(row));
    $("#empty").hidden = messages.length > 0;
    if (shown && shown !== "faults") await update();
  } catch {
    $("#offline").hidden = false;
    version = null;
  }
}

async function countFaults() {
  const { faults } = await call("GET", "/faults").catch(() => ({ faults: [] }));
  $("#fault-count").textContent = faults.length;
  $("#fault-count").hidden = faults.length === 0;
  const waiting = $(".waiting");
  if (waiting) waiting.replaceChildren(...faults.map((fault) => make("li", "", JSON.stringify(fault))));
}

// --- one mail ---

function fitFrame(frame) {
  const inner = frame.contentDocument;
  if (!inner || !inner.documentElement) return;
  frame.style.height = "0";
  frame.style.height = `${Math.max(200, inner.documentElement.scrollHeight)}px`;
}

function withBase(html) {
  // every link of the mail opens in a tab of its own
  const base = '<base target="_blank">';
  return /<head[^>]*>/i.test(html) ? html.replace(/<head[^>]*>/i, (head) => head + base) : base + html;
}

function showPart(article, part) {
  $$("[data-part]", article).forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.part === part)));
  $$("[data-shows]", article).forEach((e) => { e.hidden = e.dataset.shows !== part; });
  $(".widths", article).hidden = part !== "html";
  if (part === "html") fitFrame($("iframe", article));
}

async function actOnMail(article, message, button) {
  button.disabled = true;
  try {
    if (button.dataset.do === "unsubscribe") {
      const answer = await call("POST", "/unsubscribe", { message: message.id });
      const taken = answer.status >= 200 && answer.status < 300;
      tell(article, `${answer.url} answered ${answer.status}.`, !taken);
    } else {
      const url = message.links[0];
      const answer = await call("POST", "/events", { message: message.id, event: button.dataset.do, url });
      tell(article, `Reported to the shop: ${answer.reported}.`);
    }
  } catch (error) {
    tell(article, error.message, true);
  }
  button.disabled = false;
}

function showMail(message) {
  const article = $("#mail").content.firstElementChild.cloneNode(true);
  $$("[data-text]", article).forEach((e) => { e.textContent = message[e.dataset.text] || "(none)"; });
  $$("[data-needs]", article).forEach((e) => { e.hidden = !message.tracking[e.dataset.needs]; });
  $$("[data-do]", article).forEach((b) => b.addEventListener("click", () => actOnMail(article, message, b)));
  $$("[data-part]", article).forEach((b) => b.addEventListener("click", () => showPart(article, b.dataset.part)));
  $$("[data-width]", article).forEach((b) => b.addEventListener("click", () => {
    $$("[data-width]", article).forEach((each) => each.setAttribute("aria-pressed", String(each === b)));
    $("[data-shows=html]", article).style.maxWidth = b.dataset.width ? `${b.dataset.width}px` : "";
    setTimeout(() => fitFrame(frame), 250);
  }));
  $("[data-shows=text]", article).append(...linked(message.text || "(no text part)"));
  for (const [name, value] of Object.entries(message.headers)) {
    $("[data-shows=headers]", article).append(make("dt", "", name), make("dd", "", value));
  }
  const frame = $("iframe", article);
  frame.addEventListener("load", () => fitFrame(frame));
  frame.srcdoc = withBase(message.html);
  detail.replaceChildren(article);
  showPart(article, message.html ? "html" : "text");
}

function paintHistory(message) {
  paintStatuses(message);
  $(".history", detail).replaceChildren(...[...message.events].reverse().map((event) => {
    const item = make("li");
    const status = make("span", "chip");
    paintStatus(status, event.event);
    const code = event.error_code ? `code ${event.error_code}` : "";
    const lost = event.reported ? "" : "not reported to the shop";
    item.append(make("time", "", clock(event.at)), status, make("small", "", [code, lost].filter(Boolean).join(", ")));
    return item;
  }));
}

function paintStatuses(message) {
  $$("[data-status]", detail).forEach((e) => paintStatus(e, message.status));
  $$("[data-time]", detail).forEach((e) => { e.textContent = new Date(message.sent_at).toLocaleString(); });
}

// --- one phone ---

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) => {
    if (index % 2 === 0) return document.createTextNode(part);
    const [, url, tail] = part.match(/^(.*?)([.,;:!?)»”]*)$/);
    const link = make("a", "", url);
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
    const both = document.createDocumentFragment();
    both.append(link, tail);
    return both;
  });
}

function bubble(className, text, note) {
  const item = make("li", className);
  item.append(...linked(text));
  if (note) item.append(make("small", "", note));
  return item;
}

async function paintConversation(message) {
  const all = await call("GET", `/messages.json?channel=sms&to=${encodeURIComponent(message.to)}`);
  const talk = all.filter((each) => each.from === message.from).reverse();
  const spoken = talk.flatMap((each) => [
    { at: each.sent_at, item: () => bubble(`theirs ${BAD.includes(each.status) ? "failed" : ""} ${each.id === message.id && talk.length > 1 ? "picked" : ""}`, each.text, each.status) },
    ...each.replies.map((reply) => ({ at: reply.at, item: () => bubble(reply.author === "phone" ? "mine" : "carrier", reply.text) })),
  ]).sort((one, other) => (one.at < other.at ? -1 : 1));
  const bubbles = $(".bubbles", detail);
  let minute = "";
  bubbles.replaceChildren(...spoken.flatMap(({ at, item }) => {
    const now = clock(at).replace(/:\d\d(?!.*:)/, "");
    const when = now === minute ? [] : [make("li", "when", now)];
    minute = now;
    return [...when, item()];
  }));
  bubbles.scrollTop = bubbles.scrollHeight;
}

function showPhone(message) {
  const article = $("#sms").content.firstElementChild.cloneNode(true);
  $$("[data-text]", article).forEach((e) => { e.textContent = message[e.dataset.text]; });
  const form = $("form", article);
  if (!message.from.startsWith("+")) {
    form.text.disabled = true;
    $("button", form).disabled = true;
    form.text.placeholder = "A name cannot be answered";
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = form.text.value;
    form.text.value = "";
    try {
      const answer = await call("POST", "/reply", { message: message.id, text });
      const taken = answer.status >= 200 && answer.status < 300;
      tell(article, `The shop answered ${answer.status}.`, !taken);
    } catch (error) {
      tell(article, `The answer did not reach the shop: ${error.message}`, true);
    }
    refresh(true);
  });
  detail.replaceChildren(article);
}

// --- faults ---

function showFaults() {
  const article = $("#faults").content.firstElementChild.cloneNode(true);
  const form = $("form", article);
  $("[data-origin]", article).textContent = location.origin;
  for (const [kind, [fields, about]] of Object.entries(KINDS)) {
    form.kind.append(new Option(kind));
    const line = make("tr");
    const names = [make("td"), make("td"), make("td", "", about)];
    names[0].append(make("code", "", kind));
    names[1].append(make("code", "", fields === "{}" ? "" : fields));
    line.append(...names);
    $(".kinds tbody", article).append(line);
  }
  const fill = () => { [form.more.value, $(".about", form).textContent] = KINDS[form.kind.value]; };
  form.kind.addEventListener("change", fill);
  fill();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const more = JSON.parse(form.more.value || "{}");
      await call("POST", "/faults", { kind: form.kind.value, provider: form.provider.value, times: Number(form.times.value), ...more });
      tell(form, "Set.");
    } catch (error) {
      tell(form, error.message, true);
    }
    countFaults();
  });
  $("[data-do=clear-faults]", form).addEventListener("click", async () => {
    await call("DELETE", "/faults");
    countFaults();
  });
  detail.replaceChildren(article);
  countFaults();
}

// --- what is open ---

async function update() {
  const response = await fetch(`/messages/${encodeURIComponent(shown)}.json`);
  if (!response.ok) return open(null);
  const message = await response.json();
  if (message.id !== shown) return null;
  if (detail.dataset.holds !== message.id) {
    (message.channel === "email" ? showMail : showPhone)(message);
    detail.dataset.holds = message.id;
    detail.scrollTop = 0;
  }
  paintHistory(message);
  return message.channel === "email" ? null : paintConversation(message);
}

function open(what) {
  shown = what;
  document.body.classList.toggle("open", what !== null);
  if (what === null || what === "faults") delete detail.dataset.holds;
  if (what === null) detail.replaceChildren($("#welcome").content.cloneNode(true));
  else if (what === "faults") showFaults();
  return refresh(true);
}

function follow() {
  const hash = location.hash.slice(1);
  if (hash === "faults") return open("faults");
  return open(hash.startsWith("m/") ? decodeURIComponent(hash.slice(2)) : null);
}

$$("[data-channel]").forEach((button) => button.addEventListener("click", () => {
  channel = button.dataset.channel;
  $$("[data-channel]").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
  refresh(true);
}));
$("#clear").addEventListener("click", async () => {
  await call("DELETE", "/messages").catch(() => null);
  location.hash = "";
  refresh(true);
});
addEventListener("hashchange", follow);
addEventListener("resize", () => $$("iframe").forEach(fitFrame));
follow();
countFaults();
setInterval(() => { if (!document.hidden) refresh(false); }, 1500);
setInterval(() => { if (!document.hidden) countFaults(); }, 3000);
