// Choose who may attend to whom: the matrix, what one query sees, and what it costs.
const KINDS = {
  causal: ["Causal", () => "itself and the keys before it", []],
  length: ["Length", (p) => `the first ${p.length} keys, which are real tokens, not padding`, ["length"]],
  window: ["Sliding window", (p) => `the keys less than ${p.window} away`, ["window"]],
  prefix: ["Prefix", (p) => `itself, the keys before it, and the first ${p.prefix}`, ["prefix"]],
  global: [
    "Global tokens",
    (p) => `the keys less than ${p.window} away; the first ${p.num_global} see all and are seen by all`,
    ["window", "num_global"],
  ],
  block: ["Blocks", (p) => `the keys of its own block of ${p.block_size}`, ["block_size"]],
};
const SLIDERS = {
  num_tokens: "Tokens", length: "Real tokens", window: "Window", prefix: "Prefix",
  num_global: "Global tokens", block_size: "Block size",
};
const EXTRAS = { causal: "and causal", length: "and length" };

// may query i attend to key j? Positions count from 0.
const RULES = {
  causal: (i, j) => j <= i,
  length: (i, j, p) => j < p.length,
  window: (i, j, p) => Math.abs(i - j) < p.window,
  prefix: (i, j, p) => j <= i || j < p.prefix,
  global: (i, j, p) => Math.abs(i - j) < p.window || Math.min(i, j) < p.num_global,
  block: (i, j, p) => Math.floor(i / p.block_size) === Math.floor(j / p.block_size),
};

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "mask", "Attention masks");
  const { append, say, watch, save, later, cleanup } = frame;
  const { h, set } = kit;
  const labels = model.get("tokens");

  // ---- controls
  const kinds = Object.keys(KINDS);
  const buttons = kinds.map((kind) => h("button", { type: "button" }, KINDS[kind][0]));
  const pickKind = kit.choices("Kind of mask", buttons, (i) => save({ kind: kinds[i] }));
  set(pickKind.group, "class", "tx-kinds");
  const extras = Object.entries(EXTRAS).map(([name, text]) => {
    const onchange = () => {
      const others = model.get("also").filter((one) => one !== name);
      save({ also: input.checked ? [...others, name] : others });
    };
    const input = h("input", { type: "checkbox", onchange });
    return { name, input, node: h("label", { class: "tx-box" }, input, text) };
  });
  const sliders = Object.entries(SLIDERS).map(([name, text]) => {
    const oninput = () => save({ [name]: Number(input.value) });
    const input = h("input", { type: "range", min: 1, step: 1, "aria-label": text, oninput });
    const value = h("output");
    const title = h("span", { "aria-hidden": "true" }, text);
    return { name, input, value, node: h("label", { class: "tx-slide" }, title, input, value) };
  });
  const rule = h("p", { class: "tx-rule" });
  const swatches = [h("i"), h("i")];
  const legend = h(
    "p",
    { class: "tx-legend" },
    h("span", null, swatches[0], "may attend (True)"),
    h("span", null, swatches[1], "masked (False)"),
  );
  const place = h("div", { class: "tx-place" });
  const seen = h("p", { class: "tx-sees" });
  const chips = h("ul", { class: "tx-keys", role: "list", "aria-label": "Keys of this query" });
  const facts = ["Allowed", "Scores to compute", "Bytes, 2 a score", "Queries without a key"].map(
    (title) => [h("dt", null, title), h("dd")],
  );
  append(
    pickKind.group,
    h("div", { class: "tx-options" }, extras.map(({ node }) => node)),
    h("div", { class: "tx-sliders" }, sliders.map(({ node }) => node)),
    rule,
    h(
      "div",
      { class: "tx-body" },
      h("div", { class: "tx-views" }, legend, place),
      h("div", { class: "tx-side" }, h("dl", null, facts.flat()), seen, chips),
    ),
  );

  // ---- the mask
  let [dark, over, board, size, before] = [false, null, null, 0, null];
  let allowed = () => false;
  function state() {
    const n = labels.length || model.get("num_tokens");
    const p = { num_tokens: n };
    for (const name of Object.keys(SLIDERS).slice(1)) p[name] = clamp(model.get(name), 1, n);
    const kind = model.get("kind");
    const also = model.get("also").filter((name) => name !== kind);
    return { n, p, kind, also, query: clamp(model.get("query"), 0, n - 1) };
  }
  const token = (i) => labels[i] ?? `x${i + 1}`;
  function rebuild(n) {
    board?.forget();
    size = n;
    const tokens = Array.from({ length: n }, (_, i) => token(i));
    board = matrix(frame, tokens, tokens, {
      pick: (query) => save({ query }),
      look: (query, key) => {
        over = query === null ? null : [query, key];
        reveal(state());
      },
    });
    place.replaceChildren(board.node);
    place.parentNode.style.setProperty("--ideal", `${90 + 20 * n}px`);
    set(chips, "tabindex", n > 24 ? 0 : null);
    chips.replaceChildren(
      ...tokens.map((text) => h("li", null, h("span"), kit.token(visible(text)))),
    );
  }
  later(() => board.forget());
  const paint = () => {
    board.paint(dark, (i, j) => (allowed(i, j) ? 0.72 : 0));
    swatches.forEach((one, i) => (one.style.background = kit.color(i ? 0 : 0.72, dark)));
  };

  function reveal({ n, query }) {
    const [row, key] = over ?? [query, null];
    const may = Array.from({ length: n }, (_, j) => allowed(row, j));
    seen.replaceChildren(
      `Query ${row + 1}, `, h("bdi", null, visible(token(row))),
      `, sees ${may.filter(Boolean).length} of ${n} keys:`,
    );
    [...chips.children].forEach((chip, j) => {
      chip.firstChild.textContent = may[j] ? "✓" : "✗";
      set(chip, "data-seen", may[j]);
      set(chip, "data-look", j === key);
    });
    board.show(query, row, key);
  }

  watch([...Object.keys(SLIDERS), "kind", "also", "query"], () => {
    const now = state();
    const { n, p, kind, also } = now;
    const rules = [kind, ...also];
    allowed = (i, j) => rules.every((name) => RULES[name](i, j, p));
    if (n !== size) rebuild(n);
    pickKind.show(kinds.indexOf(kind));
    for (const { name, input, node } of extras) {
      node.hidden = name === kind || (name === "causal" && kind === "prefix");
      input.checked = also.includes(name);
    }
    const used = rules.flatMap((name) => KINDS[name][2]);
    for (const { name, input, value, node } of sliders) {
      node.hidden = name === "num_tokens" ? labels.length > 0 : !used.includes(name);
      input.max = name === "num_tokens" ? model.get("most_tokens") : n;
      input.value = p[name];
      value.textContent = p[name];
    }
    const told = rules.map((name) => KINDS[name][1](p));
    rule.textContent = `A query sees ${told.join("; and of these only ")}.`;
    const sums = Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j += 1) sum += allowed(i, j);
      return sum;
    });
    const count = sums.reduce((a, b) => a + b);
    const blind = sums.filter((sum) => sum === 0).length;
    const share = `${(Math.round((1000 * count) / n ** 2) / 10).toFixed(1)} %`;
    const numbers = [
      share, `${count} of n² = ${n ** 2}`, `${2 * count} of ${2 * n ** 2}`,
      blind ? `${blind} (all weights 0)` : "0",
    ];
    facts.forEach(([, value], i) => (value.textContent = numbers[i]));
    const look = JSON.stringify({ ...now, query: 0 });
    if (look !== before?.look) paint();
    else if (now.query !== before.query) over = null;
    reveal(now);
    if (before) {
      const news = look === before.look ? "" : `${rule.textContent} Allowed: ${share}, ${count} scores. `;
      say(news + seen.textContent.replace(":", "."));
    }
    before = { look, query: now.query };
  });
  later(kit.onTheme((isDark) => ((dark = isDark), paint())));
  return cleanup;
}
export default { render };
