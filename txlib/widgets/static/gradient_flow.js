// How much gradient reaches each layer, on a log axis, for stacks of several kinds and depths.
const EVEN = 10; // as in Python
const COLORS = ["--accent", "--path", "--good", "--bad"];
const DASHES = ["", "7 4", "2 3", "8 3 2 3"];
const MARKS = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", "M0-5.5L5.5 0L0 5.5L-5.5 0Z", "M-4-4H4V4H-4Z",
  "M0-5L5 4H-5Z", "M0 5L5-4H-5Z", "M-1.5-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z",
  "M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z", "M0-6L1.6-1.8L6 0L1.6 1.8L0 6L-1.6 1.8L-6 0L-1.6-1.8Z",
];

function verdict(norms) {
  if (!norms.every(Number.isFinite)) return "overflowed";
  if (norms.includes(0)) return "vanished";
  const ratio = norms[0] / norms.at(-1);
  if (ratio >= 1 / EVEN && ratio <= EVEN) return "even";
  return ratio < 1 ? "fades towards the input" : "grows towards the input";
}

function scientific(value) {
  if (Number.isNaN(value)) return "–";
  if (value === Infinity) return "∞";
  const plain = value === 0 || (value >= 1e-3 && value < 1e4);
  const text = plain ? String(Number(value.toPrecision(3))) : value.toExponential(1);
  return text.replace("e+", "e").replace("-", "−");
}

// One line an arm; layers that got 0 lie on a rail below, those beyond all numbers on one above.
function curves({ later }, count, look) {
  const { h, svg, set } = kit;
  const [height, left, right, top, bottom] = [290, 46, 12, 30, 58];
  const rules = svg("g");
  const rails = ["∞", "0"].map((text) => [
    svg("line", { class: "tx-rail" }), svg("text", { class: "tx-tick", "text-anchor": "end" }, text),
  ]);
  const feet = svg("g");
  const name = svg("text", { class: "tx-tick", "text-anchor": "middle" }, "layer, from the input");
  const groups = Array.from({ length: count }, (_, i) => svg("g", { "data-arm": i }));
  const drawing = svg("svg", { "aria-hidden": "true", height });
  drawing.append(rules, ...rails.flat(), feet, name, ...groups);
  let [width, shown] = [0, null];
  const text = (x, y, said, anchor) => svg("text", { class: "tx-tick", x, y, "text-anchor": anchor }, said);
  function redraw() {
    if (!width || !shown) return;
    const { arms, depth, low, high } = shown;
    const x = (layer) =>
      depth === 1 ? (left + width - right) / 2 : left + 8 + ((layer - 1) / (depth - 1)) * (width - right - left - 16);
    const rail = [top - 14, height - bottom + 14];
    const y = (norm) => {
      if (!Number.isFinite(norm)) return rail[0];
      if (norm === 0) return rail[1];
      return top + ((high - Math.log10(norm)) / (high - low)) * (height - top - bottom);
    };
    set(drawing, "viewBox", `0 0 ${width} ${height}`);
    const step = Math.max(1, Math.ceil((high - low) / 6));
    rules.replaceChildren();
    for (let power = low; power <= high; power += step) {
      const at = y(10 ** power);
      rules.append(
        svg("line", { class: "tx-rule", x1: left, x2: width - right, y1: at, y2: at }),
        text(left - 6, at + 4, `1e${String(power).replace("-", "−")}`, "end"),
      );
    }
    rails.forEach(([line, label], i) => {
      for (const [end, at] of Object.entries({ x1: left, x2: width - right, y1: rail[i], y2: rail[i] })) set(line, end, at);
      set(label, "x", left - 6);
      set(label, "y", rail[i] + 4);
    });
    const each = Math.max(1, Math.ceil(depth / (width < 480 ? 8 : 16)));
    const layers = Array.from({ length: depth }, (_, i) => i + 1);
    const told = layers.filter((layer) => (layer - 1) % each === 0 && (depth - layer >= each || layer === depth));
    if (told.at(-1) !== depth) told.push(depth);
    feet.replaceChildren(...told.map((layer) => text(x(layer), height - 22, layer, "middle")));
    set(name, "x", (left + width - right) / 2);
    set(name, "y", height - 5);
    groups.forEach((group, i) => {
      const norms = arms[i];
      group.replaceChildren();
      if (!norms) return;
      const spots = norms.map((norm, n) => [x(n + 1), y(norm)].map((c) => c.toFixed(1)));
      const line = svg("polyline", { class: "tx-curve", points: spots.map((s) => s.join()).join(" ") });
      const marks = spots.map(([across, down]) =>
        svg("path", { class: "tx-mark", d: MARKS[i], transform: `translate(${across} ${down})` }),
      );
      look(i, line, marks);
      group.append(line, ...marks.filter((_, n) => n % Math.max(1, Math.ceil(depth / 24)) === 0 || n === depth - 1));
    });
  }
  later(kit.onWidth(drawing, (wide) => ((width = wide), redraw())));
  const show = (next) => ((shown = next), redraw());
  return { root: h("div", { class: "tx-chart" }, drawing), show };
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "flow", "Gradients by layer");
  const { append, settle, watch, save, later, cleanup } = frame;
  const { h, svg, set } = kit;
  const [names, depths, measure] = [model.get("arms"), model.get("depths"), model.get("measure")];
  // "inf" and "nan" travel as text
  const read = (norm) => (norm === "inf" ? Infinity : Number(norm));
  const norms = model.get("norms").map((byDepth) => byDepth.map((list) => list && list.map(read)));

  const look = (i, line, marks) => {
    const color = `var(${COLORS[i % COLORS.length]})`;
    line.style.stroke = color;
    line.style.strokeDasharray = DASHES[i % DASHES.length];
    for (const mark of marks) mark.style.fill = color;
  };
  const toggle = (i) => {
    const now = model.get("shown");
    const rest = now.filter((one) => one !== i);
    save({ shown: rest.length < now.length ? rest : [...now, i].sort((a, b) => a - b) });
  };
  const boxes = names.map((text, i) => {
    const input = h("input", { type: "checkbox", onchange: () => toggle(i) });
    const line = svg("polyline", { class: "tx-curve", points: "0,8 34,8" });
    const mark = svg("path", { class: "tx-mark", d: MARKS[i], transform: "translate(17 8)" });
    look(i, line, [mark]);
    const swatch = svg("svg", { class: "tx-swatch", viewBox: "0 0 34 16", "aria-hidden": "true" }, line, mark);
    return { input, node: h("label", { class: "tx-box" }, input, swatch, kit.token(text)) };
  });
  const slider = h("input", {
    type: "range", min: 0, max: depths.length - 1, step: 1, "aria-label": "Depth of the stack",
    oninput: () => save({ depth: depths[Number(slider.value)] }),
  });
  const output = h("output");
  const dial = h("label", { class: "tx-slide" }, h("span", null, "Depth"), slider, output);
  dial.hidden = depths.length === 1;
  const chart = curves(frame, names.length, look);
  const rows = names.map((text) => {
    const [first, last, ratio] = Array.from({ length: 3 }, () => h("td"));
    const word = h("small");
    const head = h("th", { scope: "row" }, kit.token(text), word);
    return { root: h("tr", null, head, first, last, ratio), first, last, ratio, word };
  });
  const titles = ["Stack", "First layer", "Last layer", "First ÷ last"];
  const table = h(
    "table", null,
    h("thead", null, h("tr", null, titles.map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", null, rows.map((row) => row.root)),
  );
  const told = h("p", { class: "tx-told" });
  append(
    dial,
    h("div", { class: "tx-boxes", role: "group", "aria-label": "Stacks" }, boxes.map((box) => box.node)),
    h("p", { class: "tx-title" }, `${measure[0].toUpperCase()}${measure.slice(1)} by layer (log axis)`),
    chart.root, table, told,
    h("p", { class: "tx-note" }, "Layer 1 is nearest to the input. On the rail 0 nothing arrives (vanished); on the rail ∞ the " +
      `number is beyond what a float holds (overflowed). Even: first and last within a factor of ${EVEN}.`),
  );

  let started = false;
  watch(["depth", "shown"], () => {
    const shown = model.get("shown");
    const at = Math.max(0, depths.indexOf(model.get("depth")));
    const depth = depths[at];
    slider.value = at;
    output.textContent = `${depth} ${depth === 1 ? "layer" : "layers"}`;
    set(slider, "aria-valuetext", output.textContent);
    // one axis for all depths, so that a line that sinks is seen to sink
    const positive = shown.flatMap((i) => norms[i].flat()).filter((x) => x > 0 && x < Infinity);
    const powers = positive.length ? positive.map((x) => Math.log10(x)) : [0];
    const low = Math.floor(powers.reduce((a, b) => Math.min(a, b)));
    const high = Math.max(low + 1, Math.ceil(powers.reduce((a, b) => Math.max(a, b))));
    chart.show({ arms: names.map((_, i) => (shown.includes(i) ? norms[i][at] : null)), depth, low, high });
    const said = names.map((name, i) => {
      const [row, list, on] = [rows[i], norms[i][at], shown.includes(i)];
      boxes[i].input.checked = on;
      row.root.hidden = !on;
      const [first, last] = list ? [list[0], list.at(-1)] : [NaN, NaN];
      const fine = list && list.every(Number.isFinite) && last > 0;
      const ratio = fine ? first / last : NaN;
      const word = list ? verdict(list) : "not measured at this depth";
      row.first.textContent = scientific(first);
      row.last.textContent = scientific(last);
      row.ratio.textContent = scientific(ratio);
      row.word.textContent = word;
      set(row.root, "data-ratio", fine ? ratio : null);
      set(row.root, "data-verdict", word);
      return on ? `${name}: ${fine ? `first ÷ last ${scientific(ratio)}, ` : ""}${word}` : null;
    });
    const list = said.filter(Boolean).join("; ");
    told.textContent = `${output.textContent}. ${list || "No stack is shown"}.`;
    if (started) settle(told.textContent);
    started = true;
  });
  return cleanup;
}
export default { render };
