// The reader commits to an answer, and only then learns what happens.
function render(context) {
  const { model } = context;
  const { append, say, watch, save, cleanup } = kit.mount(context, "predict", "Predict first");
  const { h, rich, set } = kit;
  const options = model.get("options");
  const answer = model.get("answer");
  const name = kit.uid("option");

  const inputs = options.map((_, i) =>
    h("input", { type: "radio", name, value: i, onchange: () => save({ choice: i }) }),
  );
  const marks = options.map(() => h("span", { class: "tx-mark" }));
  const rows = options.map((option, i) =>
    h("label", { class: "tx-option" }, inputs[i], h("span", null, rich(option)), marks[i]),
  );
  const verdict = h("p", { class: "tx-verdict" });
  const why = h("p", { class: "tx-why" }, rich(model.get("explanation")));
  const result = h("div", { class: "tx-result", hidden: true }, verdict, why);
  // one button for both acts, so that the focus stays where it was
  const button = h("button", { type: "button", onclick: act });

  append(
    h("p", { class: "tx-kicker", "aria-hidden": "true" }, "Predict first"),
    h(
      "fieldset",
      null,
      h("legend", null, rich(model.get("question"))),
      rows,
    ),
    h("div", { class: "tx-actions" }, button),
    result,
  );

  function act() {
    const again = model.get("committed");
    save(again ? { committed: false, choice: -1 } : { committed: true });
  }

  let before = model.get("committed");
  watch(["choice", "committed"], () => {
    const choice = model.get("choice");
    const committed = model.get("committed") && choice >= 0;
    const right = choice === answer;
    inputs.forEach((input, i) => {
      input.checked = i === choice;
      input.disabled = committed && i !== choice;
      const correct = committed && i === answer;
      const wrong = committed && i === choice && !right;
      set(rows[i], "data-mark", correct ? "right" : wrong ? "wrong" : null);
      const said = correct ? "✓ what happens" : wrong ? "✗ your prediction" : "";
      marks[i].textContent = correct && right ? "✓ your prediction" : said;
    });
    button.textContent = committed ? "Predict again" : "Commit to this answer";
    button.disabled = choice < 0;
    set(button, "class", committed ? null : "tx-main");
    result.hidden = !committed;
    verdict.textContent = right ? "You saw it coming." : "Not this time, and that is worth knowing.";
    set(result, "data-right", committed ? String(right) : null);
    if (committed === before) return;
    if (!committed && document.activeElement === button) inputs[0].focus();
    before = committed;
    const heard = right ? "" : ` The answer is: ${options[answer]}.`;
    say(committed ? `${verdict.textContent}${heard} ${model.get("explanation")}` : "Choose again.");
  });
  return cleanup;
}
export default { render };
