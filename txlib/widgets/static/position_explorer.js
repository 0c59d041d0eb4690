// Positions as angles: waves and clock hands, similarity by distance, and RoPE's dial. Everything is
// computed here from the formulas.
const [FAR, SHOWN, MOST] = [256, 8, 4]; // as in Python, and LAST in turning.js
const PANELS = ["waves", "similarity", "dial"];
const CONTENTS = ["every pair", "fast pairs", "slow pairs"];
const SIZES = [16, 32, 64, 128, 256, 512];

// Mean cosine over the pairs that are not 0: what is left of a product at distance k.
function similarity(k, d, base, content) {
  const half = d / 4;
  const [from, to] = { "fast pairs": [0, half], "slow pairs": [half, 2 * half] }[content] ?? [0, d / 2];
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += Math.cos(k * base ** ((-2 * i) / d));
  return sum / (to - from);
}

// Curves over whole numbers from `start` to `end`, with a marked one; names say what is drawn.
function chart({ later }, { title, kinds, start, end, low, high, xlabel, ticks }) {
  const { h, svg, set } = kit;
  const [height, left, right, top, bottom] = [170, 34, 10, 8, 32];
  const rules = ticks.map(() => svg("line", { class: "tx-rule" }));
  const marks = ticks.map((at) => svg("text", { class: "tx-tick", "text-anchor": "end" }, fixed(at, 0)));
  const feet = [start, (start + end) / 2, end].map((at, i) =>
    svg("text", { class: "tx-tick", "text-anchor": ["start", "middle", "end"][i] }, fixed(at, 0)),
  );
  const name = svg("text", { class: "tx-tick", "text-anchor": "middle" }, xlabel);
  const stem = svg("line", { class: "tx-stem" });
  const curves = kinds.map((kind) => svg("polyline", { class: "tx-curve", "data-kind": kind }));
  const dots = kinds.map((kind, i) =>
    svg("path", { class: "tx-dot", "data-kind": kind, d: i ? DIAMOND : "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z" }),
  );
  const drawing = svg("svg", { "aria-hidden": "true", height });
  drawing.append(...rules, ...marks, ...feet, name, stem, ...curves, ...dots);
  const root = h("div", { class: "tx-chart" }, h("p", { class: "tx-title" }, title), drawing);
  let [width, shown] = [0, null];
  function redraw() {
    if (!width || !shown) return;
    const { at, values } = shown;
    const x = (k) => left + ((k - start) / (end - start)) * (width - left - right);
    const y = (v) => top + ((high - v) / (high - low)) * (height - top - bottom);
    set(drawing, "viewBox", `0 0 ${width} ${height}`);
    ticks.forEach((value, i) => {
      put(rules[i], { x1: left, x2: width - right, y1: y(value), y2: y(value) });
      put(marks[i], { x: left - 5, y: y(value) + 4 });
    });
    feet.forEach((foot, i) => put(foot, { x: x([start, (start + end) / 2, end][i]), y: height - bottom + 14 }));
    put(name, { x: (left + width - right) / 2, y: height - 4 });
    put(stem, { x1: x(at), x2: x(at), y1: top, y2: height - bottom });
    values.forEach((list, i) => {
      const inside = list.map((v, k) => [start + k, v]).filter(([, v]) => v >= low - 1e-9);
      const points = inside.map(([k, v]) => `${x(k).toFixed(1)},${y(v).toFixed(1)}`);
      set(curves[i], "points", points.join(" "));
      const now = list[at - start];
      dots[i].style.display = now < low ? "none" : "";
      set(dots[i], "transform", `translate(${x(at).toFixed(1)} ${y(now).toFixed(1)})`);
    });
  }
  later(kit.onWidth(drawing, (wide) => ((width = wide), redraw())));
  const show = (at, values, ceiling) => {
    if (ceiling) [low, high] = [-ceiling, ceiling];
    shown = { at, values };
    redraw();
  };
  return { root, show };
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "position", "Positions as angles");
  const { root, append, settle, watch, save, later, cleanup } = frame;
  const { h, set } = kit;
  const get = (trait) => model.get(trait);
  const bases = get("bases");

  // ---- controls
  const controls = [];
  const radios = (label, trait, values, texts) => {
    const items = texts.map((text) => h("button", { type: "button" }, text));
    const row = kit.choices(label, items, (i) => save({ [trait]: values[i] }));
    controls.push(() => row.show(values.indexOf(get(trait))));
    return h("div", { class: "tx-pick" }, h("span", { "aria-hidden": "true" }, label), row.group);
  };
  const slider = (trait, label, most, { read = get, write = Number, least = 0, say = String } = {}) => {
    const input = h("input", {
      type: "range", min: least, max: most, step: 1, "aria-label": label,
      oninput: () => save({ [trait]: write(Number(input.value)) }),
    });
    const output = h("output");
    controls.push(() => {
      input.value = read(trait);
      output.textContent = say(get(trait));
      set(input, "aria-valuetext", output.textContent);
    });
    return h("label", { class: "tx-slide" }, h("span", null, label), input, output);
  };
  const toggles = Array.from({ length: SHOWN }, (_, j) =>
    h("button", {
      type: "button",
      onclick: () => {
        const now = get("pairs");
        const rest = now.filter((one) => one !== j);
        if (rest.length < now.length && !rest.length) return; // one stays
        save({ pairs: rest.length < now.length ? rest : [...now.slice(1 - MOST), j] });
      },
    }),
  );
  const pairs = h(
    "div", { class: "tx-pick tx-pairs" },
    h("span", { "aria-hidden": "true" }, "Pairs i ="),
    h("div", { role: "group", "aria-label": `Feature pairs, at most ${MOST}` }, toggles),
  );
  const told = h("p", { class: "tx-told" });

  // ---- the three panels
  const waves = toggles.map(() => wave(frame));
  const dials = toggles.map(() => dial());
  const alike = chart(frame, {
    title: ["Similarity: ", h("i", { class: "tx-key-a" }, "●"), " sinusoidal, ", h("i", { class: "tx-key-b" }, "◆"), " RoPE (dashed)"],
    kinds: ["a", "b"], start: 0, end: FAR, low: -1, high: 1, xlabel: "distance k", ticks: [1, 0, -1],
  });
  const penalty = chart(frame, {
    title: "ALiBi: added to the score",
    kinds: ["a"], start: 0, end: FAR, low: -16, high: 0, xlabel: "distance k", ticks: [0, -8, -16],
  });
  const product = chart(frame, {
    title: "q·k over all shown pairs, by m − n",
    kinds: ["a"], start: -LAST, end: LAST, low: -1, high: 1, xlabel: "m − n", ticks: [0],
  });
  const body = {
    waves: h("div", null,
      h("div", { class: "tx-sliders" }, slider("position", "Position p", LAST), slider("shift", "Shift k", LAST)),
      h("p", { class: "tx-note" }, "— sin, ┈ cos over positions 0 to 128; ● at p, ◆ at p + k. ",
        "The hand of the clock points to (sin pω, cos pω)."),
      waves.map((one) => one.root)),
    similarity: h("div", null,
      radios("q = k lives in", "content", CONTENTS, CONTENTS),
      h("div", { class: "tx-sliders" },
        slider("distance", "Distance k", FAR),
        slider("slope", "ALiBi slope", 8, {
          least: 1, read: (trait) => -Math.log2(get(trait)), write: (power) => 2 ** -power,
          say: (slope) => `1/${1 / slope}`,
        })),
      h("div", { class: "tx-charts" }, alike.root, penalty.root)),
    dial: h("div", null,
      h("div", { class: "tx-sliders" },
        slider("query_position", "Query at m", LAST), slider("key_position", "Key at n", LAST),
        slider("both", "Shift both by", LAST)),
      h("p", { class: "tx-note" }, "● q and ◆ k: dotted before, solid after RoPE has turned them."),
      h("div", { class: "tx-dials" }, dials.map((one) => one.root)), product.root),
  };
  append(
    radios("Panel", "panel", PANELS, ["Waves and clocks", "Similarity by distance", "RoPE dial"]),
    radios("Features d", "d_model", SIZES, SIZES.map(String)),
    radios("Base", "base", bases, bases.map(grouped)),
    pairs, ...PANELS.map((name) => body[name]), told,
  );

  // each panel draws itself and returns what it says
  const draw = {
    waves(d, base, chosen) {
      const [p, k] = [get("position"), get("shift")];
      const angles = chosen.map((j) => {
        const [frequency, pair] = [base ** (-j / SHOWN), (j * d) / (2 * SHOWN)];
        return `${fixed(waves[j].show({ p, k, frequency, pair }))} rad in pair ${pair}`;
      });
      return `From position ${p} to ${p + k} the hands turn by ${angles.join(", ")}: k = ${k} times ω, whatever p is.`;
    },
    similarity(d, base) {
      const [k, content, slope] = [get("distance"), get("content"), get("slope")];
      const all = Array.from({ length: FAR + 1 }, (_, i) => i);
      const curves = ["every pair", content].map((what) => all.map((i) => similarity(i, d, base, what)));
      alike.show(k, curves);
      penalty.show(k, [all.map((i) => -slope * i)]);
      const same = content === "every pair" ? " (the same curve)" : "";
      const lost = fixed(-slope * k);
      return `At distance ${k}: similarity of sinusoidal encodings ${fixed(curves[0][k])}, of RoPE's q and k in ${content} ` +
        `${fixed(curves[1][k])}${same}. ALiBi with slope 1/${1 / slope} adds ${lost} to the score: ` +
        `before the softmax divides, the weight is multiplied by ${kit.number(Math.exp(-slope * k))}.`;
    },
    dial(d, base, chosen) {
      const [query, key, both] = [get("query"), get("key"), get("both")];
      const [m, n] = [get("query_position") + both, get("key_position") + both];
      const list = chosen.map((j) => [base ** (-j / SHOWN), (j * d) / (2 * SHOWN), j]);
      const scores = list.map(([frequency, pair, j]) => dials[j].show({ query, key, m, n, frequency, pair }));
      const apart = Array.from({ length: 2 * LAST + 1 }, (_, i) => i - LAST);
      const sums = apart.map((gap) => list.reduce((sum, [w]) => sum + dot(turn(query, gap * w), key), 0));
      const ceiling = Math.max(0.1, chosen.length * Math.hypot(...query) * Math.hypot(...key));
      product.show(m - n, [sums], 1.05 * ceiling);
      const total = scores.reduce((a, b) => a + b, 0);
      return `Query at ${m}, key at ${n}: m − n = ${fixed(m - n, 0)}, and q·k = ${fixed(total)} over the shown pairs` +
        `; without RoPE it would be ${fixed(chosen.length * dot(query, key))}.`;
    },
  };

  let started = false;
  const traits = [
    "panel", "d_model", "base", "pairs", "position", "shift", "distance", "content", "slope",
    "query_position", "key_position", "both",
  ];
  watch(traits, () => {
    const [panel, d, base] = ["panel", "d_model", "base"].map(get);
    const chosen = [...get("pairs")].sort((a, b) => a - b);
    controls.forEach((show) => show());
    for (const name of PANELS) body[name].hidden = name !== panel;
    pairs.hidden = panel === "similarity";
    toggles.forEach((button, j) => {
      const on = chosen.includes(j);
      const pair = (j * d) / (2 * SHOWN);
      button.textContent = pair;
      set(button, "aria-label", `Pair ${pair}`);
      set(button, "aria-pressed", String(on));
      waves[j].root.hidden = !on;
      dials[j].root.hidden = !on;
    });
    told.textContent = draw[panel](d, base, chosen);
    set(root, "data-panel", panel);
    if (started) settle(told.textContent);
    started = true;
  });
  return cleanup;
}
export default { render };
