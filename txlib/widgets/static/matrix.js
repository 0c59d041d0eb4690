// A matrix of queries (rows) by keys (columns), for the widgets that name this file in `bundle`.
// Its canvas holds one pixel a cell, which the browser scales up: 64 by 64 cells are painted well
// within a frame, and have sharp edges on every screen.
const MOST_LETTERS = 200;
const SPACES = { " ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥" };

// A token as it is shown: white space at its ends as signs, and never more than a few lines.
function visible(text) {
  const seen = text.replace(/^\s+|\s+$/g, (gap) => [...gap].map((c) => SPACES[c] ?? "␣").join(""));
  const letters = [...seen];
  if (letters.length <= MOST_LETTERS) return seen || "(empty)";
  return `${letters.slice(0, MOST_LETTERS).join("")}… (${letters.length} characters)`;
}

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
const fingers = () => matchMedia("(pointer: coarse)").matches;

// 256 colours from kit.color, each as the four bytes of a pixel.
const palettes = {};
function palette(dark) {
  palettes[dark] ??= Uint32Array.from({ length: 256 }, (_, i) => {
    const [red, green, blue] = kit.color(i / 255, dark).match(/\d+/g).map(Number);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  return palettes[dark];
}

// One pixel a cell; shade(row, column) is between 0 and 1.
function paintCells(canvas, dark, shade) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const inks = palette(dark);
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      pixels[at] = inks[Math.round(255 * clamp(shade(row, column), 0, 1))];
    }
  }
  pen.putImageData(image, 0, 0);
}

// The widest of `texts` in the font of `node`, in pixels.
function widest(node, texts, pixels) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${pixels}px ${getComputedStyle(node).fontFamily}`;
  return Math.max(...texts.map((text) => pen.measureText(visible(text).slice(0, 60)).width));
}

// pick(row) commits to a query; look(row, column) is where the mouse is, look(null) when it left.
// `rows` may be lent to another drawing of the same queries.
function matrix({ root }, queries, keys, { pick, look }) {
  const { h, svg, set } = kit;
  root.classList.add("tx-board");
  const heads = queries.map((text, i) => {
    const name = `${visible(text)}, query ${i + 1} of ${queries.length}`;
    return h("button", { type: "button", "aria-label": name }, kit.token(visible(text)));
  });
  const rows = kit.choices("Query", heads, pick);
  set(rows.group, "class", "tx-rows");
  const names = keys.map((text) => h("span", null, kit.token(visible(text))));
  const columns = h("div", { class: "tx-columns", "aria-hidden": "true" }, names);
  const cells = h("canvas", { width: keys.length, height: queries.length });
  const box = { viewBox: `0 0 ${keys.length} ${queries.length}`, preserveAspectRatio: "none" };
  const marks = svg("svg", box);
  const band = h("div", { class: "tx-band" });
  const spot = h("div", { class: "tx-spot", hidden: true });
  let size = { wide: 1, tall: 1 };
  let over = "";
  const place = (event) => [
    clamp(Math.floor(event.offsetY / size.tall), 0, queries.length - 1),
    clamp(Math.floor(event.offsetX / size.wide), 0, keys.length - 1),
  ];
  const hover = (node, where) => {
    node.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch" || over === (over = where(event).join())) return;
      look(...where(event));
    });
    node.addEventListener("pointerleave", () => ((over = ""), look(null, null)));
  };
  const onclick = (event) => pick(place(event)[0]);
  const parts = [cells, marks, band, spot];
  const area = h("div", { class: "tx-cells", "aria-hidden": "true", onclick }, parts);
  hover(area, place);
  hover(rows.group, ({ target }) => [Math.max(0, heads.indexOf(target.closest("button"))), null]);
  const corner = h("div", { class: "tx-corner", "aria-hidden": "true" }, "key →", h("br"), "query ↓");
  const sheet = h("div", { class: "tx-sheet" }, corner, columns, rows.group, area);
  const scroll = h("div", { class: "tx-scroll" }, sheet);
  const node = h("div", { class: "tx-matrix" }, scroll);

  let last = {};
  function show(picked, row = picked, column = null) {
    heads[last.row]?.removeAttribute("data-look");
    names[last.column]?.removeAttribute("data-look");
    if (picked !== last.picked) rows.show(picked);
    last = { picked, row, column };
    heads[row].setAttribute("data-look", "");
    if (column !== null) names[column].setAttribute("data-look", "");
    band.style.transform = `translateY(${row * size.tall}px)`;
    spot.hidden = column === null;
    spot.style.transform = `translate(${(column ?? 0) * size.wide}px,${row * size.tall}px)`;
  }

  // the width stays that of the column; what does not fit scrolls inside
  const forget = kit.onWidth(node, (width) => {
    const letter = fingers() ? 13 : 12;
    const title = Math.min(
      Math.max(widest(root, queries, letter) + 14, 64), 150, Math.max(70, 0.33 * width),
    );
    const [narrow, low] = fingers() ? [22, 32] : [13, 18];
    const free = width - title - (queries.length > 16 ? 18 : 4);
    const wide = clamp(Math.floor(free / keys.length), narrow, 40);
    size = { wide, tall: clamp(wide, low, 32) };
    const flat = widest(root, keys, letter) <= wide - 4;
    set(columns, "data-flat", flat);
    const style = { "--wide": wide, "--tall": size.tall, "--title": title, "--letter": letter };
    for (const [name, value] of Object.entries(style)) {
      sheet.style.setProperty(name, `${value}px`);
    }
    sheet.style.setProperty("--columns", keys.length);
    sheet.style.setProperty("--rows", queries.length);
    scroll.style.scrollPaddingTop = `${columns.offsetHeight}px`;
    if (last.row !== undefined) show(last.picked, last.row, last.column);
  });

  // outlines cells, given as [row, column]
  function outline(pairs) {
    const frames = pairs.flatMap(([row, column]) =>
      ["tx-halo", "tx-frame"].map((kind) =>
        svg("rect", { class: kind, x: column + 0.1, y: row + 0.1, width: 0.8, height: 0.8 }),
      ),
    );
    marks.replaceChildren(...frames);
  }
  const paint = (dark, shade) => paintCells(cells, dark, shade);
  return { node, sheet, rows: rows.group, show, paint, outline, forget };
}
