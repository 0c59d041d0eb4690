// One step at a time through a recurrence and an attention layer, and the path between two tokens.
const LOW = "₀₁₂₃₄₅₆₇₈₉";
const below = (letter, i) => letter + String(i + 1).replace(/\d/g, (digit) => LOW[digit]);
const [HALF, DISC, GAP, LAYER] = [18, 14, 74, 44]; // px: half a row, half a disc, between rows

// Each network: how many dependent steps it needs, and its edges. An edge is
// [layer, from, to, step]; inputs are layer 0; it is used at `step`, counted from 1.
function networks(size, kernel) {
  const depth = Math.max(1, Math.ceil(Math.log(size) / Math.log(kernel) - 1e-9));
  const at = [...Array(size).keys()];
  const recurrence = at.map((t) => [0, t, t, t + 1]);
  for (const t of at.slice(1)) recurrence.push([1, t - 1, t, t + 1]);
  const convolution = [];
  for (let layer = 0; layer < depth; layer += 1) {
    for (const to of at) {
      for (let m = 0; m < kernel; m += 1) {
        const from = to - m * kernel ** layer;
        if (from >= 0) convolution.push([layer, from, to, layer + 1]);
      }
    }
  }
  const digit = (distance, layer) => Math.floor(distance / kernel ** layer) % kernel;
  return {
    recurrence: {
      title: "Recurrence", letter: "h", layers: 1, total: size, edges: recurrence,
      ready: (step) => Math.min(step, size),
      path: (i, j) =>
        i > j ? null : [[0, i, i], ...at.slice(i + 1, j + 1).map((t) => [1, t - 1, t])],
    },
    attention: {
      title: "Attention", letter: "y", layers: 1, total: 1,
      edges: at.flatMap((to) => at.map((from) => [0, from, to, 1])),
      ready: (step) => (step >= 1 ? size : 0),
      path: (i, j) => [[0, i, j]],
    },
    convolution: {
      title: `Convolution, kernel ${kernel}, dilated`, letter: "z", layers: depth, total: depth,
      edges: convolution,
      ready: (step) => (step >= depth ? size : 0),
      path: (i, j) => {
        if (i > j) return null;
        let here = i;
        return Array.from({ length: depth }, (_, layer) => {
          const from = here;
          here += digit(j - i, layer) * kernel ** layer;
          return [layer, from, here];
        });
      },
    },
  };
}

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// One network: a row of inputs below, a row of outputs above, edges between, numbers beneath.
function panel(name, net, tokens, { save, later }) {
  const { h, svg, set } = kit;
  const size = tokens.length;
  const inputs = tokens.map((text, i) =>
    h("button", { type: "button", "aria-label": `${below("x", i)}: ${text}` }, kit.token(text)),
  );
  const outputs = tokens.map((_, i) =>
    h("button", { type: "button" }, h("span", null, below(net.letter, i))),
  );
  const from = kit.choices(`${net.title}: from which input`, inputs, (source) => save({ source }));
  const to = kit.choices(`${net.title}: to which output`, outputs, (target) => save({ target }));
  set(from.group, "class", "tx-row tx-inputs");
  set(to.group, "class", "tx-row tx-outputs");
  const drawing = svg("svg", { "aria-hidden": "true" });
  const height = 4 * HALF + GAP + (net.layers - 1) * LAYER;
  const grid = h("div", { class: "tx-grid", style: `--n:${size};height:${height}px` });
  grid.append(drawing, to.group, from.group);
  const steps = h("dd", { class: "tx-steps" });
  const length = h("dd", { class: "tx-length" });
  const root = h(
    "div",
    { class: "tx-net", "data-network": name },
    h("p", { class: "tx-name" }, net.title),
    h("div", { class: "tx-scroll" }, grid),
    h("dl", null, h("dt", null, "Dependent steps"), steps, h("dt", null, "Path"), length),
  );

  // layer 0 is the inputs' row; a recurrence's horizontal edges run in the row of its outputs
  const rowY = (row) => height - 2 * HALF - (row * (height - 4 * HALF)) / net.layers;
  function line([layer, a, b], width, kind) {
    const x = (i) => ((i + 0.5) * width) / size;
    const flat = name === "recurrence" && layer === 1;
    const head = width / size - 2 * DISC > 14 ? "m-5 -4l5 4l-5 4" : ""; // where there is room
    const d = flat
      ? `M${x(a) + DISC} ${HALF}H${x(b) - DISC - 1}${head}`
      : `M${x(a)} ${rowY(layer)}L${x(b)} ${rowY(layer + 1)}`;
    return svg("path", { d, class: `tx-${kind}` });
  }

  let now = { step: 0, path: null };
  let width = 0;
  function redraw() {
    if (!width) return;
    set(drawing, "viewBox", `0 0 ${width} ${height}`);
    const edges = net.edges.map((edge) => line(edge, width, edge[3] <= now.step ? "done" : "edge"));
    const dots = [];
    for (let row = 1; row < net.layers; row += 1) {
      for (let i = 0; i < size; i += 1) {
        const cx = ((i + 0.5) * width) / size;
        const kind = row <= now.step ? "tx-dot tx-done" : "tx-dot";
        dots.push(svg("circle", { cx, cy: rowY(row), r: 4, class: kind }));
      }
    }
    const lit = (now.path ?? []).map((edge) => line(edge, width, "lit"));
    drawing.replaceChildren(...edges, ...lit, ...dots);
  }
  later(kit.onWidth(grid, (wide) => ((width = wide), redraw())));

  function show(step, source, target) {
    const path = net.path(source, target);
    const done = Math.min(step, net.total);
    const ready = net.ready(step);
    now = { step, path };
    from.show(source);
    to.show(target);
    outputs.forEach((node, i) => {
      set(node, "class", i < ready ? "tx-ready" : null);
      const state = i < ready ? "computed" : "waiting";
      set(node, "aria-label", `${below(net.letter, i)}, ${state}`);
    });
    set(root, "data-steps", done);
    set(root, "data-total", net.total);
    set(root, "data-ready", ready);
    set(root, "data-path", path ? path.length : "none");
    steps.textContent = `${done} of ${net.total}`;
    length.textContent = path ? plural(path.length, "edge") : "none: it reads left to right";
    redraw();
    return { ready, path: path ? plural(path.length, "edge") : "no path" };
  }
  return { root, show };
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "unrolled", "Unrolled networks: steps and paths");
  const { append, say, watch, save, cleanup } = frame;
  const { h, set } = kit;
  const tokens = model.get("tokens");
  const size = tokens.length;
  const nets = networks(size, model.get("kernel_size"));

  const move = (by) => {
    const step = Math.min(size, Math.max(0, model.get("step") + by));
    if (step !== model.get("step")) save({ step });
  };
  const back = h("button", { type: "button", onclick: () => move(-1) }, "Back");
  const next = h("button", { type: "button", class: "tx-main", onclick: () => move(1) }, "Step");
  const restart = h("button", { type: "button", onclick: () => save({ step: 0 }) }, "Restart");
  const slider = h("input", {
    type: "range", min: 0, max: size, step: 1, "aria-label": "Time step",
    oninput: () => save({ step: Number(slider.value) }),
  });
  const count = h("output", null);
  const also = h("input", {
    type: "checkbox",
    onchange: () => save({ show_convolution: also.checked }),
  });
  const controls = h(
    "div",
    {
      class: "tx-controls",
      role: "group",
      "aria-label": "Steps",
      onkeydown: (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by || event.target.tagName !== "BUTTON") return;
        event.preventDefault();
        move(by);
      },
    },
    back, next, restart,
    h("label", { class: "tx-slide" }, slider, count),
  );
  const choice = h("label", { class: "tx-also" }, also, "Add a dilated causal convolution");
  const route = h("p", { class: "tx-route" });
  const panels = Object.fromEntries(
    Object.entries(nets).map(([name, net]) => [name, panel(name, net, tokens, frame)]),
  );
  const shelf = h("div", { class: "tx-nets", style: `--n:${size}` });
  shelf.append(...Object.values(panels).map((one) => one.root));
  append(controls, route, shelf, choice);

  let before;
  watch(["step", "source", "target", "show_convolution"], () => {
    const step = model.get("step");
    const source = model.get("source");
    const target = model.get("target");
    const shown = model.get("show_convolution");
    slider.value = step;
    count.textContent = `Step ${step} of ${size}`;
    set(slider, "aria-valuetext", count.textContent);
    // a disabled button would drop the keyboard's focus at the last step
    set(back, "aria-disabled", String(step === 0));
    set(next, "aria-disabled", String(step === size));
    also.checked = shown;
    panels.convolution.root.hidden = !shown;
    route.replaceChildren(
      "Path from ", h("b", null, `input ${source + 1}`), " (", h("bdi", null, tokens[source]),
      ") to ", h("b", null, `output ${target + 1}`),
    );
    const told = Object.entries(panels)
      .filter(([name]) => shown || name !== "convolution")
      .map(([name, one]) => [name, one.show(step, source, target)]);
    const walked = before !== undefined && before !== step;
    if (before !== undefined) {
      const parts = told.map(([name, { ready, path }]) =>
        walked ? `${name}: ${ready} of ${size} computed` : `${name}: ${path}`,
      );
      say(`${walked ? `Step ${step}` : route.textContent}. ${parts.join(", ")}.`);
    }
    before = step;
  });
  return cleanup;
}
export default { render };
