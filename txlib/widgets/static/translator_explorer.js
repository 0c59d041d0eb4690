// A sentence with words to swap, its translation word by word, and every head's weights, which the
// attention view shows.
const LOOKS = ["encoder", "decoder", "cross"]; // in the order of an entry's weights
const TITLES = ["Encoder self-attention", "Decoder self-attention", "Cross-attention"];
const NOTES = [
  "Rows and columns: the sentence, which reads itself.",
  "Rows: the word being written. Columns: what the decoder has read until then.",
  "Rows: the word being written. Columns: the sentence.",
];

// What the attention view asks its model for, taken from an entry; all else is the widget's own.
function lend(model, entry, look) {
  const { source, target, weights, referent } = entry;
  const [layers, heads] = model.get("shape");
  const queries = look === 0 ? source : target;
  const keys = look === 1 ? ["<bos>", ...target.slice(0, -1)] : source;
  const areas = [source.length ** 2, target.length ** 2, target.length * source.length];
  const start = areas.slice(0, look).reduce((sum, area) => sum + area, 0) * layers * heads;
  const link = linkOf(referent, look);
  const own = {
    data: new Uint8Array(weights.buffer, weights.byteOffset + start, areas[look] * layers * heads),
    levels: 255,
    shape: [layers, heads, queries.length, keys.length],
    query_tokens: queries,
    key_tokens: keys,
    gold: link ? [link] : [],
    gold_words: ["Link from the pronoun to its noun", "noun", "noun"],
    grid: true,
    names: Array.from({ length: layers * heads }, (_, i) => `layer ${Math.floor(i / heads)}, head ${i % heads}`),
    score_names: [],
    score_values: [],
    sort: "",
  };
  return {
    get: (name) => (name in own ? own[name] : model.get(name)),
    set: (...change) => model.set(...change),
    on: (...listener) => model.on(...listener),
    off: (...listener) => model.off(...listener),
    save_changes: () => model.save_changes(),
  };
}

// The cell [query, key] from the pronoun to its noun; in the decoder key t + 1 is word t.
function linkOf([pronoun, noun, written, named], look) {
  if (pronoun === undefined || (look > 0 && written === undefined)) return null;
  if (look === 1) return named < written ? [written, named + 1] : null;
  return [look === 0 ? pronoun : written, noun];
}

// Every sentence that a template stands for, as choices of words: [["cat", "sleeps"], …].
const choicesOf = (slots) =>
  slots.reduce((rows, slot) => rows.flatMap((row) => slot.map((word) => [...row, word])), [[]]);

function write(template, chosen) {
  let at = 0;
  return template.map((part) => (typeof part === "string" ? part : chosen[at++])).join("");
}

// Which words of a translation are not those of the one before.
function changes(before, after) {
  if (before.length === after.length) return after.map((word, i) => word !== before[i]);
  let [head, tail] = [0, 0];
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head += 1;
  while (tail < Math.min(before.length, after.length) - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return after.map((_, i) => i >= head && i < after.length - tail);
}

function render(context) {
  const { model } = context;
  const frame = kit.mount(context, "translator", "Translator and its attention");
  const { append, say, watch, save, later, cleanup } = frame;
  const { h, set } = kit;
  const get = (trait) => model.get(trait);
  const templates = get("templates");
  const known = new Map(get("entries").map((entry) => [entry.text, entry]));
  const places = new Map(); // sentence -> [template, its chosen words]
  templates.forEach((template, i) => {
    const slots = template.filter((part) => typeof part !== "string");
    for (const chosen of choicesOf(slots)) {
      const text = write(template, chosen);
      if (!places.has(text)) places.set(text, [i, chosen]);
    }
  });

  // ---- where entries come from: sources are asked in turn, and answer with an entry or nothing
  let live = false;
  const waiting = new Map();
  const lookup = (text) => known.get(text);
  const kernel = (text) => {
    if (!live) return null;
    if (get("answer").text === text) return get("answer");
    const answer = new Promise((resolve) => waiting.set(text, resolve));
    save({ typed: "" });
    save({ typed: text });
    return answer;
  };
  const sources = [lookup, kernel];
  async function entryFor(text) {
    for (const ask of sources) {
      const entry = await ask(text);
      if (entry) return entry;
    }
    return { text, error: "this sentence was not translated beforehand, and no kernel is there" };
  }

  let turn = 0;
  async function show(text) {
    const mine = (turn += 1);
    tell(known.has(text) ? "" : "Translating…");
    const entry = await entryFor(text);
    if (mine !== turn) return;
    tell(entry.error ? `Not translated: ${entry.error}.` : "");
    if (entry.error) return;
    known.set(text, entry);
    const same = places.get(text)?.[0] === places.get(get("sentence"))?.[0];
    save({ sentence: text, query: same ? get("query") : start(entry, LOOKS.indexOf(get("kind"))) });
  }
  const start = (entry, look) => linkOf(entry.referent, look)?.[0] ?? 0;

  // ---- the sentence
  const gap = (template) => template.map((part) => (typeof part === "string" ? part : "…")).join("");
  const own = h("option", { value: -1 }); // what the reader typed, once there is something
  const pick = h(
    "select",
    {
      "aria-label": "Sentence",
      onchange: () => {
        const template = Number(pick.value);
        const first = [...known.keys()].find((text) => places.get(text)?.[0] === template);
        show(template < 0 ? own.textContent : first);
      },
    },
    templates.map((template, i) => h("option", { value: i }, gap(template))),
  );
  const choice = h("div", { class: "tx-choose", hidden: templates.length < 2 }, pick);
  const line = h("p", { class: "tx-line" });
  const input = h("input", { type: "text", maxlength: 400, autocomplete: "off", autocapitalize: "off" });
  const form = h(
    "form",
    {
      class: "tx-type",
      hidden: true,
      onsubmit: (event) => {
        event.preventDefault();
        const text = input.value.trim().replace(/\s+/g, " ");
        if (text) show(text);
      },
    },
    h("label", null, h("span", null, "Your own sentence"), input),
    h("button", { class: "tx-main" }, "Translate"),
  );
  const status = h("p", { class: "tx-status" });
  function tell(text) {
    status.textContent = text;
    if (text) say(text);
  }
  let selects = [];
  let standing = null;
  function place(text) {
    const [at, chosen] = places.get(text) ?? [-1, []];
    if (at < 0) {
      own.textContent = text;
      pick.append(own);
      choice.hidden = false;
    }
    pick.value = String(at);
    const template = templates[at] ?? [text];
    if (standing !== (at < 0 ? text : at)) {
      selects = [];
      line.replaceChildren(...template.map((part) => (typeof part === "string" ? part : swap(part))));
      standing = at < 0 ? text : at;
    }
    selects.forEach((select, slot) => {
      select.value = chosen[slot];
      for (const option of select.options) {
        const other = write(template, chosen.map((word, i) => (i === slot ? option.value : word)));
        option.disabled = !known.has(other) && !live;
      }
    });
  }
  function swap(words) {
    const change = () => show(write(templates[standing], selects.map((one) => one.value)));
    const options = words.map((word) => h("option", { value: word }, word));
    const select = h("select", { "aria-label": `Word to swap, ${selects.length + 1}`, onchange: change }, options);
    selects.push(select);
    return select;
  }

  // ---- the translation
  let tiles = [];
  let choose = () => {};
  const words = h("div", { class: "tx-words", lang: "" });
  const odds = h("p", { class: "tx-odds" });
  const news = h("p", { class: "tx-news" });
  const share = (p) => p.toFixed(2);
  function spell(entry, fresh) {
    tiles = entry.target.map((word, i) => {
      const p = entry.probabilities[i];
      const name = `${visible(word)}, probability ${share(p)}${fresh[i] ? ", changed" : ""}`;
      const bar = h("span", { class: "tx-chance" }, h("i", { style: `transform:scaleX(${p})` }));
      return h("button", { type: "button", "aria-label": name, "data-fresh": fresh[i] }, kit.token(visible(word)), bar, h("small", null, share(p)));
    });
    const row = kit.choices("Translation, word by word", tiles, (query) => {
      save({ kind: get("kind") === "encoder" ? "cross" : get("kind"), query });
    });
    choose = row.show;
    words.replaceChildren(row.group);
  }
  function weigh(entry, at) {
    const least = entry.probabilities.indexOf(Math.min(...entry.probabilities));
    const word = at ?? least;
    const list = (entry.rivals[word] ?? []).filter(([, p]) => p > 0);
    const rivals = list.map(([other, p]) => `${visible(other)} ${p.toFixed(4)}`);
    odds.replaceChildren(
      at === null ? "Least certain: " : `Word ${at + 1}: `,
      h("b", null, visible(entry.target[word])),
      ` ${entry.probabilities[word].toFixed(4)}`,
      rivals.length ? `; instead of it ${rivals.join(", ")}.` : ".",
    );
  }

  // ---- the attention
  const kinds = TITLES.map((text) => h("button", { type: "button" }, text));
  const looks = kit.choices("Attention", kinds, (look) => {
    const entry = known.get(get("sentence"));
    const both = look > 0 && get("kind") !== "encoder"; // the same rows
    save({ kind: LOOKS[look], query: both ? get("query") : start(entry, look) });
  });
  set(looks.group, "class", "tx-kinds");
  const note = h("p", { class: "tx-help" });
  const stage = h("div");
  let leave = () => {};
  later(() => leave());
  append(
    choice,
    line, form, status,
    h("p", { class: "tx-caption" }, "Translation, and how probable the model found each word:"),
    words, news, odds, looks.group, note, stage,
  );

  let before = null;
  function draw() {
    const entry = known.get(get("sentence"));
    if (!entry) return;
    const look = LOOKS.indexOf(get("kind"));
    const swapped = entry !== before?.entry;
    place(entry.text);
    if (swapped) {
      const last = before && places.get(before.entry.text)?.[0] === places.get(entry.text)?.[0] ? before.entry.target : entry.target;
      const fresh = changes(last, entry.target);
      const paired = last.length === entry.target.length;
      const list = entry.target.flatMap((word, i) => (fresh[i] ? [paired ? `${last[i]} → ${word}` : word] : []));
      news.textContent = list.length ? `Changed: ${list.join(", ")}.` : "";
      spell(entry, fresh);
      input.value = entry.text;
    }
    const query = clamp(get("query"), 0, (look ? entry.target : entry.source).length - 1);
    choose(look ? query : -1);
    weigh(entry, look ? query : null);
    if (swapped || look !== before.look) {
      looks.show(look);
      note.textContent = NOTES[look];
      leave();
      leave = attention({ ...context, model: lend(model, entry, look), el: stage });
    }
    if (before && swapped) say(`${entry.translation} ${news.textContent}`);
    else if (before && look !== before.look) say(`${TITLES[look]}. ${NOTES[look]}`);
    before = { entry, look };
  }

  watch(["answer"], () => {
    const answer = get("answer");
    if (answer.weights && !known.has(answer.text)) known.set(answer.text, answer);
    waiting.get(answer.text)?.(answer);
    waiting.delete(answer.text);
  });
  watch(["sentence", "kind", "query"], draw);
  // someone behind the page who can translate repeats this knock; a stored answer is to an old one
  watch(["opened", "knock"], () => {
    live = get("opened") !== "" && get("opened") === get("knock");
    form.hidden = !live;
    if (before) place(before.entry.text);
  });
  save({ knock: Math.random().toString(36) });
  return cleanup;
}
export default { render };
