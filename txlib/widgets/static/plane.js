// Points of the plane: their names, their hull, a square drawing around the origin, and a hand.
const NEAR = 26; // px around a point in which a finger takes hold of it
const short = (label) => ([...label].length > 9 ? `${[...label].slice(0, 8).join("")}…` : label);
const fixed = (c, digits) => kit.number(Number(c.toFixed(digits)) + 0, digits); // no −0.00
const pair = ([x, y], digits = 2) => `(${fixed(x, digits)}, ${fixed(y, digits)})`;

// Corners of the convex hull, in order: Andrew's monotone chain.
function hull(points) {
  const sorted = [...points].sort(([a, b], [c, d]) => a - c || b - d);
  const half = (list) => {
    const kept = [];
    for (const [x, y] of list) {
      while (kept.length > 1) {
        const [[a, b], [c, d]] = kept.slice(-2);
        if ((c - a) * (y - b) - (d - b) * (x - a) > 0) break;
        kept.pop();
      }
      kept.push([x, y]);
    }
    return kept.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

// A square piece of the plane around the origin, with a unit grid; `paint` draws what is in it.
function plane(name, later, paint) {
  const { svg, set } = kit;
  const grid = svg("path", { class: "tx-grid" });
  const axes = svg("path", { class: "tx-axes" });
  const ticks = svg("g", { class: "tx-ticks" });
  const drawing = svg("svg", { "aria-hidden": "true", class: `tx-${name}` });
  drawing.append(grid, axes, ticks);
  const here = { drawing, size: 0, bound: 1 };
  here.at = ([x, y]) => [x, -y].map((c) => ((c / here.bound + 1) * here.size) / 2);
  here.from = (px, py) => [px, here.size - py].map((p) => ((2 * p) / here.size - 1) * here.bound);
  here.rule = () => {
    const { size, bound } = here;
    if (!size) return false;
    set(drawing, "viewBox", `0 0 ${size} ${size}`);
    const step = [0.5, 1, 2, 5].find((one) => bound / one <= 4) ?? 10;
    const marks = [];
    for (let i = -Math.floor(bound / step); i * step <= bound; i += 1) if (i) marks.push(i * step);
    const at = (m) => ((m / bound + 1) * size) / 2;
    set(grid, "d", marks.map((m) => `M${at(m)} 0V${size}M0 ${at(m)}H${size}`).join(""));
    set(axes, "d", `M${size / 2} 0V${size}M0 ${size / 2}H${size}`);
    const inner = marks.filter((m) => Math.abs(m) < 0.93 * bound);
    ticks.replaceChildren(
      ...inner.map((m) =>
        svg("text", { x: at(m), y: size / 2 + 12 }, kit.number(m, m % 1 ? 1 : 0)),
      ),
    );
    return true;
  };
  later(kit.onWidth(drawing, (width) => {
    here.size = width;
    if (here.rule()) paint();
  }));
  return here;
}

// A name beyond a point, seen from the origin, kept inside the drawing.
function place(text, [x, y], size) {
  const [dx, dy] = [x - size / 2, y - size / 2];
  const far = Math.hypot(dx, dy) || 1;
  text.half ||= text.getComputedTextLength() / 2 + 3; // its text never changes
  const half = text.half;
  const [right, down] = far > 1 ? [dx / far, dy / far] : [0, -1];
  const inside = (at, room) => Math.min(size - room, Math.max(room, at));
  const wanted = x + right * (16 + half);
  const beside = inside(wanted, half);
  const above = beside === wanted ? down * 22 + 4 : down > 0 ? 28 : -18; // no room at the side
  kit.set(text, "x", beside.toFixed(1));
  kit.set(text, "y", inside(y + above, 12).toFixed(1));
}

function stretch(line, [x1, y1], [x2, y2], weight) {
  for (const [end, at] of Object.entries({ x1, y1, x2, y2 })) kit.set(line, end, at.toFixed(1));
  line.style.strokeWidth = (1.5 + 6 * weight).toFixed(2);
}

// A frame around a plane in which points move: whichever the pointer takes, the selected one by
// arrow keys. `spot(i)` says where point i is, `move(i, point)` puts it elsewhere.
function movable({ drawing, at, from }, { count, spot, move, selected, select }) {
  let held = null; // the point in hand, whose hand, and where in it
  const pointer = (event) => {
    const box = drawing.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const grasp = (event) => {
    if (event.button || held) return;
    const [px, py] = pointer(event);
    const gaps = Array.from({ length: count }, (_, i) => {
      const [x, y] = at(spot(i));
      return { i, dx: x - px, dy: y - py, far: Math.hypot(x - px, y - py) };
    });
    // of two points on one spot, the selected
    const first = (one) => Number(one.i !== selected());
    const nearest = gaps.sort((a, b) => a.far - b.far || first(a) - first(b))[0];
    if (nearest.far > NEAR) return;
    event.preventDefault();
    held = { ...nearest, id: event.pointerId };
    stage.setPointerCapture(event.pointerId);
    stage.focus({ preventScroll: true });
    select(held.i);
  };
  const pull = (event) => {
    if (held?.id !== event.pointerId) return;
    const [px, py] = pointer(event);
    move(held.i, from(px + held.dx, py + held.dy));
  };
  const release = (event) => {
    if (held?.id === event.pointerId) held = null;
  };
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  const press = (event) => {
    const way = WAYS[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const far = event.shiftKey ? 0.5 : 0.1;
    move(selected(), spot(selected()).map((c, k) => c + far * way[k]));
  };
  const stage = kit.h(
    "div",
    {
      class: "tx-stage", role: "application", tabindex: 0, onkeydown: press,
      onpointerdown: grasp, onpointermove: pull, onpointerup: release, onpointercancel: release,
    },
    drawing,
  );
  return stage;
}
