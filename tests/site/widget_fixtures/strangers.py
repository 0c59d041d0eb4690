"""Widgets as anybody might write them: they know anywidget's specification and nothing of ours."""

import anywidget
import traitlets


class Counter(anywidget.AnyWidget):
    """A default object; listens by name, by two names and to all; cleans up."""

    _esm = """
    export default {
      initialize({ model, signal }) {
        window.initialized = (window.initialized ?? 0) + 1;
        model.on("change", () => { window.changes = (window.changes ?? 0) + 1; });
        return { double: () => 2 * model.get("count"), quiet: !signal.aborted };
      },
      render({ model, el, signal }) {
        const button = document.createElement("button");
        button.className = "counter";
        const draw = () => { button.textContent = `count ${model.get("count")}`; };
        const heard = () => { window.heard = (window.heard ?? 0) + 1; };
        draw();
        button.addEventListener("click", () => {
          model.set("count", model.get("count") + 1);
          model.set({ count: model.get("count"), list: [1, { a: 2 }] });
          model.save_changes();
          model.send({ kind: "nobody listens" });
        });
        model.on("change:count", draw);
        model.on("change:count change:list", heard);
        el.append(button);
        return () => {
          window.cleaned = (window.cleaned ?? 0) + 1;
          window.aborted = signal.aborted;
        };
      },
    };
    """
    _css = ".counter { letter-spacing: 3px; }"
    count = traitlets.Int(5).tag(sync=True)
    list = traitlets.List([1, {"a": 2}]).tag(sync=True)


class Bytes(anywidget.AnyWidget):
    """A default function; reads binary buffers at the top and inside other traits."""

    _esm = """
    export default async () => {
      const seen = (view) => `${view.constructor.name}:${view.byteLength}:${view.getUint8(1)}`;
      return {
        render({ model, el }) {
          el.textContent = `${seen(model.get("data"))} ${seen(model.get("nested").deep[1])}`;
          el.className += " bytes";
        },
      };
    };
    """
    data = traitlets.Bytes(bytes([7, 200, 9])).tag(sync=True)
    nested = traitlets.Dict({"deep": [0, b"\x01\x02"]}).tag(sync=True)


class Parent(anywidget.AnyWidget):
    """Named exports; reaches another model, and its view, through the references it was given."""

    _esm = """
    export function initialize({ model }) { model.set("ready", true); }
    export async function render({ model, el, host }) {
      const id = model.get("child").slice("IPY_MODEL_".length);
      const child = await model.widget_manager.get_model(id);
      const widget = await host.getWidget(`anywidget:${id}`);
      const line = document.createElement("p");
      line.className = "parent";
      const draw = () => {
        line.textContent = `${model.get("ready")} ${child.get("count")} ${widget.exports.double()}`;
      };
      draw();
      child.on("change:count", draw);
      const frame = document.createElement("div");
      el.append(line, frame);
      await widget.render({ el: frame });
      const missing = await model.widget_manager.get_model("nobody").catch(() => "no such model");
      line.dataset.missing = missing;
    }
    """
    child = traitlets.Unicode().tag(sync=True)
    ready = traitlets.Bool(False).tag(sync=True)


class WithPicture(anywidget.AnyWidget):
    """A widget with a still picture beside it, as any widget's output may carry."""

    def _repr_mimebundle_(self, **kwargs):
        pixel = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
            "RU5ErkJggg=="
        )
        data, metadata = super()._repr_mimebundle_(**kwargs)
        alt = f"what {type(self).__name__} would show"
        return data | {"image/png": pixel}, metadata | {"image/png": {"alt": alt}}


class BrokenImport(WithPicture):
    """Its module does not even load."""

    _esm = "throw new Error('broken on import'); export default {};"


class BrokenRender(WithPicture):
    """It starts to draw, then fails."""

    _esm = """
    export default { render({ el }) { el.append("half a"); throw new Error("broken"); } };
    """


class NeverReady(WithPicture):
    """It waits for something that does not come."""

    _esm = "await new Promise(() => {}); export default { render() {} };"


class Foreign(WithPicture):
    """Its module lives on another host."""

    _esm = "https://example.org/widget.js"


class BrokenBare(anywidget.AnyWidget):
    """It fails and has no picture."""

    _esm = "export default { render() { throw new Error('broken'); } };"
