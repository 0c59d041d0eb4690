// Makes a page ready for paper, and puts it back afterwards: light colours, and the solutions
// gathered at the end, so that an exercise and its answer do not lie side by side.
(() => {
  "use strict";
  const root = document.documentElement;
  const SHEET = 640; // the width of the text on A4, in CSS pixels
  let undo = [];

  function swap(element, place) {
    const mark = document.createComment("");
    element.before(mark);
    place.append(element);
    undo.push(() => mark.replaceWith(element));
  }

  function gather(article) {
    const solutions = [...article.querySelectorAll(".solution")];
    if (!solutions.length) return;
    const end = document.createElement("section");
    end.className = "printed-solutions";
    end.append(Object.assign(document.createElement("h2"), { textContent: "Solutions" }));
    (article.querySelector(":scope > section") ?? article).append(end);
    undo.push(() => end.remove());
    for (const solution of solutions) swap(solution, end);
  }

  function mark(article, selector, name, applies) {
    const marked = [...article.querySelectorAll(selector)].filter(applies);
    for (const element of marked) element.classList.add(name);
    undo.push(() => marked.forEach((element) => element.classList.remove(name)));
  }

  // What scrolls sideways on a screen has to fit the sheet.
  function shrink(view) {
    const zoom = Math.min(1, SHEET / view.scrollWidth);
    view.style.zoom = zoom;
    view.style.setProperty("--zoom", zoom);
    undo.push(() => {
      view.style.zoom = "";
      view.style.removeProperty("--zoom");
    });
  }

  function prepare() {
    if (undo.length) return;
    const theme = root.dataset.theme;
    undo.push(() => (root.dataset.theme = theme));
    root.dataset.theme = "light";
    const article = document.querySelector("article.bd-article");
    if (!article) return;
    gather(article);
    mark(article, "img", "tall", (image) => image.naturalHeight > 1.3 * image.naturalWidth);
    mark(article, ".cell_input", "long", (cell) => cell.textContent.split("\n").length > 30);
    for (const view of article.querySelectorAll(".bertviz")) shrink(view);
  }

  function restore() {
    for (const step of undo.reverse()) step();
    undo = [];
  }

  addEventListener("beforeprint", prepare);
  addEventListener("afterprint", restore);
})();
