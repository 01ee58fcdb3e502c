/* The template editor: refreshes the result while one types, inserts placeholders, sends tests.
 * All texts come from the page; nothing is built here but what the server has escaped. */
"use strict";

(() => {
  const editor = document.querySelector(".cr-editor");
  if (!editor) {
    return;
  }
  const WAIT = 400;
  const form = editor.closest("form");
  const words = editor.dataset;
  const find = (selector) => editor.querySelector(selector);
  const status = find(".cr-status");
  const shown = find(".cr-shown");
  const holder = find(".cr-frame-holder");
  const others = find(".cr-other-problems");
  const kinds = JSON.parse(document.getElementById("cr-kinds").textContent);
  const NAMES = ["subject", "preheader", "html", "text"];
  const fields = Object.fromEntries(NAMES.map((name) => [name, form.elements.namedItem(name)]));
  const sources = {};
  let last = null;
  let timer = 0;
  let running = null;
  let frames = 0;
  let isDirty = false;
  let isSending = false;

  /* --- what the page looks like with script --------------------------------------------------- */

  for (const name of ["html", "text"]) {
    sources[name] = window.cartRecoverySource(fields[name]);
  }
  for (const name of NAMES) {
    const list = document.createElement("ul");
    list.className = "errorlist cr-problems";
    list.id = `cr-problems-${name}`;
    list.hidden = true;
    fields[name].closest(".form-row").append(list);
    /* where one last wrote or pointed to; passing by with the Tab key is neither */
    for (const event of ["input", "click", "keyup"]) {
      fields[name].addEventListener(event, ({ key }) => {
        if (key !== "Tab" && key !== "Shift") {
          last = fields[name];
        }
      });
    }
  }
  for (const button of editor.querySelectorAll(".cr-refresh, .cr-test")) {
    /* Enter in a line of text saves, as everywhere in admin */
    button.type = "button";
  }
  find(".cr-views").hidden = false;
  find(".cr-refresh").hidden = true;

  function isPhone() {
    return kinds[form.elements.namedItem("channel").value] === "phone";
  }

  function showKind() {
    editor.classList.toggle("cr-is-phone", isPhone());
    showSubject(form.elements.namedItem("about").value);
  }

  /* a new template is about what is chosen: what belongs to the other subject cannot be chosen then */
  function showSubject(about) {
    editor.classList.toggle("cr-is-order", about === "order");
    const data = find("[name=preview_data]");
    for (const group of data.querySelectorAll("optgroup")) {
      group.disabled = !group.classList.contains(`cr-for-${about}`);
    }
    if (data.selectedOptions[0]?.parentElement.disabled) {
      data.value = "";
      data.querySelector("optgroup:not(:disabled) option").selected = true;
    }
  }

  function chosen(name) {
    return form.querySelector(`input[name="${name}"]:checked`).value;
  }

  /* --- asking the server ------------------------------------------------------------------------ */

  async function ask(url, signal) {
    const answer = await fetch(url, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
      signal,
    });
    if (answer.status === 400 || answer.status === 413) {
      throw new Error(words.long);
    }
    if (!answer.ok || !answer.headers.get("Content-Type").includes("json")) {
      throw new Error(words.failed);
    }
    return answer.json();
  }

  function complain(error) {
    status.textContent = error.message === words.long ? words.long : words.failed;
    status.classList.add("cr-status-bad");
  }

  /* only the answer to the last question counts */
  async function refreshNow() {
    running?.abort();
    const mine = (running = new AbortController());
    editor.setAttribute("aria-busy", "true");
    status.textContent = words.busy;
    try {
      show(await ask(words.preview, mine.signal));
    } catch (error) {
      if (mine === running) {
        complain(error);
      }
    }
    if (mine === running) {
      editor.removeAttribute("aria-busy");
    }
  }

  /* one at a time: an impatient second click sends no second test */
  async function sendTest() {
    if (isSending) {
      return;
    }
    isSending = true;
    status.textContent = words.sending;
    try {
      show(await ask(words.test));
    } catch (error) {
      complain(error);
    }
    isSending = false;
  }

  function refresh() {
    window.clearTimeout(timer);
    return refreshNow();
  }

  function later() {
    window.clearTimeout(timer);
    timer = window.setTimeout(refresh, WAIT);
  }

  /* --- showing the answer ----------------------------------------------------------------------- */

  function show(answer) {
    showProblems(answer.problems);
    editor.classList.toggle("cr-is-stale", answer.problems.length > 0);
    status.textContent = answer.note || (answer.problems.length ? words.bad : words.good);
    status.classList.toggle("cr-status-bad", answer.problems.length > 0 || answer.is_refused);
    status.classList.toggle("cr-status-note", Boolean(answer.note));
    if (answer.problems.length) {
      return;
    }
    /* escaped by the server, as all of its pages are */
    shown.innerHTML = answer.result;
    showParts();
    if (answer.is_mail) {
      showFrame();
    } else {
      holder.hidden = true;
    }
  }

  function showProblems(problems) {
    for (const name of NAMES) {
      const mine = problems.filter((problem) => problem.field === name);
      const list = document.getElementById(`cr-problems-${name}`);
      const row = fields[name].closest(".form-row");
      /* what the last save complained of is told anew, or is mended */
      row.querySelectorAll(".errorlist:not(.cr-problems)").forEach((old) => old.remove());
      list.replaceChildren(...mine.map((problem) => entryOf(problem, name)));
      list.hidden = !mine.length;
      row.classList.toggle("errors", mine.length > 0);
      fields[name].setAttribute("aria-invalid", mine.length ? "true" : "false");
      fields[name].setAttribute("aria-describedby", list.id);
      sources[name]?.mark(mine.map((problem) => problem.line).filter(Boolean));
    }
    const rest = problems.filter((problem) => !NAMES.includes(problem.field));
    others.replaceChildren(...rest.map((problem) => entryOf(problem, "")));
    others.hidden = !rest.length;
  }

  function entryOf(problem, name) {
    const entry = document.createElement("li");
    if (sources[name] && problem.line) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "cr-go";
      button.title = words.go;
      button.textContent = problem.where;
      button.addEventListener("click", () => sources[name].go(problem.line));
      entry.append(button, `: ${problem.reason}`);
    } else {
      entry.textContent = [problem.where, problem.reason].filter(Boolean).join(": ");
    }
    return entry;
  }

  function showParts() {
    const isHtml = chosen("preview_part") === "html";
    const plain = shown.querySelector(".cr-plain");
    if (plain) {
      plain.hidden = isHtml;
    }
    holder.hidden = !isHtml || !plain;
  }

  /* A new frame for each result, shown once it is there: no flicker, and no entries in the history. The
   * frame has a page of its own, whose policy forbids everything but pictures and styles. */
  function showFrame() {
    const frame = document.createElement("iframe");
    frame.name = `cr-frame-${++frames}`;
    frame.title = holder.dataset.title;
    frame.className = "cr-frame cr-frame-coming";
    frame.setAttribute("sandbox", "");
    const sender = document.createElement("form");
    sender.method = "post";
    sender.action = words.frame;
    sender.target = frame.name;
    sender.hidden = true;
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string") {
        const field = document.createElement("textarea");
        field.name = name;
        field.value = value;
        sender.append(field);
      }
    }
    holder.append(frame);
    document.body.append(sender);
    sender.submit();
    sender.remove();
    /* not before: the empty page that every frame begins with is none to be shown */
    frame.addEventListener("load", () => {
      holder.querySelectorAll(".cr-frame").forEach((old) => old !== frame && old.remove());
      frame.classList.remove("cr-frame-coming");
    });
    fit();
  }

  function fit() {
    const width = chosen("preview_width") === "phone" ? 375 : 720;
    const scale = Math.min(1, (holder.clientWidth || width) / width);
    holder.style.setProperty("--cr-frame-width", `${width}px`);
    holder.style.setProperty("--cr-frame-scale", String(scale));
  }

  /* --- inserting -------------------------------------------------------------------------------- */

  function insert(button) {
    const isUsable = last && last.offsetParent !== null;
    const field = isUsable ? last : fields[isPhone() ? "text" : "html"];
    const before = field.value.slice(0, field.selectionStart);
    const isInAttribute = /=\s*["'][^"'<>]*$/.test(before);
    const text = field === fields.html && !isInAttribute ? button.dataset.html : button.dataset.text;
    field.focus();
    /* the one way that leaves "undo" intact; browsers without it get the text all the same */
    if (!document.execCommand("insertText", false, text)) {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  /* --- listening -------------------------------------------------------------------------------- */

  form.addEventListener("input", (event) => {
    if (NAMES.includes(event.target.name)) {
      isDirty = true;
      later();
    }
  });
  form.addEventListener("change", (event) => {
    const { name } = event.target;
    if (["preview_data", "about", "channel", "language"].includes(name)) {
      showKind();
      refresh();
    } else if (name === "preview_part") {
      showParts();
    } else if (name === "preview_width") {
      fit();
    } else if (name === "preview_scheme" && holder.childElementCount) {
      showFrame();
    }
  });
  form.addEventListener("submit", () => (isDirty = false));
  find(".cr-test").addEventListener("click", sendTest);
  for (const button of editor.querySelectorAll(".cr-insert")) {
    button.disabled = false;
    button.addEventListener("click", () => insert(button));
  }
  window.addEventListener("beforeunload", (event) => {
    if (isDirty) {
      event.preventDefault();
    }
  });
  new ResizeObserver(fit).observe(holder);
  showKind();
  refresh();
})();
