// Where each query looks: a heatmap or lines, one query's weights in numbers, layers and heads, or
// all heads in a grid. A widget of its own, and a part of those that lend it a model.

// The weights of one query: a bar and a number for each key.
function bars(keys, goldTag) {
  const { h, set } = kit;
  const parts = keys.map((text) => {
    const bar = h("i");
    const number = h("span", { class: "tx-number" });
    const tag = h("span", { class: "tx-tag" });
    const name = kit.token(visible(text));
    const rail = h("span", { class: "tx-rail" }, bar);
    const item = h("li", null, name, tag, rail, number);
    return { item, bar, number, tag };
  });
  const items = parts.map(({ item }) => item);
  const look = { class: "tx-bars", role: "list", "aria-label": "Weights by key" };
  const list = h("ol", { ...look, tabindex: keys.length > 18 ? 0 : null }, items);
  function show(row, top, digits, best, gold) {
    parts.forEach(({ item, bar, number, tag }, key) => {
      number.textContent = row[key].toFixed(digits);
      bar.style.transform = `scaleX(${Math.min(1, row[key] / top)})`;
      tag.textContent = gold.has(key) ? goldTag : "";
      set(item, "data-largest", key === best);
      set(item, "data-gold", gold.has(key));
    });
  }
  return { list, show };
}

function attention(context) {
  const { model } = context;
  const frame = kit.mount(context, "attention", "Attention weights");
  const { append, say, watch, save, later, cleanup } = frame;
  const { h, set } = kit;
  const [layers, heads, numQueries, numKeys] = model.get("shape");
  const [queries, keys] = [model.get("query_tokens"), model.get("key_tokens")];
  const levels = model.get("levels");
  const digits = levels > 255 ? 3 : 2;
  const sent = model.get("data");
  const bytes = sent.buffer.slice(sent.byteOffset, sent.byteOffset + sent.byteLength);
  const values = levels > 255 ? new Uint16Array(bytes) : new Uint8Array(bytes);
  const goldOf = queries.map(() => new Set());
  for (const [query, key] of model.get("gold")) goldOf[query].add(key);
  const anyGold = model.get("gold").length > 0;
  const start = (layer, head) => (layer * heads + head) * numQueries * numKeys;
  let [offset, top, dark, over] = [0, 1, false, null];
  const weight = (query, key) => values[offset + query * numKeys + key] / levels;
  const picked = (name, size) => clamp(model.get(name), 0, size - 1);

  // ---- controls
  const numbered = (name, count, extra) =>
    Array.from({ length: count }, (_, i) => {
      const text = h("span", null, String(i));
      return h("button", { type: "button", "aria-label": `${name} ${i}` }, extra?.[i], text);
    });
  const thumbs = Array.from({ length: heads }, () =>
    h("canvas", { width: numKeys, height: numQueries }),
  );
  const picker = (label, items, trait, names) => {
    const row = kit.choices(label, items, (i) => save({ [trait]: names ? names[i] : i }));
    const node = h("div", { class: `tx-pick tx-pick-${trait}` }, h("span", null, label), row.group);
    node.hidden = items.length === 1;
    return { node, show: row.show };
  };
  const grid = model.get("grid")
    ? headGrid(model.get("shape"), model.get("names"), model.get("score_names"), model.get("score_values"), {
        pick: (index) => save({ layer: Math.floor(index / heads), head: index % heads }),
        sort: (sort) => save({ sort }),
      })
    : null;
  const plain = (text) => h("button", { type: "button" }, text);
  const views = ["heatmap", "lines"];
  const pickLayer = picker("Layer", numbered("Layer", layers), "layer");
  const pickHead = picker("Head", numbered("Head", heads, thumbs), "head");
  const pickView = picker("View", [plain("Heatmap"), plain("Lines")], "view", views);
  const box = (trait, text) => {
    const input = h("input", { type: "checkbox", onchange: () => save({ [trait]: input.checked }) });
    return { input, node: h("label", { class: "tx-box" }, input, text) };
  };
  const [goldName, goldTag, goldKey] = model.get("gold_words") ?? ["Gold alignment", "gold", "gold keys"];
  const gold = box("show_gold", goldName);
  gold.node.hidden = !anyGold;
  const stretch = box("stretch", "Colours up to the largest weight");
  const strip = h("canvas", { width: 64, height: 1 });
  const highest = h("span", { class: "tx-top" });
  const legend = h("span", { class: "tx-legend" }, "weight 0", strip, highest);

  // ---- the two views and the numbers beside them
  const act = {
    pick: (query) => save({ query }),
    look: (query, key) => {
      over = query === null ? null : [query, key];
      reveal();
    },
  };
  const map = matrix(frame, queries, keys, act);
  later(map.forget);
  const fan = lines(frame, queries, keys, weight);
  const list = bars(keys, goldTag);
  list.list.style.setProperty("--tag", anyGold ? "2rem" : "0px");
  const readout = h("p", { class: "tx-readout" });
  const help = "Point at a query to look; click, tap or use the arrow keys to hold it.";
  const ideal = 110 + 30 * numKeys;
  if (grid) pickLayer.node.hidden = pickHead.node.hidden = true;
  append(
    grid?.node ?? "",
    h("div", { class: "tx-controls" }, pickLayer.node, pickHead.node, pickView.node),
    h("div", { class: "tx-options" }, gold.node, stretch.node, legend),
    h(
      "div",
      { class: "tx-body" },
      h("div", { class: "tx-views", style: `--ideal:${ideal}px` }, map.node, fan.node),
      h("div", { class: "tx-side" }, readout, list.list),
    ),
    h("p", { class: "tx-help" }, help),
  );

  const bold = (text) => h("bdi", { class: "tx-named" }, visible(text));
  // the row under the mouse, else the picked one
  function reveal() {
    const pickedRow = picked("query", numQueries);
    const [query, key] = over ?? [pickedRow, null];
    const row = Array.from({ length: numKeys }, (_, k) => weight(query, k));
    const best = row.indexOf(Math.max(...row));
    const ties = row.filter((value) => value === row[best]).length - 1;
    const goldKeys = model.get("show_gold") ? goldOf[query] : new Set();
    const onGold = [...goldKeys].reduce((sum, k) => sum + row[k], 0);
    const told = row[best]
      ? [
          " puts its largest weight, ", row[best].toFixed(digits), ", on ", bold(keys[best]),
          ` (key ${best + 1})`,
          ties ? ` and as much on ${ties} more` : "",
          goldKeys.size ? `; on its ${goldKey} ${onGold.toFixed(digits)} in all` : "",
          ".",
        ]
      : [" attends to no key: all its weights are 0."];
    readout.replaceChildren(`Query ${query + 1}, `, bold(queries[query]), ",", ...told);
    if (key !== null) readout.append(" Here, on ", bold(keys[key]), `: ${row[key].toFixed(digits)}.`);
    list.show(row, top, digits, row[best] ? best : -1, goldKeys);
    if (model.get("view") === "lines") fan.show(query, goldKeys);
    map.show(pickedRow, query, key);
  }

  function paint() {
    map.paint(dark, (query, key) => weight(query, key) / top);
    if (model.get("view") === "lines") fan.paint();
    grid?.paint(dark, (head, query, key) => values[start(0, head) + query * numKeys + key] / levels / top);
    if (!grid) thumbs.forEach((thumb, head) => {
      const from = start(picked("layer", layers), head);
      const shade = (query, key) => values[from + query * numKeys + key] / levels / top;
      paintCells(thumb, dark, shade);
    });
    paintCells(strip, dark, (_, i) => i / 63);
  }

  let before = null;
  function draw() {
    const [layer, head] = [picked("layer", layers), picked("head", heads)];
    const [query, view] = [picked("query", numQueries), model.get("view")];
    const now = [layer, head, view, model.get("stretch"), model.get("show_gold"), model.get("sort")];
    offset = start(layer, head);
    const all = grid ? values : values.subarray(start(layer, 0), start(layer + 1, 0));
    top = model.get("stretch") ? Math.max(1, all.reduce((a, b) => Math.max(a, b))) / levels : 1;
    const changed = now.findIndex((value, i) => value !== before?.now[i]);
    if (changed >= 0) {
      pickLayer.show(layer);
      pickHead.show(head);
      pickView.show(views.indexOf(view));
      gold.input.checked = model.get("show_gold");
      stretch.input.checked = model.get("stretch");
      highest.textContent = top.toFixed(top === 1 ? 0 : digits);
      map.node.hidden = view !== "heatmap";
      fan.node.hidden = view !== "lines";
      (view === "lines" ? fan : map).sheet.prepend(map.rows);
      grid?.arrange(model.get("sort"));
      grid?.show(layer * heads + head);
      map.outline(model.get("show_gold") ? model.get("gold") : []);
      paint();
    }
    if (before && before.query !== query) over = null;
    reveal();
    if (before) {
      const where = grid ? `${grid.current.textContent} ` : `Layer ${layer}, head ${head}. `;
      const sorted = `Sorted by ${model.get("sort") || "layer"}. ${grid?.best.textContent} `;
      const news = [
        where, where, `View: ${view}. `,
        `Colours from 0 to ${highest.textContent}. `,
        `${goldName} ${model.get("show_gold") ? "outlined" : "hidden"}. `,
        sorted,
      ][changed];
      say((news ?? "") + readout.textContent);
    }
    before = { now, query };
  }

  watch(["layer", "head", "query", "view", "show_gold", "stretch", "sort"], draw);
  later(kit.onTheme((isDark) => ((dark = isDark), paint(), reveal())));
  return cleanup;
}
