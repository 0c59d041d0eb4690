// A sentence written token by token, without and with a cache of keys and values.
const MOST_ACTIONS = 48; // as in Python
const SPANS = [8192, 131072]; // tokens, for the table of memory
const BYTES = { 4: "32 bits", 2: "16 bits", 1: "8 bits" };
const SHAPE = ["num_heads", "num_kv_heads", "head_dim", "num_layers"];

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "cache", "Decoding with and without a cache");
  const { root, append, settle, watch, save, cleanup } = frame;
  const { h, set } = kit;
  const get = (trait) => model.get(trait);
  const [tokens, presets] = [get("tokens"), get("presets")];
  const count = tokens.length;
  const reach = () => get("window") ?? Infinity;
  const length = () => lengthOf(get("history"));

  // ---- controls
  let refused = "";
  const act = (change) => {
    const history = get("history");
    refused = "";
    if (change > 0 ? length() < count && history.length < MOST_ACTIONS : change < 0) save({ history: [...history, change] });
  };
  const steps = player(frame, "Tokens", {
    back: () => ((refused = ""), save({ history: get("history").slice(0, -1) })),
    next: () => act(1),
    reset: () => ((refused = ""), save({ history: [] })),
  });
  const undo = h("button", {
    type: "button",
    onclick: () => {
      const k = get("rollback");
      if (canTakeBack(length(), k, reach()) && get("history").length < MOST_ACTIONS) return act(-k);
      refused = k > length() || reach() === Infinity
        ? `There are no ${k} tokens to take back.`
        : `Not possible: a window of ${reach()} has dropped keys that the query after taking ${k} back would see. Such a cache must keep more slots than its window.`;
      draw();
    },
  });
  const option = (value, text) => h("option", { value }, text);
  const select = (label, trait, options) => {
    const node = h("select", { onchange: () => save({ [trait]: Number(node.value) }) }, options);
    return { node, label: h("label", { class: "tx-field" }, h("span", null, label), node) };
  };
  const back = select("Take back", "rollback", [1, 2, 3, 4].map((k) => option(k, k)));
  set(back.node, "aria-label", "How many tokens to take back");
  // a history with rollbacks need not be possible with another window
  const slide = (window) => save({ window, history: Array(length()).fill(1) });
  const sliding = h("input", { type: "checkbox", onchange: () => slide(sliding.checked ? Math.min(4, count) : null) });
  const span = h("input", { type: "range", min: 1, max: count, step: 1, "aria-label": "Window", oninput: () => slide(Number(span.value)) });
  const spanned = h("output");
  const windowRow = h("label", { class: "tx-slide" }, span, spanned);

  // ---- the sentence, the two ways, their cost
  const chips = tokens.map((text) => h("li", null, h("span"), kit.token(text)));
  const told = h("p", { class: "tx-told" });
  const ways = { anew: triangle(count, "anew"), cached: triangle(count, "cached") };
  const mark = (kind, text) => h("span", null, h("i", { "data-kind": kind }), text);
  const legend = h(
    "p", { class: "tx-legend" }, mark("computed", "computed in this step"), mark("read", "read from the cache"),
    mark("fallen", "out of the window"), mark("freed", "taken back"),
  );
  const costs = [["computed", "keys and values computed"], ["read", "read from the cache"], ["products", "query–key products"]].map(([name, text]) => {
    const cells = [h("td"), h("td")];
    return { name, cells, row: h("tr", null, h("th", { scope: "row" }, text), cells) };
  });
  const head = (...names) => h("thead", null, h("tr", null, h("td"), names.map((name) => h("th", { scope: "col" }, name))));
  const table = h("table", null, h("caption", null, "All layers and heads, so far"), head("without", "with"), h("tbody", null, costs.map((one) => one.row)));
  const ratio = h("p", { class: "tx-note" });
  const graph = chart(frame);

  // ---- memory
  const shapes = h("select", {
    onchange: () => {
      const chosen = presets[Number(shapes.value)];
      if (chosen) save(Object.fromEntries(SHAPE.map((name) => [name, chosen[name]])));
    },
  }, presets.map((one, i) => option(i, one.name)), h("option", { value: -1, disabled: true }, "your own"));
  const heads = select("KV heads", "num_kv_heads", []);
  const layers = select("Layers", "num_layers", []);
  const dim = select("Head size", "head_dim", []);
  const bits = select("Each number", "bytes_per_number", Object.entries(BYTES).map(([value, text]) => option(value, text)));
  const bill = h("p", { class: "tx-note" });
  const sizes = h("tbody");
  const spans = head("a token", ...SPANS.map(grouped));
  const memory = h(
    "div", { class: "tx-panel tx-memory" }, h("p", { class: "tx-title" }, "Memory of the cache"),
    h("div", { class: "tx-fields" }, h("label", { class: "tx-field" }, h("span", null, "Shape of"), shapes), heads.label, layers.label, dim.label, bits.label),
    bill, h("table", null, h("caption", null, "By KV heads and tokens, one sequence"), spans, sizes),
  );
  append(
    h("div", { class: "tx-options" }, h("label", { class: "tx-box" }, sliding, "Sliding window"), windowRow),
    h("div", { class: "tx-options" }, steps.node, h("div", { class: "tx-undo" }, back.node, undo)),
    told, h("ol", { class: "tx-slots" }, chips),
    h("div", { class: "tx-ways" }, ways.anew.node, ways.cached.node), legend,
    h("div", { class: "tx-costs" }, h("div", { class: "tx-panel" }, table, ratio), graph.node), memory,
  );

  // ---- drawing
  const fill = ({ node }, values, now, name = String) => {
    const all = [...new Set([...values, now])].sort((a, b) => a - b);
    const look = all.join();
    if (node.dataset.look !== look) node.replaceChildren(...all.map((value) => option(value, name(value))));
    node.dataset.look = look;
    node.value = now;
  };
  const kind = (kv, all) => (kv === all ? "MHA" : kv === 1 ? "MQA" : "GQA");

  function remember(slots) {
    const [all, kv, d, deep, bytes] = [...SHAPE, "bytes_per_number"].map(get);
    const perHead = 2 * deep * d * bytes;
    const at = presets.findIndex((one) => SHAPE.every((name) => one[name] === get(name)));
    shapes.value = at;
    const divisors = Array.from({ length: all }, (_, i) => i + 1).filter((i) => all % i === 0);
    fill(heads, divisors, kv, (value) => `${value} (${kind(value, all)})`);
    fill(layers, [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 118], deep);
    fill(dim, [16, 32, 64, 80, 96, 128, 256], d);
    bits.node.value = bytes;
    bill.textContent = `2 (key and value) × ${plural(deep, "layer")} × ${plural(kv, "KV head")} × ${d} numbers × ${bytes} B = ${size(perHead * kv)} a token, ${size(perHead * kv * slots)} for the ${plural(slots, "slot")} of now.`;
    const rows = [...new Set([all, kv, 1])].map((one) => {
      const long = SPANS.map((tokens) => h("td", null, size(perHead * one * Math.min(tokens, reach()))));
      return h("tr", { "data-now": one === kv }, h("th", { scope: "row" }, `${kind(one, all)}, ${one}`), h("td", null, size(perHead * one)), long);
    });
    sizes.replaceChildren(...rows);
    set(memory, "data-bytes", perHead * kv * slots);
  }

  function tell(actions, slots) {
    const last = actions.at(-1);
    if (refused) return refused;
    if (!last) return "Nothing is read yet. Each step reads one token more, to write the next.";
    if (last.freed) {
      const k = last.freed[1] - last.freed[0];
      return `${plural(k, "token")} taken back: the cache forgets ${k === 1 ? "its slot" : "their slots"} and computes nothing. What they cost is spent.`;
    }
    const { anew, cached, length } = last;
    const fallen = last.oldest ? ` ${plural(last.oldest, "token")} fell out of the window.` : "";
    return `Token ${length} of ${count}: without a cache every layer reads ${plural(anew.computed, "token")}, ${plural(anew.products, "product")} a head; with one, 1 token and ${plural(cached.products, "product")}, ${plural(slots, "slot")} in memory.${fallen}`;
  }

  let before = null;
  function draw() {
    const [history, window] = [get("history"), reach()];
    const actions = replay(history, window);
    const here = lengthOf(history);
    const oldest = Math.max(0, here - window);
    const slots = here - oldest;
    const rows = Math.max(count, actions.length);
    const sums = sumUp(actions);
    const [perToken, perPair] = [2 * get("num_kv_heads") * get("num_layers"), get("num_heads") * get("num_layers")];
    sliding.checked = window !== Infinity;
    set(windowRow, "data-off", window === Infinity);
    span.disabled = window === Infinity;
    span.value = Math.min(window, count);
    spanned.textContent = window === Infinity ? "off" : `${plural(window, "key")}`;
    set(span, "aria-valuetext", spanned.textContent);
    back.node.value = get("rollback");
    undo.textContent = `Take back ${get("rollback")}`;
    steps.show(actions.length > 0, here < count && actions.length < MOST_ACTIONS);
    chips.forEach((chip, i) => {
      const state = i < oldest ? "fallen" : i < here ? "kept" : i === here ? "next" : "wait";
      set(chip, "data-state", state);
      chip.firstChild.textContent = { fallen: "out", kept: "kept", next: "next", wait: "" }[state];
    });
    for (const [way, one] of Object.entries(ways)) one.show(actions, rows, `${plural(sums[way].computed, "token")} computed`);
    costs.forEach(({ name, cells }) => ["anew", "cached"].forEach((way, i) => {
      const number = sums[way][name] * (name === "products" ? perPair : perToken);
      cells[i].textContent = grouped(number);
      set(cells[i], "data-number", number);
    }));
    const times = (name) => (sums.anew[name] / sums.cached[name]).toFixed(1);
    ratio.textContent = here || actions.length ? `Without a cache: ${times("computed")} times the keys and values, ${times("products")} times the products.` : "";
    graph.show(actions, rows, productsAnew(count, window));
    remember(slots);
    told.textContent = tell(actions, slots);
    set(root, "data-length", here);
    const news = [told.textContent, bill.textContent];
    if (before) settle(news.find((text, i) => text !== before[i]) ?? news[0]);
    before = news;
  }
  watch(["history", "window", "rollback", "bytes_per_number", ...SHAPE], draw);
  return cleanup;
}
export default { render };
