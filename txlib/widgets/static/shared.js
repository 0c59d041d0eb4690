// What every widget shares in the browser. One constant, no import, no export: Python puts this
// file before each widget's own. Text from Python reaches the page through textContent alone.
const kit = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  // h("button", { class: "a", onclick: f, "aria-label": "b", disabled: true }, "text", node)
  function build(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else set(node, name, value);
    }
    node.append(...children.flat().filter((child) => child != null));
    return node;
  }
  const h = (tag, attributes, ...children) =>
    build(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    build(document.createElementNS(SVG, tag), attributes, children);

  // null and false take the attribute away, true leaves it empty
  function set(node, name, value) {
    if (value == null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }

  // Plain text in which `backticks` mark code.
  const rich = (text) =>
    text.split("`").map((part, i, parts) => {
      if (i % 2 === 0) return part;
      return i === parts.length - 1 ? `\`${part}` : h("code", null, part);
    });

  // A token: cut with an ellipsis where space ends, whole in its tooltip, in its own direction.
  const token = (text) => h("bdi", { class: "tx-token", title: text, dir: "auto" }, text);

  let count = 0;
  const uid = (stem) => `tx-${stem}-${(count += 1)}`;

  // Reports the width of `node` now and whenever it changes.
  function onWidth(node, draw) {
    let last = -1;
    const observer = new ResizeObserver(() => {
      if (node.clientWidth === last) return;
      last = node.clientWidth;
      draw(last);
    });
    observer.observe(node);
    return () => observer.disconnect();
  }

  // A 2D context in CSS pixels, sharp on dense screens.
  function canvas(node, width, height) {
    const ratio = window.devicePixelRatio || 1;
    node.width = Math.round(width * ratio);
    node.height = Math.round(height * ratio);
    node.style.width = `${width}px`;
    node.style.height = `${height}px`;
    const context = node.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // ---- light and dark: the book's theme, JupyterLab's, Colab's, VS Code's, else the system's ----

  function isDark() {
    const { documentElement: html, body } = document;
    const said =
      html.dataset.theme || html.getAttribute("theme") || body.dataset.vscodeThemeKind || "";
    if (/dark|black/.test(said)) return true;
    if (/light/.test(said)) return false;
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function onTheme(draw) {
    let last;
    const check = () => {
      const dark = isDark();
      if (dark !== last) draw((last = dark));
    };
    const observer = new MutationObserver(check);
    for (const node of [document.documentElement, document.body]) {
      observer.observe(node, { attributes: true });
    }
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", check);
    check();
    return () => {
      observer.disconnect();
      media.removeEventListener("change", check);
    };
  }

  // ---- colour: equal steps of a value are equal steps of lightness (Oklab) ----------------------

  function oklab(lightness, a, b) {
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const linear = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    return linear.map((c) => {
      const clear = Math.min(1, Math.max(0, c));
      const coded = clear <= 0.0031308 ? 12.92 * clear : 1.055 * clear ** (1 / 2.4) - 0.055;
      return Math.round(255 * coded);
    });
  }

  // 0 melts into the page, 1 stands out most: towards blue on white, towards yellow on black.
  function color(value, dark) {
    const t = Math.min(1, Math.max(0, value));
    const [lightness, chroma, hue] = dark
      ? [0.24 + 0.64 * t, 0.03 + 0.11 * t, 4.4 - 2.6 * t]
      : [0.98 - 0.63 * t, 0.01 + 0.12 * t, 4.0 + 0.6 * t];
    const rgb = oklab(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
    return `rgb(${rgb.join(",")})`;
  }

  // The colour of text that is read on top of color(value, dark).
  const inkOn = (value, dark) => (value > (dark ? 0.55 : 0.45) === dark ? "#111418" : "#ffffff");

  // ---- keyboard ----------------------------------------------------------------------------------

  // One tab stop for a row of items; arrows, Home and End move within it and pick.
  function roving(container, items, pick) {
    const choose = (index) => {
      items.forEach((item, i) => set(item, "tabindex", i === index ? 0 : -1));
    };
    const keys = (event) => {
      const at = items.indexOf(event.target.closest("[tabindex]"));
      const to = {
        ArrowRight: at + 1,
        ArrowDown: at + 1,
        ArrowLeft: at - 1,
        ArrowUp: at - 1,
        Home: 0,
        End: items.length - 1,
      }[event.key];
      if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const next = Math.min(items.length - 1, Math.max(0, to));
      items[next].focus();
      pick(next);
    };
    container.addEventListener("keydown", keys);
    items.forEach((item, i) => item.addEventListener("click", () => pick(i)));
    return choose; // call with the index that the tab key should reach
  }

  // A row in which exactly one item is picked, read out as such. Returns show(index).
  function choices(label, items, pick) {
    const group = h("div", { role: "radiogroup", "aria-label": label }, items);
    for (const item of items) set(item, "role", "radio");
    const choose = roving(group, items, pick);
    const show = (index) => {
      items.forEach((item, i) => set(item, "aria-checked", String(i === index)));
      choose(Math.max(0, index));
    };
    return { group, show };
  }

  // ---- numbers -----------------------------------------------------------------------------------

  // 0.5 as "0.500", with a real minus sign; what would read 0.000 but is not 0 as "1.2e−7".
  function number(value, digits = 3) {
    const small = value !== 0 && Math.abs(value) < 0.5 * 10 ** -digits;
    return (small ? value.toExponential(1) : value.toFixed(digits)).replaceAll("-", "−");
  }

  // ---- the frame ---------------------------------------------------------------------------------

  // float32 values of a Bytes trait (a DataView), in Python's order.
  const floats = (view) =>
    new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

  // Sets up what a widget stands in. `later` collects what must be undone; `say` speaks to screen
  // readers, `settle` once the hand rests; `watch(names, draw)` draws now and, once a frame, after any of these traits changed.
  function mount({ model, el }, name, label) {
    const undo = [];
    const later = (...steps) => undo.push(...steps);
    const speech = h("div", { class: "tx-said", "aria-live": "polite" });
    const root = h("div", {
      class: `tx tx-${name}`,
      role: "group",
      "aria-label": label,
      "data-lm-suppress-shortcuts": "true", // JupyterLab: keys typed here are ours
      onkeydown: (event) => event.stopPropagation(), // and the page's own shortcuts wait
    });
    el.append(root);
    later(onTheme((dark) => set(root, "data-dark", dark)), () => root.remove());

    let frame = 0;
    const stale = new Set();
    const watch = (names, draw) => {
      const mark = () => {
        stale.add(draw);
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          const due = [...stale];
          stale.clear();
          for (const step of due) step();
        });
      };
      for (const trait of names) model.on(`change:${trait}`, mark);
      later(() => names.forEach((trait) => model.off(`change:${trait}`, mark)));
      draw();
    };
    later(() => cancelAnimationFrame(frame));

    const save = (changes) => {
      for (const [trait, value] of Object.entries(changes)) model.set(trait, value);
      model.save_changes();
    };
    const say = (text) => {
      speech.textContent = text;
    };
    let pause;
    const settle = (text) => {
      clearTimeout(pause);
      pause = setTimeout(() => say(text), 250);
    };
    later(() => clearTimeout(pause));
    const append = (...children) => root.append(...children, speech);
    const cleanup = () => undo.splice(0).forEach((step) => step());
    return { root, append, say, settle, watch, save, later, cleanup };
  }

  return {
    canvas, choices, color, floats, h, inkOn, isDark, mount, number, onTheme, onWidth, reducedMotion,
    rich, roving, set, svg, token, uid,
  };
})();
