// Back, step, play, reset: for the widgets that name this file in `bundle`.
const PACE = 1100; // ms between the steps of a playing widget

// back(), next() and reset() change the traits; show(canGoBack, canGoOn) follows them.
function player({ root, later }, label, { back, next, reset }) {
  const { h, set } = kit;
  root.classList.add("tx-stepper");
  let [timer, open] = [0, true];
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }
  function start() {
    if (!open) reset();
    play.textContent = "Pause";
    timer = setInterval(next, PACE);
  }
  const by = (step) => () => (stop(), step());
  const button = (text, onclick, kind) => h("button", { type: "button", class: kind, onclick }, text);
  const [ahead, behind] = [button("Step", by(next), "tx-main"), button("Back", by(back))];
  const play = button("Play", () => (timer ? stop() : start()));
  const again = button("Reset", by(reset));
  const node = h(
    "div",
    {
      class: "tx-player",
      role: "group",
      "aria-label": label,
      onkeydown: (event) => {
        const step = { ArrowRight: next, ArrowLeft: back }[event.key];
        if (!step || event.target.tagName !== "BUTTON") return;
        event.preventDefault();
        by(step)();
      },
    },
    behind, ahead, play, again,
  );
  later(stop);
  function show(canGoBack, canGoOn) {
    open = canGoOn;
    if (!open && timer) stop();
    // a disabled button would drop the keyboard's focus at the last step
    set(behind, "aria-disabled", String(!canGoBack));
    set(again, "aria-disabled", String(!canGoBack));
    set(ahead, "aria-disabled", String(!canGoOn));
  }
  return { node, show };
}

// A row of bars of one scale: name, what is done of what is to come, and the numbers.
function bars(names) {
  const { h, set } = kit;
  const rows = names.map((name) => {
    const [done, all, text] = [h("i", { class: "tx-done" }), h("i", { class: "tx-all" }), h("b")];
    const row = h("div", { class: "tx-bar" }, h("span", null, name), h("span", { class: "tx-track", "aria-hidden": "true" }, all, done), text);
    return { row, done, all, text };
  });
  const show = (values) => {
    const most = Math.max(1, ...values.map(({ total }) => total));
    values.forEach(({ now, total, text }, i) => {
      rows[i].done.style.transform = `scaleX(${now / most})`;
      rows[i].all.style.transform = `scaleX(${total / most})`;
      rows[i].text.textContent = text;
      set(rows[i].row, "data-now", now);
      set(rows[i].row, "data-total", total);
    });
  };
  return { node: h("div", { class: "tx-bars" }, rows.map((one) => one.row)), show };
}

const plural = (n, word) => `${grouped(n)} ${word}${n === 1 ? "" : "s"}`;
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
