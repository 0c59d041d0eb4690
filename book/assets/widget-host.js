// Runs the anywidgets of a page from the state that the notebook embeds: no kernel, no network.
//
// A classic, deferred script: Chromium refuses `<script type="module">` on file:// pages, while
// `import()` of a Blob URL works there. Under a Content-Security-Policy the page needs
// `script-src 'self' blob:` and `style-src 'self' 'unsafe-inline'`.
(() => {
  "use strict";
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const PATIENCE_MS = Number(document.currentScript?.dataset.patienceMs) || 10_000;

  // ---- the model: what a Backbone model is to a widget, and nothing more -------------------------

  function equal(a, b) {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
    if (ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) return false;
    const keys = Object.keys(a);
    return (
      Array.isArray(a) === Array.isArray(b) &&
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
    );
  }

  class Model {
    #state;
    #listeners = [];

    constructor(state) {
      this.#state = state;
    }

    get(name) {
      return this.#state[name];
    }

    set(name, value) {
      const changes = typeof name === "string" ? { [name]: value } : { ...name };
      const changed = Object.keys(changes).filter((key) => !equal(this.#state[key], changes[key]));
      Object.assign(this.#state, changes);
      for (const key of changed) this.#emit(`change:${key}`, this, this.#state[key], {});
      if (changed.length) this.#emit("change", this, {});
    }

    #emit(event, ...details) {
      for (const listener of [...this.#listeners]) {
        if (listener.event !== event || !this.#listeners.includes(listener)) continue;
        try {
          listener.callback(...details);
        } catch (error) {
          console.error(error); // one view's mistake must not silence the others
        }
      }
    }

    on(events, callback, owner) {
      for (const event of events.split(/\s+/)) this.#listeners.push({ event, callback, owner });
    }

    off(events, callback, owner) {
      const names = events?.split(/\s+/);
      this.#listeners = this.#listeners.filter(
        (one) =>
          (names && !names.includes(one.event)) ||
          (callback && one.callback !== callback) ||
          (owner && one.owner !== owner),
      );
    }
  }

  // What one view sees of a model. Listeners belong to the view and leave with it.
  function facade(model, owner) {
    return {
      get: (name) => model.get(name),
      set: (name, value) => model.set(name, value),
      on: (events, callback) => model.on(events, callback, owner),
      off: (events, callback) => model.off(events, callback, owner),
      save_changes: () => {}, // views share the model already, and there is no kernel to tell
      send: () => {},
      widget_manager: { get_model: async (id) => facade(entry(id).model, owner) },
    };
  }

  // ---- the page's state ----------------------------------------------------------------------------

  function bytes({ data, encoding }) {
    if (encoding === "hex") {
      return Uint8Array.from(data.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    }
    return Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  }

  const entries = new Map(); // model id -> { model, start(): Promise<{ widget, exports }> }

  function entry(reference) {
    const id = String(reference).replace(/^(IPY_MODEL_|anywidget:)/, "");
    if (!entries.has(id)) throw new Error(`this page holds no widget model ${id}`);
    return entries.get(id);
  }

  function readState(script) {
    const { state: models = {}, shared = [] } = JSON.parse(script.textContent);
    for (const [id, { state = {}, buffers = [] }] of Object.entries(models)) {
      for (const name of ["_esm", "_css"]) {
        if (Number.isInteger(state[name]?.shared)) state[name] = shared[state[name].shared];
      }
      for (const buffer of buffers) {
        const path = [...buffer.path];
        const last = path.pop();
        const parent = path.reduce((value, key) => value[key], state);
        parent[last] = new DataView(bytes(buffer).buffer);
      }
      const model = new Model(state);
      let started;
      entries.set(id, { model, start: () => (started ??= start(model)) });
    }
  }

  // ---- starting a widget and showing a view --------------------------------------------------------

  async function load(source) {
    if (/^https?:\/\//.test(source)) throw new Error("its module would have to be fetched");
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try {
      return await import(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  const noKernel = async () => {
    throw new Error("there is no kernel behind this page");
  };
  const experimental = { invoke: noKernel };

  async function start(model) {
    const module = await load(model.get("_esm"));
    let widget = module.default ?? { render: module.render, initialize: module.initialize };
    if (typeof widget === "function") widget = await widget();
    const signal = new AbortController().signal; // the model lives as long as the page
    const exports = await widget.initialize?.({ model: facade(model, {}), signal, experimental });
    return { widget, exports: typeof exports === "object" ? exports : undefined };
  }

  const styled = new Set();
  function addStyle(css) {
    if (!css || styled.has(css)) return;
    styled.add(css);
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  }

  const views = new Set(); // { el, remove() }

  async function show(id, el, signal) {
    const { model, start: ready } = entry(id);
    const { widget } = await ready();
    addStyle(model.get("_css"));
    const owner = {};
    const controller = new AbortController();
    signal?.addEventListener("abort", () => controller.abort());
    const host = {
      getModel: async (reference) => facade(entry(reference).model, owner),
      getWidget: async (reference) => ({
        exports: (await entry(reference).start()).exports,
        render: (child) => show(reference, child.el, child.signal ?? controller.signal),
      }),
    };
    let clean;
    try {
      const context = { model: facade(model, owner), el, signal: controller.signal };
      clean = await widget.render?.({ ...context, host, experimental });
    } catch (error) {
      model.off(null, null, owner);
      throw error;
    }
    const view = {
      el,
      async remove() {
        if (!views.delete(view)) return;
        controller.abort();
        model.off(null, null, owner);
        try {
          await clean?.();
        } catch (error) {
          console.warn("a widget did not clean up", error);
        }
      },
    };
    views.add(view);
    controller.signal.addEventListener("abort", () => view.remove());
  }

  // ---- the page ----------------------------------------------------------------------------------

  function filled(el) {
    return new Promise((resolve) => {
      if (el.childNodes.length || el.shadowRoot) return resolve();
      const observer = new MutationObserver(() => {
        observer.disconnect();
        resolve();
      });
      observer.observe(el, { childList: true });
    });
  }

  async function mount(script) {
    const id = JSON.parse(script.textContent).model_id;
    if (!entries.get(id)?.model.get("_esm")) return; // a control that needs a kernel
    const place = script.closest(".widget-figure");
    const fallback = place?.querySelector(".widget-fallback");
    const el = document.createElement("div");
    el.className = "widget-view widget-waiting";
    script.after(el);
    const note = document.createElement("p");
    note.className = "widget-note";
    note.textContent = fallback
      ? "This interactive figure could not start here, so its picture stands in for it."
      : "The interactive figure that belongs here could not start.";
    const giveUp = () => (fallback ?? script).after(note);
    const timer = setTimeout(giveUp, PATIENCE_MS);
    try {
      await show(id, el);
      await filled(el);
      note.remove();
      el.classList.remove("widget-waiting");
      fallback?.setAttribute("hidden", "");
    } catch (error) {
      console.warn(`widget ${id}:`, error);
      el.remove();
      giveUp();
    } finally {
      clearTimeout(timer);
    }
  }

  addStyle(
    ".widget-waiting{visibility:hidden;height:0;overflow:hidden}" +
      ".widget-fallback[hidden]{display:none}" +
      ".widget-note{font-size:.9em;font-style:italic;margin:.25rem 0 1rem}",
  );
  for (const script of document.querySelectorAll(STATE)) readState(script);
  for (const script of document.querySelectorAll(VIEW)) mount(script);
  new MutationObserver((records) => {
    if (!records.some((record) => record.removedNodes.length)) return;
    for (const view of [...views]) if (!view.el.isConnected) view.remove();
  }).observe(document.body, { childList: true, subtree: true });
})();
