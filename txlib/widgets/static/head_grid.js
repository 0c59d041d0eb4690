// All heads as small maps with their scores, by layer or by one score. The slots stay; what they
// show moves, so that the order of the page is the order of the keys.
const plainNumber = (value, digits) =>
  value === null ? "–" : (Number(value.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");

const brief = (text) => {
  const letters = [...visible(text)];
  return letters.length > 40 ? `${letters.slice(0, 39).join("")}…` : letters.join("");
};

function headGrid(shape, names, scoreNames, scores, { pick, sort }) {
  const { h, set } = kit;
  const [layers, heads, height, width] = shape;
  const count = layers * heads;
  let order = [];
  const slots = Array.from({ length: count }, () => {
    const canvas = h("canvas", { width, height });
    const name = h("span", { class: "tx-head" });
    const values = scoreNames.map(() => h("span", { class: "tx-score" }));
    const rows = scoreNames.map((text, i) =>
      h("span", { class: "tx-scored" }, kit.token(text), " ", values[i]),
    );
    return { button: h("button", { type: "button" }, canvas, name, rows), canvas, name, rows, values };
  });
  const buttons = slots.map((slot) => slot.button);
  const map = kit.choices("Heads", buttons, (i) => pick(order[i]));
  set(map.group, "class", "tx-heads");
  map.group.style.setProperty("--heads", heads);
  const keys = [h("button", { type: "button" }, layers > 1 ? "layer" : "number")];
  keys.push(...scoreNames.map((text) => h("button", { type: "button" }, kit.token(text))));
  const sorter = kit.choices("Sort heads by", keys, (i) => sort(i ? scoreNames[i - 1] : ""));
  const row = h("div", { class: "tx-pick" }, h("span", { "aria-hidden": "true" }, "Sort by"), sorter.group);
  row.hidden = !scoreNames.length;
  const best = h("p", { class: "tx-best" });
  const current = h("p", { class: "tx-current" });
  const node = h("div", { class: "tx-grid" }, row, best, map.group, current);

  function arrange(by) {
    const at = scoreNames.indexOf(by);
    const all = Array.from({ length: count }, (_, i) => i);
    const value = (i) => scores[at][i] ?? -Infinity;
    order = at < 0 ? all : all.sort((a, b) => (value(b) === value(a) ? a - b : value(b) - value(a)));
    sorter.show(at + 1);
    slots.forEach((slot, i) => {
      slot.name.replaceChildren(kit.token(visible(names[order[i]])));
      slot.values.forEach((cell, s) => (cell.textContent = plainNumber(scores[s][order[i]], 2)));
      slot.rows.forEach((one, s) => set(one, "data-sorted", s === at));
      set(slot.button, "data-index", order[i]);
    });
    const scored = order.filter((i) => at >= 0 && scores[at][i] !== null);
    const told = (i) => `${brief(names[i])} (${plainNumber(scores[at][i], 3)})`;
    best.textContent = scored.length
      ? `Most ${brief(by)}: ${told(scored[0])}. Least: ${told(scored.at(-1))}.`
      : "";
    best.hidden = !scored.length;
  }
  function show(index) {
    map.show(order.indexOf(index));
    const list = scoreNames.map((name, s) => `${brief(name)} ${plainNumber(scores[s][index], 3)}`);
    const told = list.length ? `${brief(names[index])}: ${list.join(", ")}` : brief(names[index]);
    current.textContent = `Enlarged: ${told}.`;
  }
  // shade(head, query, key) is between 0 and 1
  const paint = (dark, shade) =>
    slots.forEach(({ canvas }, i) =>
      paintCells(canvas, dark, (query, key) => shade(order[i], query, key)),
    );
  return { node, arrange, show, paint, best, current };
}
