// What turns with a position: the waves and the clock of a feature pair, and RoPE's dial.
const LAST = 64; // the last position that a slider reaches
const TURN = 2 * Math.PI;
const DIAMOND = "M0-6L6 0L0 6L-6 0Z";

const grouped = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
const fixed = (value, digits = 3) => kit.number(Number(value.toFixed(digits)) + 0, digits);
const degrees = (angle) => `${fixed((angle * 360) / TURN, 1)}°`;
const dot = ([a, b], [c, d]) => a * c + b * d;
const turn = ([x, y], angle) => {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [x * cos - y * sin, x * sin + y * cos];
};

function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    kit.set(node, name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  }
}

// One feature pair: its two waves over positions, and its clock.
function wave({ later }) {
  const { h, svg, set } = kit;
  const [height, middle, reach] = [96, 42, 32];
  const kinds = ["sin", "cos"];
  const axis = svg("line", { class: "tx-rule" });
  const curves = kinds.map((kind) => svg("polyline", { class: "tx-curve", "data-kind": kind }));
  const stems = ["p", "q"].map((name) => svg("line", { class: "tx-stem", "data-at": name }));
  const feet = ["p", "p + k"].map((name) => svg("text", { class: "tx-tick" }, name));
  const dots = ["p", "q"].flatMap((name) =>
    kinds.map(() =>
      svg("path", { class: "tx-dot", "data-at": name, d: name === "p" ? "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z" : DIAMOND }),
    ),
  );
  const strip = svg("svg", { "aria-hidden": "true", class: "tx-strip", height });
  strip.append(axis, ...stems, ...curves, ...dots, ...feet);
  const hands = ["p", "q"].map((name) => svg("line", { class: "tx-hand", "data-at": name }));
  const tips = ["p", "q"].map((name) =>
    svg("path", { class: "tx-dot", "data-at": name, d: name === "p" ? "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z" : DIAMOND }),
  );
  const arc = svg("path", { class: "tx-arc" });
  const clock = svg(
    "svg", { "aria-hidden": "true", class: "tx-clock", viewBox: "-50 -50 100 100" },
    svg("circle", { class: "tx-rim", r: 42 }), svg("path", { class: "tx-rule", d: "M0-42V-36" }), arc,
  );
  clock.append(...hands, ...tips);
  const caption = h("p", { class: "tx-caption" });
  const root = h("div", { class: "tx-wave" }, caption, strip, clock);
  let [width, shown] = [0, null];
  function redraw() {
    if (!width || !shown) return;
    const { p, k, frequency } = shown;
    const last = 2 * LAST;
    const x = (at) => 8 + (at / last) * (width - 16);
    set(strip, "viewBox", `0 0 ${width} ${height}`);
    put(axis, { x1: 8, x2: width - 8, y1: middle, y2: middle });
    [Math.sin, Math.cos].forEach((f, i) => {
      const points = Array.from({ length: 4 * last + 1 }, (_, n) => {
        const y = middle - reach * f((n / 4) * frequency);
        return `${x(n / 4).toFixed(1)},${y.toFixed(1)}`;
      });
      set(curves[i], "points", points.join(" "));
      [p, p + k].forEach((at, end) => {
        const y = middle - reach * f(at * frequency);
        set(dots[2 * end + i], "transform", `translate(${x(at).toFixed(1)} ${y.toFixed(1)})`);
      });
    });
    [p, p + k].forEach((at, end) => {
      put(stems[end], { x1: x(at), x2: x(at), y1: 4, y2: height - 16 });
      const anchor = end === 0 && k ? "end" : "start";
      const room = end === 0 && k ? Math.max(x(at), 10) : Math.min(x(at), width - 34);
      put(feet[end], { x: room, y: height - 3, "text-anchor": anchor });
      feet[end].style.display = end === 1 && !k ? "none" : "";
    });
  }
  later(kit.onWidth(strip, (wide) => ((width = wide), redraw())));
  function show(next) {
    shown = next;
    const { p, k, frequency, pair } = next;
    const spots = [p, p + k].map((at) => [Math.sin(at * frequency), Math.cos(at * frequency)]);
    spots.forEach(([sin, cos], end) => {
      put(hands[end], { x1: 0, y1: 0, x2: 36 * sin, y2: -36 * cos });
      set(tips[end], "transform", `translate(${(42 * sin).toFixed(2)} ${(-42 * cos).toFixed(2)})`);
    });
    const [[a, b], [c, e]] = spots;
    // between the hands as they stand, clockwise: nothing here knows k
    const measured = (Math.atan2(b * c - a * e, a * c + b * e) + TURN) % TURN;
    const large = measured > Math.PI ? 1 : 0;
    set(arc, "d", `M${18 * a} ${-18 * b}A18 18 0 ${large} 1 ${18 * c} ${-18 * e}`);
    const total = k * frequency;
    set(root, "data-measured", measured);
    const turns = Math.floor(total / TURN + 1e-9);
    caption.replaceChildren(
      h("b", null, `Pair ${pair}`), ` (features ${2 * pair}, ${2 * pair + 1}): one turn in `,
      `${grouped(Number((TURN / frequency).toPrecision(3)))} positions. From p to p + k: `,
      h("b", null, `kω = ${fixed(total)} rad = ${turns ? `${turns} × 360° + ` : ""}${degrees(total - turns * TURN)}`),
    );
    redraw();
    return total;
  }
  return { root, show };
}

// One feature pair of a query and a key, as they are (dotted) and as RoPE turns them (solid).
function dial() {
  const { h, svg, set } = kit;
  const arms = ["q", "k"].flatMap((name) =>
    ["plain", "turned"].map((state) => svg("line", { class: "tx-arm", "data-who": name, "data-state": state })),
  );
  const tips = ["q", "k"].map((name) =>
    svg("path", { class: "tx-dot", "data-who": name, d: name === "q" ? "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z" : DIAMOND }),
  );
  const names = ["q", "k"].map((name) => svg("text", { class: "tx-name" }, name));
  const drawing = svg("svg", { "aria-hidden": "true", class: "tx-round", viewBox: "-80 -80 160 160" });
  drawing.append(svg("path", { class: "tx-rule", d: "M-76 0H76M0-76V76" }), ...arms, ...tips, ...names);
  const caption = h("p", { class: "tx-caption" });
  const root = h("div", { class: "tx-turning" }, drawing, caption);
  function show({ query, key, m, n, frequency, pair }) {
    const far = Math.max(Math.hypot(...query), Math.hypot(...key), 0.1);
    const turned = [turn(query, m * frequency), turn(key, n * frequency)];
    [query, turned[0], key, turned[1]].forEach(([x, y], i) => {
      put(arms[i], { x1: 0, y1: 0, x2: (58 * x) / far, y2: (-58 * y) / far });
    });
    turned.forEach(([x, y], i) => {
      const [right, down] = [(58 * x) / far, (-58 * y) / far];
      set(tips[i], "transform", `translate(${right.toFixed(2)} ${down.toFixed(2)})`);
      put(names[i], { x: 1.22 * right, y: 1.22 * down + 4 });
    });
    const score = dot(...turned);
    set(root, "data-score", score);
    caption.replaceChildren(
      h("b", null, `Pair ${pair}: q·k = ${fixed(score)}`), h("br"),
      `q turned by ${degrees(m * frequency)}, k by ${degrees(n * frequency)}`,
    );
    return score;
  }
  return { root, show };
}
