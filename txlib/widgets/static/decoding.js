// What decoding did so far, in two drawings: who computed which token, and what each step cost.
const CELL = 12;
const NAMES = { anew: "Without a cache", cached: "With a cache" };

// A drawing of steps (rows) by tokens (columns): filled = computed, dot = read, ring = fell out of
// the window, cross = taken back.
function triangle(columns, way) {
  const { h, svg, set } = kit;
  const kinds = ["empty", "computed", "read", "fallen", "freed"];
  const paths = kinds.map((kind) => svg("path", { class: `tx-${kind}` }));
  const band = svg("rect", { class: "tx-band", x: -1.5, width: columns * CELL + 3, height: CELL + 2 });
  const drawing = svg("svg", { "aria-hidden": "true" }, paths, band);
  const sum = h("b");
  const node = h("div", { class: "tx-way", "data-way": way }, h("p", null, NAMES[way], sum), drawing);
  const square = (x, y) => `M${x * CELL + 1} ${y * CELL + 1}h10v10h-10z`;
  const round = (x, y, r) => `M${x * CELL + 6 - r} ${y * CELL + 6}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  const cross = (x, y) => `M${x * CELL + 3} ${y * CELL + 3}l6 6m0-6l-6 6`;
  function show(actions, rows, text) {
    const d = { empty: [], computed: [], read: [], fallen: [], freed: [] };
    actions.forEach((action, y) => {
      if (action.freed) {
        if (way === "cached") for (let x = action.freed[0]; x < action.freed[1]; x += 1) d.freed.push(cross(x, y));
        return;
      }
      const last = action.length - 1;
      for (let x = 0; x < columns; x += 1) {
        if (x === last || (way === "anew" && x < last)) d.computed.push(square(x, y));
        else if (x > last) d.empty.push(square(x, y));
        else d[x < action.oldest ? "fallen" : "read"].push(round(x, y, x < action.oldest ? 2.5 : 3));
      }
    });
    for (let y = actions.length; y < rows; y += 1) for (let x = 0; x < columns; x += 1) d.empty.push(square(x, y));
    kinds.forEach((kind, i) => set(paths[i], "d", d[kind].join("")));
    set(drawing, "viewBox", `-2 -2 ${columns * CELL + 4} ${rows * CELL + 4}`);
    band.style.display = actions.length ? "" : "none";
    set(band, "y", (actions.length - 1) * CELL - 1);
    sum.textContent = text;
    for (const kind of kinds) set(node, `data-${kind}`, d[kind].length);
  }
  return { node, show };
}

// Products of every step so far, two lines on one scale.
function chart({ later }) {
  const { h, svg, set } = kit;
  const [height, left, right, top, bottom] = [150, 40, 12, 10, 30];
  const axis = svg("path", { class: "tx-axis" });
  const lines = ["anew", "cached"].map((way) => svg("polyline", { class: "tx-line", "data-way": way }));
  const dots = ["anew", "cached"].map((way) => svg("path", { class: "tx-dots", "data-way": way }));
  const texts = ["end", "end", "middle"].map((anchor) => svg("text", { "text-anchor": anchor }));
  const drawing = svg("svg", { "aria-hidden": "true", height }, axis, lines, dots, texts);
  const legend = h("p", { class: "tx-legend" },
    h("span", { "data-way": "anew" }, "● without a cache"), h("span", { "data-way": "cached" }, "◆ with"));
  const node = h("div", { class: "tx-panel" }, h("p", { class: "tx-title" }, "Query–key products a step, one head"), drawing, legend);
  let [width, shown] = [0, null];
  function redraw() {
    if (!width || !shown) return;
    const { actions, rows, most } = shown;
    const x = (i) => left + ((i + 0.5) / rows) * (width - left - right);
    const y = (v) => height - bottom - (v / most) * (height - top - bottom);
    set(drawing, "viewBox", `0 0 ${width} ${height}`);
    set(axis, "d", `M${left} ${top}V${height - bottom}H${width - right}`);
    [most, 0, "step"].forEach((text, i) => {
      texts[i].textContent = text;
      set(texts[i], "x", i < 2 ? left - 5 : (left + width - right) / 2);
      set(texts[i], "y", i < 2 ? y(text) + 4 : height - 8);
    });
    ["anew", "cached"].forEach((way, w) => {
      const points = actions.flatMap((action, i) => (action[way] ? [[x(i).toFixed(1), y(action[way].products).toFixed(1)]] : []));
      const mark = w ? "m0-4l4 4l-4 4l-4-4z" : "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z";
      set(lines[w], "points", points.map((point) => point.join()).join(" "));
      set(dots[w], "d", points.map((point) => `M${point.join(" ")}${mark}`).join(""));
    });
  }
  later(kit.onWidth(drawing, (wide) => ((width = wide), redraw())));
  return { node, show: (actions, rows, most) => ((shown = { actions, rows, most }), redraw()) };
}
