// A query and keys that are dragged in a plane; their values and the context in a second one.
const NEAR = 26; // px around a point in which a finger takes hold of it
const short = (label) => ([...label].length > 9 ? `${[...label].slice(0, 8).join("")}…` : label);
const pair = ([x, y], digits = 2) => `(${kit.number(x, digits)}, ${kit.number(y, digits)})`;

// Corners of the convex hull, in order: Andrew's monotone chain.
function hull(points) {
  const sorted = [...points].sort(([a, b], [c, d]) => a - c || b - d);
  const half = (list) => {
    const kept = [];
    for (const [x, y] of list) {
      while (kept.length > 1) {
        const [[a, b], [c, d]] = kept.slice(-2);
        if ((c - a) * (y - b) - (d - b) * (x - a) > 0) break;
        kept.pop();
      }
      kept.push([x, y]);
    }
    return kept.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

// A square piece of the plane around the origin, with a unit grid; `paint` draws what is in it.
function plane(name, later, paint) {
  const { svg, set } = kit;
  const grid = svg("path", { class: "tx-grid" });
  const axes = svg("path", { class: "tx-axes" });
  const ticks = svg("g", { class: "tx-ticks" });
  const drawing = svg("svg", { "aria-hidden": "true", class: `tx-${name}` });
  drawing.append(grid, axes, ticks);
  const here = { drawing, size: 0, bound: 1 };
  here.at = ([x, y]) => [x, -y].map((c) => ((c / here.bound + 1) * here.size) / 2);
  here.from = (px, py) => [px, here.size - py].map((p) => ((2 * p) / here.size - 1) * here.bound);
  here.rule = () => {
    const { size, bound } = here;
    if (!size) return false;
    set(drawing, "viewBox", `0 0 ${size} ${size}`);
    const step = [0.5, 1, 2, 5].find((one) => bound / one <= 4) ?? 10;
    const marks = [];
    for (let i = -Math.floor(bound / step); i * step <= bound; i += 1) if (i) marks.push(i * step);
    const lines = marks.map((m) => here.at([m, m])).map(([x, y]) => `M${x} 0V${size}M0 ${y}H${size}`);
    set(grid, "d", lines.join(""));
    set(axes, "d", `M${size / 2} 0V${size}M0 ${size / 2}H${size}`);
    ticks.replaceChildren(
      ...marks.filter((m) => Math.abs(m) < 0.93 * bound).map((m) => svg("text", { x: here.at([m, 0])[0], y: size / 2 + 12 }, String(m))),
    );
    return true;
  };
  later(kit.onWidth(drawing, (width) => {
    here.size = width;
    if (here.rule()) paint();
  }));
  return here;
}

// A name beyond a point, seen from the origin, kept inside the drawing.
function place(text, [x, y], size) {
  const [dx, dy] = [x - size / 2, y - size / 2];
  const far = Math.hypot(dx, dy) || 1;
  text.half ||= text.getComputedTextLength() / 2 + 3; // its text never changes
  const half = text.half;
  const [right, down] = far > 1 ? [dx / far, dy / far] : [0, -1];
  const inside = (at, room) => Math.min(size - room, Math.max(room, at)).toFixed(1);
  kit.set(text, "x", inside(x + right * (16 + half), half));
  kit.set(text, "y", inside(y + down * 22 + 4, 12));
}
function stretch(line, [a, b], [c, d], weight) {
  for (const [key, v] of [["x1", a], ["y1", b], ["x2", c], ["y2", d]]) kit.set(line, key, v.toFixed(1));
  line.style.strokeWidth = (1.5 + 6 * weight).toFixed(2);
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "qkv", "Query, keys and values in the plane");
  const { append, settle, watch, save, later, cleanup } = frame;
  const { h, svg, set, number } = kit;
  const labels = model.get("labels");
  const values = model.get("values");
  const size = labels.length;
  const name = (i) => (i ? `key ${labels[i - 1]}` : "query");
  const spot = (i) => (i ? model.get("key_points")[i - 1] : model.get("query"));
  const DIAMOND = "M0-11L11 0L0 11L-11 0Z";

  // ---- the plane in which query and keys move ----
  let now; // what was computed last
  const moving = plane("moving", later, () => paint());
  const level = svg("line", { class: "tx-level" });
  const arrows = labels.map(() => svg("line", { class: "tx-arrow" }));
  const aim = svg("line", { class: "tx-aim" });
  const points = [0, ...labels].map((_, i) =>
    svg("g", { class: i ? "tx-key" : "tx-query" },
      svg("circle", { class: "tx-hit", r: 22 }),
      svg("circle", { class: "tx-ring", r: 15 }),
      i ? svg("circle", { r: 8 }) : svg("path", { d: DIAMOND })),
  );
  const names = ["q", ...labels].map((label) => svg("text", { class: "tx-label" }, short(label)));
  const layer = svg("g", null, points);
  moving.drawing.append(level, ...arrows, aim, layer, ...names);

  const move = (i, to) => {
    const bound = moving.bound;
    const point = to.map((c) => Math.round(100 * Math.min(bound, Math.max(-bound, c))) / 100 + 0);
    if (!i) return save({ query: point });
    const keys = [...model.get("key_points")];
    keys[i - 1] = point;
    return save({ key_points: keys });
  };
  const pointer = (event) => {
    const box = moving.drawing.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let held = null; // the point in hand, and where in it the hand is
  const stage = h(
    "div",
    {
      class: "tx-stage", role: "application", tabindex: 0,
      onpointerdown: (event) => {
        if (event.button || held) return;
        const [px, py] = pointer(event);
        const far = (i) => {
          const [x, y] = moving.at(spot(i));
          return Math.hypot(x - px, y - py) - (i === model.get("selected") ? 6 : 0);
        };
        const near = points.map((_, i) => i).sort((a, b) => far(a) - far(b))[0];
        if (far(near) > NEAR) return;
        event.preventDefault();
        const [x, y] = moving.at(spot(near));
        held = { i: near, dx: x - px, dy: y - py };
        stage.setPointerCapture(event.pointerId);
        stage.focus({ preventScroll: true });
        save({ selected: near });
      },
      onpointermove: (event) => {
        if (!held) return;
        const [px, py] = pointer(event);
        move(held.i, moving.from(px + held.dx, py + held.dy));
      },
      onpointerup: () => (held = null),
      onpointercancel: () => (held = null),
      onkeydown: (event) => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
        const way = by[event.key];
        if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        const far = event.shiftKey ? 0.5 : 0.1;
        move(model.get("selected"), spot(model.get("selected")).map((c, k) => c + far * way[k]));
      },
    },
    moving.drawing,
  );

  // ---- the plane of the values, and the context among them ----
  const still = plane("still", later, () => paint());
  still.bound = 1.3 * Math.max(1e-9, ...values.flat().map(Math.abs));
  const shape = svg("polygon", { class: "tx-hull" });
  const strings = values.map(() => svg("line", { class: "tx-string" }));
  const discs = values.map(() => svg("circle", { class: "tx-disc" }));
  const tags = labels.map((label) => svg("text", { class: "tx-label" }, short(label)));
  const middle = svg("path", { class: "tx-context", d: DIAMOND });
  still.drawing.append(shape, ...strings, ...discs, middle, ...tags);

  // ---- controls and numbers ----
  const chips = labels.map((label) =>
    h("button", { type: "button", "aria-label": `key ${label}` }, kit.token(label)),
  );
  chips.unshift(h("button", { type: "button" }, "query"));
  const pick = kit.choices("Point to move", chips, (selected) => save({ selected }));
  set(pick.group, "class", "tx-chips");
  const reading = h("span", { class: "tx-where" });
  const scaling = h("input", {
    type: "checkbox", role: "switch", onchange: () => save({ scaled: scaling.checked }),
  });
  const dimension = h("input", {
    type: "range", min: 1, max: 9, step: 1, "aria-label": "As if d_k were",
    oninput: () => save({ d_k: 2 ** Number(dimension.value) }),
  });
  const shown = h("output", null);
  const dk = () => ["d", h("sub", null, "k")];
  const rows = labels.map((label) => {
    const cells = Object.fromEntries(
      ["dot", "score", "weight"].map((kind) => [kind, h("td", { class: `tx-${kind}` })]),
    );
    const where = h("small", null);
    const fill = h("div", { class: "tx-fill" });
    const root = h(
      "tr", null,
      h("th", { scope: "row" }, kit.token(label), where),
      cells.dot, cells.score, cells.weight,
      h("td", { class: "tx-bar", "aria-hidden": "true" }, h("div", null, fill)),
    );
    return { root, where, fill, ...cells };
  });
  const table = h(
    "table", null,
    h("thead", null, h("tr", null,
      ["Key", "q·k", "Score", "Weight"].map((title) => h("th", { scope: "col" }, title)),
      h("td", { class: "tx-bar" }))),
    h("tbody", null, rows.map((row) => row.root)),
  );
  const [formula, result, sharp, note] = ["formula", "result", "sharp", "note"].map((kind) =>
    h("p", { class: `tx-${kind}` }),
  );
  append(
    h("div", { class: "tx-planes" },
      h("div", null,
        h("p", { class: "tx-title" }, "Query ", h("b", null, "◆ q"), " and keys ●"),
        pick.group, stage, h("p", { class: "tx-hint" }, reading, " drag it, or use the arrow keys in the plane. Dotted: where q·k = 0.")),
      h("div", null,
        h("p", { class: "tx-title" }, "Values ● and their average, the context ", h("b", null, "◆")),
        still.drawing, result, sharp)),
    h("div", { class: "tx-controls" },
      h("label", { class: "tx-switch" }, scaling, h("span", null, "Divide by √", dk())),
      h("label", { class: "tx-slide" }, h("span", null, "As if ", dk(), " ="), shown, dimension)),
    formula, table, note,
  );

  function paint() {
    if (!now || !moving.size || !still.size) return;
    const { query, keys, weights, context, selected } = now;
    const origin = moving.at([0, 0]);
    const [x, y] = query;
    const long = (2 * moving.bound) / (Math.hypot(x, y) || 1);
    stretch(level, moving.at([-y * long, x * long]), moving.at([y * long, -x * long]), 0);
    level.style.display = x || y ? "" : "none";
    [query, ...keys].forEach((point, i) => {
      const spotted = moving.at(point);
      stretch(i ? arrows[i - 1] : aim, origin, spotted, i ? weights[i - 1] : 0.2);
      set(points[i], "transform", `translate(${spotted.map((c) => c.toFixed(1)).join(" ")})`);
      set(points[i], "data-selected", i === selected);
      place(names[i], spotted, moving.size);
    });
    if (layer.lastChild !== points[selected]) layer.append(points[selected]);
    const center = still.at(context);
    set(middle, "transform", `translate(${center.map((c) => c.toFixed(1)).join(" ")})`);
    values.forEach((value, i) => {
      const corner = still.at(value);
      stretch(strings[i], corner, center, weights[i]);
      set(discs[i], "cx", corner[0]);
      set(discs[i], "cy", corner[1]);
      set(discs[i], "r", (4 + 9 * Math.sqrt(weights[i])).toFixed(1));
      place(tags[i], corner, still.size);
    });
    set(shape, "points", hull(values).map((p) => still.at(p).join(",")).join(" "));
  }

  let before;
  watch(["key_points", "query", "scaled", "d_k", "selected"], () => {
    const [keys, query, scaled, d, selected] =
      ["key_points", "query", "scaled", "d_k", "selected"].map((trait) => model.get(trait));
    const growth = Math.sqrt(d / 2);
    const factor = scaled ? growth / Math.sqrt(d) : growth;
    const dots = keys.map(([a, b]) => a * query[0] + b * query[1]);
    const scores = dots.map((dot) => dot * factor);
    const { weights, entropy, gradient } = kit.softmax(scores);
    const mean = [0, 1].map((c) => weights.reduce((sum, w, i) => sum + w * values[i][c], 0));
    const reach = Math.max(...[query, ...keys].flat().map(Math.abs));
    if (!before || reach > moving.bound) {
      moving.bound = Math.max(2, Math.ceil(1.2 * reach - 1e-9));
      moving.rule();
    }
    now = { keys, query, weights, context: mean, selected };
    paint();

    pick.show(selected);
    reading.textContent = `${name(selected)} ${pair(spot(selected))}:`;
    set(stage, "aria-label", `Plane. Arrow keys move the ${name(selected)}, with Shift five times as far`);
    points.forEach((point, i) => {
      set(point, "data-x", spot(i)[0]);
      set(point, "data-y", spot(i)[1]);
    });
    scaling.checked = scaled;
    dimension.value = Math.log2(d);
    shown.textContent = d;
    set(dimension, "aria-valuetext", d);
    rows.forEach((row, i) => {
      row.where.textContent = pair(keys[i]);
      for (const [kind, all] of [["dot", dots], ["score", scores], ["weight", weights]]) {
        row[kind].textContent = kind === "weight" ? weights[i].toFixed(3) : number(all[i]);
        set(row.root, `data-${kind}`, all[i]);
      }
      row.fill.style.width = `${100 * weights[i]}%`;
    });
    formula.replaceChildren(
      "Score = q·k × √(", dk()[0], dk()[1], "/2)", ...(scaled ? [" ÷ √", ...dk()] : []),
      ` = q·k × ${number(factor)}`,
    );
    set(formula, "data-factor", factor);
    result.textContent = `Context ${pair(mean, 3)}`;
    set(result, "data-x", mean[0]);
    set(result, "data-y", mean[1]);
    const most = `log ${size} = ${number(Math.log(size))}`;
    sharp.replaceChildren(
      h("span", null, `Entropy ${number(entropy)} nats`), ` of at most ${most}`, h("br", null),
      h("span", null, `Gradient norm ${number(gradient)}`), " of the weights by the scores",
    );
    set(sharp, "data-entropy", entropy);
    set(sharp, "data-gradient", gradient);
    note.replaceChildren(
      "“As if ", ...dk(), ` = ${d}”: over independent coordinates of mean 0 and variance 1, q·k has standard deviation √`,
      ...dk(), ", so the drawn q·k is multiplied by √(", ...dk(), `/2) = ${number(growth)}. This models how dot products `,
      "grow, not the directions that more dimensions add.",
    );
    if (before) {
      const what =
        scaled !== before.scaled
          ? `Scaling ${scaled ? "on" : "off"}`
          : d !== before.d
            ? `As if d_k = ${d}`
            : `${name(selected)} at ${pair(spot(selected))}`;
      const all = labels.map((label, i) => `${label} ${number(weights[i])}`).join(", ");
      settle(`${what}. Weights: ${all}. Context ${pair(mean, 3)}. Entropy ${number(entropy)} nats.`);
    }
    before = { scaled, d };
  });
  return cleanup;
}
export default { render };
