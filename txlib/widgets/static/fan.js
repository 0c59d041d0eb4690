// Queries at the left, keys at the right; every weight is a line, the shown query's are on top.
function lines({ root, later }, queries, keys, weight) {
  const { h, set } = kit;
  const right = keys.map((text) => h("span", null, kit.token(visible(text))));
  const [back, front] = [h("canvas"), h("canvas")];
  const area = h("div", { class: "tx-strands", "aria-hidden": "true" }, back, front);
  const ends = h("div", { class: "tx-ends", "aria-hidden": "true" }, right);
  const sheet = h("div", { class: "tx-fan" }, area, ends);
  const node = h("div", null, h("div", { class: "tx-scroll" }, sheet));
  const ink = (name) => getComputedStyle(root).getPropertyValue(name);
  let [width, tall, height, shown] = [0, 24, 0, 0];

  function strands(pen, query, most, base) {
    const middle = (i) => (i + 0.5) * tall;
    keys.forEach((_, key) => {
      const value = weight(query, key);
      if (value < 0.004) return;
      pen.globalAlpha = base + (1 - base) * value * most;
      pen.lineWidth = 0.75 + 5 * value * most;
      pen.beginPath();
      pen.moveTo(0, middle(query));
      pen.bezierCurveTo(width / 2, middle(query), width / 2, middle(key), width, middle(key));
      pen.stroke();
    });
  }
  function paint() {
    if (!width) return;
    const pen = kit.canvas(back, width, height);
    pen.strokeStyle = ink("--line");
    queries.forEach((_, query) => strands(pen, query, 0.35, 0.04));
    kit.canvas(front, width, height);
    show(shown);
  }
  function show(query, gold) {
    shown = query;
    if (!width) return;
    const pen = front.getContext("2d");
    pen.clearRect(0, 0, width, height);
    pen.strokeStyle = ink("--accent");
    strands(pen, query, 1, 0.3);
    const most = Math.max(...keys.map((_, key) => weight(query, key)));
    right.forEach((end, key) => {
      set(end, "data-look", most > 0 && weight(query, key) === most);
      set(end, "data-gold", gold?.has(key));
    });
  }
  const resize = (wide) => {
    width = wide;
    tall = fingers() ? 32 : 24;
    height = Math.max(queries.length, keys.length) * tall;
    sheet.style.setProperty("--tall", `${tall}px`);
    paint();
  };
  later(kit.onWidth(area, resize));
  return { node, sheet, show, paint };
}
