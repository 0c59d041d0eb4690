// A query and keys that are dragged in a plane; their values and the context in a second one.
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
    svg("g", { class: i ? "tx-key" : "tx-query", "data-i": i },
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
  const stage = movable(moving, {
    count: points.length, spot, move,
    selected: () => model.get("selected"),
    select: (selected) => save({ selected }),
  });

  // ---- the plane of the values, and the context among them ----
  const still = plane("still", later, () => paint());
  still.bound = 1.45 * Math.max(1e-9, ...values.flat().map(Math.abs));
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
        pick.group, stage,
        h("p", { class: "tx-hint" }, reading,
          " drag it, or use the arrow keys in the plane. Dotted: where q·k = 0.")),
      h("div", null,
        h("p", { class: "tx-title" }, "Values ●, and their average, the context ",
          h("b", null, "◆")),
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
    const { weights, entropy, gradient } = softmax(scores);
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
    const how = `Arrow keys move the ${name(selected)}, with Shift five times as far`;
    set(stage, "aria-label", `Plane. ${how}`);
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
      "Score = q·k × √(", ...dk(), "/2)", ...(scaled ? [" ÷ √", ...dk()] : []),
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
      "“As if ", ...dk(), ` = ${d}”: over independent coordinates of mean 0 and variance 1, q·k has `,
      "standard deviation √", ...dk(), ", so the drawn q·k is multiplied by √(", ...dk(),
      `/2) = ${number(growth)}. This models how dot products grow, not the directions that more `,
      "dimensions add.",
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
