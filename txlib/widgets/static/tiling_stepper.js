// Attention tile by tile: which scores exist now, what each row keeps of those thrown away, and
// how many numbers have moved.
const LEGEND = {
  now: "scores that exist now", done: "computed, thrown away", mask: "hidden by the mask",
  skip: "never computed", fast: "in fast memory",
};
const range = (from, to) => (to - from === 1 ? `${from + 1}` : `${from + 1} to ${to}`);
// two digits, and no minus before a zero
const short = (x, digits = 2) => (x === -Infinity ? "−∞" : x.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−"));

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "tiling", "Attention tile by tile");
  const { root, append, settle, watch, save, later, cleanup } = frame;
  const { h, set } = kit;
  const get = (trait) => model.get(trait);
  const shape = get("shape");
  const [rows, columns, d, dv] = shape;
  const head = { shape, query: kit.floats(get("query")), key: kit.floats(get("key")), value: kit.floats(get("value")) };
  const standard = standardTraffic(shape);
  const planNow = () => {
    const { steps, skipped } = walk(options());
    return { ...options(), steps, skipped };
  };
  const options = () => ({ rows, columns, tileQ: get("tile_q"), tileK: get("tile_k"), causal: get("is_causal") });
  const at = (plan) => Math.min(get("step"), plan.steps.length);

  // ---- controls
  const move = (by) => {
    const plan = planNow();
    const step = Math.min(plan.steps.length, Math.max(0, at(plan) + by));
    if (step !== get("step")) save({ step });
  };
  const steps = player(frame, "Steps", {
    back: () => move(-1), next: () => move(1), reset: () => save({ step: 0 }),
  });
  const slider = (label, most, least, change) => {
    const input = h("input", { type: "range", min: least, max: most, step: 1, "aria-label": label, oninput: () => change(Number(input.value)) });
    const output = h("output");
    const show = (value, text = String(value)) => {
      input.value = value;
      output.textContent = text;
      set(input, "aria-valuetext", text);
    };
    return { input, show, node: h("label", { class: "tx-slide" }, h("span", null, label), input, output) };
  };
  const time = slider("Time", 1, 0, (step) => save({ step }));
  const tall = slider("Queries a tile", rows, 1, (tile_q) => save({ tile_q, step: 0 }));
  const wide = slider("Keys a tile", columns, 1, (tile_k) => save({ tile_k, step: 0 }));
  const causal = h("input", { type: "checkbox", onchange: () => save({ is_causal: causal.checked, step: 0 }) });

  // ---- the scores
  const cell = (kind, text) => h("span", { class: kind }, text);
  const keys = Array.from({ length: columns }, (_, j) => cell("tx-head", j + 1));
  const queries = Array.from({ length: rows }, (_, i) => cell("tx-head", i + 1));
  const outs = queries.map(() => cell("tx-out"));
  const cells = queries.map(() => keys.map(() => cell("tx-cell")));
  const sheet = h(
    "div", { class: "tx-sheet", "aria-hidden": "true" },
    h("span", { class: "tx-corner" }, "k →", h("br"), "q ↓"), keys, cell("tx-head", "out"),
    cells.map((line, i) => [queries[i], ...line, outs[i]]).flat(),
  );
  const board = h("div", { class: "tx-board" }, sheet);
  const legend = h(
    "p", { class: "tx-legend" },
    Object.entries(LEGEND).map(([kind, text]) => h("span", { "data-kind": kind }, h("i", { "data-state": kind }, kind === "mask" ? "×" : null), text)),
  );
  let wideCell = 0;
  later(kit.onWidth(sheet, (width) => {
    wideCell = (width - 64) / columns;
    if (before) draw();
  }));

  // ---- what the rows keep
  const title = h("caption");
  const top = h("tr");
  const body = h("tbody");
  const table = h("table", { class: "tx-rows" }, title, h("thead", null, top), body);
  const note = h("p", { class: "tx-note" });

  // ---- what has moved
  const moved = bars(["tile by tile", "standard"]);
  const facts = ["read", "written", "scores at once", "in fast memory"].map((name) => {
    const [ours, theirs] = [h("td"), h("td")];
    return { ours, theirs, row: h("tr", null, h("th", { scope: "row" }, name), ours, theirs) };
  });
  const count = h(
    "table", null, h("caption", null, "Numbers from and to slow memory"),
    h("thead", null, h("tr", null, h("td"), h("th", { scope: "col" }, "tile by tile"), h("th", { scope: "col" }, "standard"))),
    h("tbody", null, facts.map((fact) => fact.row)),
  );
  const told = h("p", { class: "tx-told" });
  append(
    h("div", { class: "tx-options" }, tall.node, wide.node, h("label", { class: "tx-box" }, causal, "Causal mask")),
    h("div", { class: "tx-options tx-run" }, steps.node, time.node),
    told,
    h("div", { class: "tx-body", style: `--n:${columns};--many:${dv === 4 ? 2 : Math.min(dv, 3)};--few:${Math.min(dv, 2)}` },
      h("div", { class: "tx-left" }, board, legend),
      h("div", { class: "tx-right" }, h("div", { class: "tx-panel" }, table, note), h("div", { class: "tx-panel" }, count, moved.node))),
  );

  // ---- drawing
  function paint(plan, now, step) {
    const tile = plan.steps[step - 1];
    const lit = (i, j) => tile && !tile.written && i >= tile.top && i < tile.end && j >= tile.left && j < tile.right;
    const done = new Set(plan.steps.slice(0, step).filter((one) => !one.written).map((one) => `${one.top},${one.left}`));
    const [tq, tk] = [plan.tileQ, plan.tileK];
    cells.forEach((line, i) => line.forEach((node, j) => {
      const place = `${i - (i % tq)},${j - (j % tk)}`;
      const score = now.scores[i][j];
      const state = lit(i, j) ? (score === -Infinity ? "mask" : "now") : j >= lastSeen(plan, Math.min(i - (i % tq) + tq, rows)) ? "skip" : done.has(place) ? "done" : "wait";
      const weight = Math.exp(score - now.kept[i].m);
      set(node, "data-state", state);
      set(node, "data-edge", [j % tk === 0 && "l", i % tq === 0 && "t"].filter(Boolean).join("") || null);
      node.style.background = state === "now" ? kit.color(0.12 + 0.75 * weight, dark) : "";
      node.style.color = state === "now" ? kit.inkOn(0.12 + 0.75 * weight, dark) : "";
      const digits = wideCell >= 36 ? 2 : 1;
      node.textContent = state === "mask" ? "×" : state === "now" && wideCell >= 27 ? short(score, digits) : "";
    }));
    keys.forEach((node, j) => set(node, "data-fast", Boolean(tile && !tile.written && j >= tile.left && j < tile.right)));
    queries.forEach((node, i) => set(node, "data-fast", Boolean(tile && i >= tile.top && i < tile.end)));
    outs.forEach((node, i) => {
      set(node, "data-state", now.out[i] ? "written" : null);
      node.textContent = now.out[i] ? "✓" : "";
    });
  }

  function list(plan, now, step) {
    const tile = plan.steps[Math.max(0, step - 1)];
    const ended = Boolean(step && tile.written);
    const names = ended
      ? ["q", "m + ln l", "context ÷ l", "off by"]
      : ["q", "m", "factor", "l", "context × l"];
    title.textContent = ended
      ? `Queries ${range(tile.top, tile.end)}: written, beside the exact answer`
      : `Queries ${range(tile.top, tile.end)}: what is kept of each`;
    top.replaceChildren(...names.map((name) => h("th", { scope: "col" }, name)));
    const vector = (values) => h("td", { class: "tx-vector" }, values.map((x) => h("span", null, short(x))));
    const lines = [];
    for (let i = tile.top; i < tile.end; i += 1) {
      const { m, l, c, factor } = now.kept[i];
      const fresh = ended || !step;
      lines.push(h(
        "tr", { "data-row": i, "data-m": m, "data-l": l, "data-factor": factor, "data-context": (ended ? now.out[i] : c).join(" "), "data-apart": now.apart[i] },
        h("th", { scope: "row" }, i + 1),
        h("td", null, short(ended ? m + Math.log(l) : m)),
        ended ? null : h("td", { "data-less": !fresh && factor < 1 }, fresh ? "–" : kit.number(factor, 2)),
        ended ? null : h("td", null, short(l)),
        vector(ended ? now.out[i] : c),
        ended ? h("td", null, now.apart[i] ? kit.number(now.apart[i]) : "0") : null,
      ));
    }
    body.replaceChildren(...lines);
    note.textContent = ended
      ? "m + ln l, the logsumexp: beside queries and keys all that the backward pass needs to form the weights anew."
      : "Factor: exp(m before − m now), which l and the context so far are multiplied by.";
  }

  function tell(plan, now, step) {
    const tile = plan.steps[step - 1];
    const tiles = plan.steps.filter((one) => !one.written).length;
    if (!tile) {
      const skipped = plan.skipped ? `; ${plural(plan.skipped, "tile")} skipped, where the mask allows nothing` : "";
      return `${plural(tiles, "tile")} to compute${skipped}.`;
    }
    const who = `queries ${range(tile.top, tile.end)}`;
    if (tile.written) {
      const off = Math.max(...now.apart.filter((x) => x !== null));
      const all = step === plan.steps.length ? "All rows are done. " : "";
      return `${all}Divided by l and written: ${who}, and one logsumexp each. Off from the exact answer by at most ${off ? kit.number(off) : "0"}.`;
    }
    const lines = now.kept.slice(tile.top, tile.end);
    const risen = lines.filter(({ factor }) => factor > 0 && factor < 1).length;
    const area = (tile.end - tile.top) * (tile.right - tile.left);
    const first = tile.left === 0 ? "their first scores." : risen
      ? `a greater maximum in ${risen} of ${plural(lines.length, "row")}, whose sums shrink by the factor.`
      : "no maximum rises, so all factors are 1.";
    return `Tile of ${who} and keys ${range(tile.left, tile.right)}, ${plural(area, "score")}: ${first}`;
  }

  let before = null;
  let dark = false;
  function draw() {
    const plan = planNow();
    const step = at(plan);
    const now = replay(head, plan, step);
    const whole = replay(head, plan, plan.steps.length);
    tall.show(plan.tileQ);
    wide.show(plan.tileK);
    causal.checked = plan.causal;
    set(legend, "data-causal", plan.causal);
    time.input.max = plan.steps.length;
    time.show(step, `${step} of ${plan.steps.length}`);
    steps.show(step > 0, step < plan.steps.length);
    paint(plan, now, step);
    list(plan, now, step);
    ["read", "written", "alive"].forEach((name, i) => {
      facts[i].ours.textContent = name === "alive" ? whole.alive : `${grouped(now[name])} of ${grouped(whole[name])}`;
      facts[i].theirs.textContent = grouped(standard[name]);
    });
    facts[3].ours.textContent = fastMemory(plan, shape);
    facts[3].theirs.textContent = "–";
    const [ours, theirs] = [whole.read + whole.written, standard.read + standard.written];
    moved.show([
      { now: now.read + now.written, total: ours, text: `${grouped(now.read + now.written)} of ${grouped(ours)}` },
      { now: theirs, total: theirs, text: grouped(theirs) },
    ]);
    told.textContent = tell(plan, now, step);
    const look = JSON.stringify([options(), step]);
    if (before && before !== look) settle(told.textContent);
    before = look;
    set(root, "data-step", step);
    set(root, "data-steps", plan.steps.length);
  }
  watch(["tile_q", "tile_k", "is_causal", "step"], draw);
  later(kit.onTheme((isDark) => ((dark = isDark), draw())));
  return cleanup;
}
export default { render };
