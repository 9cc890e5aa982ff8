// The script of the HTML report: it searches, filters, and opens what a link or the printer asks for.
"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const query = document.getElementById("query");
  const boxes = all("input[name=verdict]");
  const shown = document.getElementById("shown");
  const points = all(".point");
  const findings = all(".finding");
  const groups = all(".stop");
  const lanes = all(".lane");
  const sections = all(".workflow");
  const texts = new Map();

  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };

  const filter = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const narrowed = words.length > 0 || verdicts.size < boxes.length;
    const fits = (item, context) =>
      verdicts.has(item.dataset.verdict) && words.every((word) => textOf(item).includes(word) || context.includes(word));
    let number = 0;
    for (const group of groups) {
      const context = textOf(group.querySelector(":scope > summary"));
      let here = 0;
      for (const point of all(":scope > .point", group)) {
        point.hidden = !fits(point, context);
        here += !point.hidden;
      }
      group.hidden = narrowed && here === 0;
      if (words.length > 0 && here > 0) group.open = true;
      number += here;
    }
    for (const finding of findings) finding.hidden = !fits(finding, "");
    const empty = (whole, parts) => narrowed && !parts.some((part) => whole.contains(part) && !part.hidden);
    for (const lane of lanes) lane.hidden = empty(lane, all(".stop", lane));
    for (const section of sections) section.hidden = empty(section, all(".stop", section));
    shown.textContent = narrowed ? `${number} of ${points.length} requirements` : `${points.length} requirements`;
  };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      at.hidden = false;
      if (at.tagName === "DETAILS") at.open = true;
    }
    target.scrollIntoView();
    if (target.tagName === "DETAILS") target.firstElementChild.focus({ preventScroll: true });
  };

  let closed = [];
  const openAll = () => {
    closed = all("details:not([open])");
    for (const item of closed) item.open = true;
  };

  query.addEventListener("input", filter);
  for (const box of boxes) box.addEventListener("change", filter);
  document.getElementById("open").addEventListener("click", (event) => {
    const open = event.target.textContent === "open all";
    for (const item of all(".stop, .point")) item.open = open;
    event.target.textContent = open ? "close all" : "open all";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== query && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    } else if (event.key === "Escape" && document.activeElement === query) {
      query.value = "";
      filter();
    }
  });
  addEventListener("hashchange", reveal);
  // A link to where one already is changes no address.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  addEventListener("beforeprint", openAll);
  addEventListener("afterprint", () => {
    for (const item of closed) item.open = false;
  });
  document.querySelector(".toolbar").hidden = false;
  filter();
  reveal();
})();
