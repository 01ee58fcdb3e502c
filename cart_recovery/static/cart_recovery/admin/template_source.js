/* The source of a template: line numbers, marked placeholders, marked mistakes.
 *
 * Behind each text area lies a layer with the same text in the same font, one element per line. It shows
 * numbers and colors; what is typed stays in the text area, which works as ever without this script. */
"use strict";

window.cartRecoverySource = function (area) {
  /* longer ones are refused anyway, and would only make typing slow */
  const LONGEST = 70000;
  const TAGS = /(\{\{[^\n]*?\}\}|\{%[^\n]*?%\}|\{#[^\n]*?#\})/;
  const box = document.createElement("div");
  const layer = document.createElement("div");
  let mistakes = new Set();

  box.className = "cr-code-box";
  layer.className = "cr-code-layer";
  layer.setAttribute("aria-hidden", "true");
  area.before(box);
  box.append(layer, area);

  function lineOf(text, number) {
    const line = document.createElement("div");
    line.className = mistakes.has(number) ? "cr-line cr-line-bad" : "cr-line";
    line.dataset.number = number;
    for (const [index, part] of text.split(TAGS).entries()) {
      if (index % 2) {
        const mark = document.createElement("span");
        mark.className = "cr-tag";
        mark.textContent = part;
        line.append(mark);
      } else {
        line.append(part);
      }
    }
    /* an empty line has its height, too */
    line.append("\u200b");
    return line;
  }

  function draw() {
    const isShown = area.value.length <= LONGEST;
    layer.replaceChildren(...(isShown ? area.value.split("\n") : []).map((text, n) => lineOf(text, n + 1)));
    follow();
  }

  function follow() {
    layer.scrollTop = area.scrollTop;
    layer.scrollLeft = area.scrollLeft;
  }

  area.addEventListener("input", draw);
  area.addEventListener("scroll", follow);
  new ResizeObserver(() => {
    layer.style.height = `${area.offsetHeight}px`;
    follow();
  }).observe(area);
  draw();

  return {
    mark(lines) {
      mistakes = new Set(lines);
      draw();
    },
    go(line) {
      const before = area.value.split("\n").slice(0, line - 1);
      const start = before.reduce((sum, text) => sum + text.length + 1, 0);
      const end = area.value.indexOf("\n", start);
      area.focus();
      area.setSelectionRange(start, end < 0 ? area.value.length : end);
      const shown = layer.children[line - 1];
      if (shown) {
        area.scrollTop = shown.offsetTop - area.clientHeight / 3;
      }
    },
  };
};
