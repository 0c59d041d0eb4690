// Makes a page ready for paper, and puts it back afterwards: light colours, and the solutions
// gathered at the end, so that an exercise and its answer do not lie side by side.
(() => {
  "use strict";
  const root = document.documentElement;
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

  function prepare() {
    if (undo.length) return;
    const theme = root.dataset.theme;
    undo.push(() => (root.dataset.theme = theme));
    root.dataset.theme = "light";
    const article = document.querySelector("article.bd-article");
    if (article) gather(article);
  }

  function restore() {
    for (const step of undo.reverse()) step();
    undo = [];
  }

  addEventListener("beforeprint", prepare);
  addEventListener("afterprint", restore);
})();
