/* The campaign screen: sliders that add up to 100, rows to add, and the outlook beside each step.
   Without this script the same form has plain numbers and spare rows, and the server checks them. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("cr-steps");
  if (!root || !root.dataset.forecast) return;
  const form = root.closest("form");
  const text = root.dataset;
  const WHOLE = 100;

  const share = row => row.querySelector(".cr-share");
  const removal = part => part.querySelector(":scope > .cr-away input, :scope > .cr-card > .cr-remove input");
  const isGone = part => Boolean(removal(part)?.checked);
  const rowsOf = step => [...step.querySelectorAll(".cr-row")].filter(row => !isGone(row));
  const number = input => Math.max(0, Math.min(WHOLE, Math.round(Number(input.value) || 0)));

  function show(row, value) {
    share(row).value = value;
    const slider = row.querySelector("input[type=range]");
    if (slider) {
      slider.value = value;
      slider.setAttribute("aria-valuetext", `${value} %`);
    }
  }

  /* The others give or take in proportion, so that the sum stays 100. A share of 0 is a pure fall-back
     and stays one, unless nobody else is there to give or take. */
  function balance(step, changed) {
    const rows = rowsOf(step);
    const others = rows.filter(row => row !== changed);
    if (changed && !others.length) show(changed, WHOLE);
    if (!others.length) return total(step);
    let rest = WHOLE - (changed ? number(share(changed)) : 0);
    let givers = others.filter(row => number(share(row)) > 0);
    if (!givers.length) givers = rest > 0 ? others.slice(0, 1) : [];
    const sum = givers.reduce((n, row) => n + number(share(row)), 0);
    const exact = givers.map(row => (sum ? (number(share(row)) * rest) / sum : rest / givers.length));
    const whole = exact.map(Math.floor);
    let left = rest - whole.reduce((n, value) => n + value, 0);
    exact.map((value, place) => [value - whole[place], place])
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .forEach(([, place]) => { if (left > 0) { whole[place] += 1; left -= 1; } });
    givers.forEach((row, place) => show(row, whole[place]));
    total(step);
  }

  function total(step) {
    const rows = rowsOf(step);
    const sum = rows.reduce((n, row) => n + number(share(row)), 0);
    const line = step.querySelector("[data-total-of]");
    const isOff = rows.length > 0 && sum !== WHOLE;
    line.textContent = rows.length ? `${text.total}: ${sum}${isOff ? ` (${text.missing})` : ""}` : "";
    line.classList.toggle("cr-off", isOff);
  }

  function prepareRow(row) {
    const input = share(row);
    const slider = document.createElement("input");
    Object.assign(slider, {type: "range", min: 0, max: WHOLE, step: 1});
    input.before(slider);
    nameSlider(row);
    show(row, input.value === "" ? "" : number(input));
  }

  function nameSlider(row) {
    const chosen = row.querySelector("select").selectedOptions[0];
    const what = chosen?.value ? `: ${chosen.textContent.trim()}` : "";
    row.querySelector("input[type=range]").setAttribute("aria-label", text.slider + what);
  }

  function prepareStep(step) {
    const isNew = !step.querySelector(".cr-row:not([data-spare])") && !step.querySelector("input[name$='-key']").value;
    if (isNew) step.querySelector(".cr-row").removeAttribute("data-spare");
    step.querySelectorAll(".cr-row[data-spare]").forEach(row => row.remove());
    step.querySelectorAll(".cr-row").forEach(prepareRow);
    if (isNew) show(step.querySelector(".cr-row"), WHOLE);
    const button = addButton(text.addVariant, () => addRow(step));
    step.querySelector("[data-total-of]").after(button);
    total(step);
  }

  function addButton(label, act) {
    const button = document.createElement("button");
    Object.assign(button, {type: "button", className: "button cr-add", textContent: label});
    button.addEventListener("click", act);
    return button;
  }

  function fill(id, from, to) {
    const holder = document.createElement("template");
    holder.innerHTML = document.getElementById(id).innerHTML.replaceAll(from, to);
    return holder.content.firstElementChild;
  }

  function nextNumber(prefix) {
    const count = form.elements[`${prefix}-TOTAL_FORMS`];
    count.value = Number(count.value) + 1;
    return Number(count.value) - 1;
  }

  function addRow(step) {
    const prefix = step.querySelector("[data-mix]").dataset.mix;
    const row = fill("cr-row-template", "steps-__prefix__-mix-__prefix__", `${prefix}-${nextNumber(prefix)}`);
    const before = rowsOf(step).length;
    step.querySelector("[data-mix]").append(row);
    prepareRow(row);
    show(row, Math.floor(WHOLE / (before + 1)));
    balance(step, row);
    row.querySelector("select").focus();
    refresh();
  }

  function addStep() {
    const step = fill("cr-step-template", "steps-__prefix__", `steps-${nextNumber("steps")}`);
    root.querySelector(".cr-timeline").append(step);
    prepareStep(step);
    step.querySelector("input:not([type=hidden])").focus();
    refresh();
  }

  let timer = 0;
  let running = null;
  function refresh(wait = 500) {
    clearTimeout(timer);
    timer = setTimeout(load, wait);
  }

  async function load() {
    running?.abort();
    running = new AbortController();
    const summary = root.querySelector("[data-summary]");
    summary.setAttribute("aria-busy", "true");
    if (!summary.textContent.trim()) summary.textContent = text.counting;
    try {
      const answer = await fetch(text.forecast, {
        method: "POST", body: new FormData(form), credentials: "same-origin", signal: running.signal,
      });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      summary.innerHTML = found.summary;
      root.querySelectorAll(".cr-step").forEach(step => {
        step.querySelector("[data-outlook]").innerHTML = found.steps[step.dataset.prefix] || "";
      });
    } catch (error) {
      if (error.name === "AbortError") return;
      summary.textContent = text.failed;
    }
    summary.removeAttribute("aria-busy");
  }

  /* What the trigger decides: fields that go with it, the purpose, and what the delays count from. */
  function obeyTrigger() {
    const {trigger, starts_with: start, purpose} = form.elements;
    if (!trigger?.dataset.counted) return;
    const read = name => JSON.parse(trigger.dataset[name]);
    const field = name => form.querySelector(`.field-${name}`);
    field("starts_with").hidden = !read("starting").includes(trigger.value);
    field("thanks").hidden = !read("thanking").includes(trigger.value);
    const fixed = read("purposes")[trigger.value];
    if (fixed) purpose.value = fixed;
    else if (purpose.disabled) purpose.value = "cart_reminder";
    purpose.disabled = Boolean(fixed);
    const counted = read("counted")[trigger.value]?.[start.value];
    if (!counted) return;
    [root, document.getElementById("cr-step-template").content].forEach(part => {
      part.querySelectorAll("[data-counted]").forEach(help => { help.textContent = counted; });
    });
  }

  root.querySelectorAll(".cr-step[data-spare]").forEach(step => step.remove());
  root.querySelectorAll(".cr-step").forEach(prepareStep);
  root.querySelector(".cr-timeline").after(addButton(text.addStep, addStep));
  root.addEventListener("input", event => {
    const row = event.target.closest(".cr-row");
    if (row && event.target.type === "range") {
      show(row, number(event.target));
      balance(row.closest(".cr-step"), row);
    } else if (row && event.target === share(row)) {
      total(row.closest(".cr-step"));
    }
  });
  root.addEventListener("change", event => {
    const row = event.target.closest(".cr-row");
    if (row && event.target === share(row)) {
      show(row, number(event.target));
      balance(row.closest(".cr-step"), row);
    } else if (row && event.target.matches("select")) {
      nameSlider(row);
    } else if (row && event.target === removal(row)) {
      row.classList.toggle("cr-gone", isGone(row));
      balance(row.closest(".cr-step"), null);
    }
  });
  form.addEventListener("input", () => refresh());
  form.addEventListener("change", event => {
    if (["trigger", "starts_with"].includes(event.target.name)) obeyTrigger();
    refresh();
  });
  obeyTrigger();
  refresh(0);
});
