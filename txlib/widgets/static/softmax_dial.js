// Scores and a temperature that can be dragged; the weights, how sharp they are, how they learn.
const [COLDEST, HOTTEST, HALF] = [0.05, 20, 100]; // the dial runs from -HALF to HALF
const SPAN = Math.log(HOTTEST / COLDEST);
const place = (temperature) => Math.log(temperature / COLDEST) / SPAN; // 0 to 1 on a log axis
const GRID = Array.from({ length: 161 }, (_, i) => COLDEST * Math.exp((SPAN * i) / 160));
const list = (names) =>
  names.length > 2
    ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`
    : names.join(" and ");

// A small curve over the temperature, its current point, and its value in large.
function chart(name, title, unit, watchWidth) {
  const { h, svg, set } = kit;
  const [height, left, right, top, bottom] = [100, 8, 8, 17, 18];
  const value = h("span", { class: "tx-value" });
  const bounds = h("span", { class: "tx-bounds" });
  const curve = svg("polyline", { class: "tx-curve" });
  const stem = svg("line", { class: "tx-stem" });
  const dot = svg("circle", { class: "tx-dot", r: 5 });
  const rules = [0, 1].map(() => svg("line", { class: "tx-rule" }));
  const ticks = [COLDEST, 1, HOTTEST].map((at, i) =>
    svg("text", { class: "tx-tick", y: height - 4, "text-anchor": ["start", "middle", "end"][i] },
      i === 1 ? "τ = 1" : String(at)),
  );
  const summit = svg("text", { class: "tx-tick", x: left, y: top - 4 });
  const drawing = svg("svg", { "aria-hidden": "true", height });
  drawing.append(...rules, curve, stem, dot, ...ticks, summit);
  const root = h(
    "div",
    { class: "tx-chart", "data-chart": name },
    h("p", null, title, " ", value, unit),
    h("p", null, bounds),
    drawing,
  );
  const span = (line, ends) => Object.entries(ends).forEach(([end, at]) => set(line, end, at));
  let width = 0;
  let shown;
  function redraw() {
    if (!width || !shown) return;
    const { values, most, now, temperature } = shown;
    const x = (at) => left + place(at) * (width - left - right);
    const y = (v) => height - bottom - (v / (most || 1)) * (height - top - bottom);
    set(drawing, "viewBox", `0 0 ${width} ${height}`);
    const points = values.map((v, i) => `${x(GRID[i]).toFixed(1)},${y(v).toFixed(1)}`);
    set(curve, "points", points.join(" "));
    rules.forEach((rule, i) => {
      span(rule, { x1: left, x2: width - right, y1: y(i * most), y2: y(i * most) });
    });
    span(stem, { x1: x(temperature), x2: x(temperature), y1: y(0), y2: y(now) });
    set(dot, "cx", x(temperature));
    set(dot, "cy", y(now));
    ticks.forEach((tick, i) => set(tick, "x", x([COLDEST, 1, HOTTEST][i])));
  }
  watchWidth(drawing, (wide) => ((width = wide), redraw()));
  function show(next, told) {
    shown = next;
    value.textContent = kit.number(next.now);
    bounds.textContent = told;
    summit.textContent = kit.number(next.most);
    set(root, "data-value", next.now);
    set(root, "data-most", next.most);
    redraw();
  }
  return { root, show };
}

// One score: its name, the bar that is dragged, its number, and the weight that it earns.
function row(i, label, save) {
  const { h } = kit;
  const to = (text) => {
    const value = Number(text);
    if (text !== "" && Number.isFinite(value)) save(i, value);
  };
  const slider = h("input", {
    type: "range", step: 0.1, "aria-label": `Score of ${label}`, oninput: () => to(slider.value),
  });
  const typed = h("input", {
    type: "number", step: "any", inputmode: "decimal", "aria-label": `Score of ${label} as number`,
    oninput: () => to(typed.value),
  });
  const fill = h("div", { class: "tx-fill" });
  const cold = h("div", { class: "tx-cold" });
  const hot = h("div", { class: "tx-hot" });
  const weight = h("span", { class: "tx-weight" });
  const bar = h("div", { class: "tx-bar", "aria-hidden": "true" }, fill, hot, cold);
  const root = h(
    "div",
    { class: "tx-score", role: "group", "aria-label": label },
    kit.token(label), slider, typed, bar, weight,
  );
  return { root, slider, typed, fill, cold, hot, weight };
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "softmax", "Softmax dial: scores, temperature, weights");
  const { root, append, settle, watch, save, later, cleanup } = frame;
  const { h, number, set } = kit;
  const labels = model.get("labels");
  const size = labels.length;
  const watchWidth = (node, draw) => later(kit.onWidth(node, draw));

  let bound = 5;
  const saveScore = (i, value) => {
    const scores = [...model.get("scores")];
    scores[i] = Math.min(bound, Math.max(-bound, value));
    save({ scores });
  };
  const rows = labels.map((label, i) => row(i, label, saveScore));
  const dial = h("input", {
    type: "range", min: -HALF, max: HALF, step: 1, "aria-label": "Temperature",
    oninput: () => {
      const temperature = COLDEST * Math.exp((SPAN * (Number(dial.value) + HALF)) / (2 * HALF));
      save({ temperature: Math.min(HOTTEST, Number(temperature.toPrecision(3))) });
    },
  });
  const reading = h("output", null);
  const coldText = h("p", { class: "tx-limit", "data-limit": "cold" });
  const hotText = h("p", { class: "tx-limit", "data-limit": "hot" });
  const sharpness = chart("entropy", "Entropy", " nats", watchWidth);
  const slope = chart("gradient", "Gradient norm", "", watchWidth);
  const longest = Math.max(...labels.map((label) => label.length));
  root.style.setProperty("--name", `${Math.min(5.5, 0.5 + 0.65 * longest)}rem`);
  append(
    h(
      "div",
      { class: "tx-heads", "aria-hidden": "true" },
      h("span", null, "Score"),
      h("span", null, "Weight"),
    ),
    h("div", null, rows.map((one) => one.root)),
    h("label", { class: "tx-dial" }, h("span", null, "Temperature"), dial, reading),
    h("div", { class: "tx-limits" }, coldText, hotText),
    h("div", { class: "tx-charts" }, sharpness.root, slope.root),
    h("p", { class: "tx-note" },
      "Gradient norm: ‖∂w/∂s‖, the Frobenius norm of (diag(w) − w wᵀ)/τ. Where it is near 0, ",
      "moving a score no longer moves the weights."),
  );

  const maximum = Math.log(size);
  let before;
  let curves;
  watch(["scores", "temperature"], () => {
    const scores = model.get("scores");
    const temperature = Math.min(HOTTEST, Math.max(COLDEST, model.get("temperature")));
    bound = Math.max(bound, ...scores.map((score) => Math.ceil(Math.abs(score))));
    const { weights, entropy, gradient } = softmax(scores, temperature);
    const top = Math.max(...scores);
    const tied = labels.filter((_, i) => scores[i] === top);

    rows.forEach((one, i) => {
      const score = scores[i];
      set(one.slider, "min", -bound);
      set(one.slider, "max", bound);
      one.slider.value = score;
      const along = (value) => `${50 + (50 * value) / bound}%`;
      one.slider.style.setProperty("--from", along(Math.min(0, score)));
      one.slider.style.setProperty("--to", along(Math.max(0, score)));
      if (one.typed !== document.activeElement) one.typed.value = Number(score.toFixed(3));
      set(one.slider, "aria-valuetext", `${number(score, 1)}, weight ${number(weights[i])}`);
      set(one.root, "data-score", score);
      set(one.root, "data-weight", weights[i]);
      one.weight.textContent = weights[i].toFixed(3);
      one.fill.style.width = `${100 * weights[i]}%`;
      one.cold.style.left = `${score === top ? 100 / tied.length : 0}%`;
      one.hot.style.left = `${100 / size}%`;
    });

    dial.value = Math.round(2 * HALF * place(temperature) - HALF);
    reading.textContent = `τ = ${Number(temperature.toPrecision(3))}`;
    set(dial, "aria-valuetext", Number(temperature.toPrecision(3)));
    const shared = `${number(1 / tied.length)} each, entropy log ${tied.length}`;
    const cold =
      tied.length === 1
        ? `one-hot on ${tied[0]}, entropy 0`
        : `${list(tied)} tie and share the weight, ${shared} = ${number(Math.log(tied.length))}`;
    coldText.textContent = `○ τ → 0: ${cold}`;
    const hot = `uniform, ${number(1 / size)} each, entropy log ${size} = ${number(maximum)}`;
    hotText.textContent = `┊ τ → ∞: ${hot}`;

    if (String(scores) !== String(before?.scores)) {
      const along = GRID.map((at) => softmax(scores, at));
      curves = { entropy: along.map((a) => a.entropy), gradient: along.map((a) => a.gradient) };
    }
    const peak = Math.max(...curves.gradient, gradient);
    sharpness.show(
      { values: curves.entropy, most: maximum, now: entropy, temperature },
      `between 0 and log ${size} = ${number(maximum)}`,
    );
    const falls = tied.length === 1 ? "→ 0 in both limits" : "grows as τ → 0 while scores tie";
    slope.show({ values: curves.gradient, most: peak, now: gradient, temperature }, falls);

    if (before) {
      const moved = [...labels.keys()].filter((i) => scores[i] !== before.scores[i]);
      const what = moved.map((i) => `Score of ${labels[i]} ${number(scores[i], 1)}`);
      if (temperature !== before.temperature) what.push(reading.textContent);
      const now = labels.map((label, i) => `${label} ${number(weights[i])}`).join(", ");
      settle(
        `${what.join(", ")}. Weights: ${now}. Entropy ${number(entropy)} nats, gradient norm ` +
          `${number(gradient)}.${tied.length > 1 ? ` As τ → 0, ${cold}.` : ""}`,
      );
    }
    before = { scores: [...scores], temperature };
  });
  return cleanup;
}
export default { render };
