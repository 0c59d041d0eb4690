// FlashAttention-2's forward pass over one small head: which tile comes when, and what is kept.

// Every step: a tile of queries from `top` to `end`, and the tile of keys from `left` to `right`
// that meets it, or none where the rows are written. Keys behind the last that any of the queries
// may see are left out, and with them whole tiles, which are counted.
function walk(plan) {
  const { rows, columns, tileQ, tileK } = plan;
  const steps = [];
  let skipped = 0;
  for (let top = 0; top < rows; top += tileQ) {
    const end = Math.min(top + tileQ, rows);
    const last = lastSeen(plan, end);
    for (let left = 0; left < columns; left += tileK) {
      if (left >= last) skipped += 1;
      else steps.push({ top, end, left, right: Math.min(left + tileK, last) });
    }
    steps.push({ top, end, written: true });
  }
  return { steps, skipped };
}

// How many keys, from the first, the queries before `end` see between them.
const lastSeen = ({ rows, columns, causal }, end) => (causal ? Math.max(0, end + columns - rows) : columns);

// May query i see key j? The mask is aligned lower-right.
const sees = ({ rows, columns, causal }, i, j) => !causal || j <= i + columns - rows;

// Q K^T / sqrt(d), row by row; -Infinity where the mask forbids.
function scoresOf({ query, key, shape: [rows, columns, d] }, plan) {
  const dot = (i, j) => {
    let sum = 0;
    for (let c = 0; c < d; c += 1) sum += query[i * d + c] * key[j * d + c];
    return sum / Math.sqrt(d);
  };
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => (sees(plan, i, j) ? dot(i, j) : -Infinity)),
  );
}

// One tile more for one row: maximum m, sum l and context c of exp(score - m), so far.
function online({ m, l, c }, scores, values) {
  const top = Math.max(m, ...scores);
  const factor = top === -Infinity ? 1 : Math.exp(m - top);
  const powers = scores.map((score) => (score === -Infinity ? 0 : Math.exp(score - top)));
  return {
    m: top,
    l: powers.reduce((sum, p) => sum + p, l * factor),
    c: c.map((old, f) => powers.reduce((sum, p, j) => sum + p * values[j][f], old * factor)),
    factor,
  };
}

// The standard way: all scores of a row, then its softmax, then the average. 0 where nothing is seen.
function exactly(scores, values) {
  const top = Math.max(...scores);
  const powers = scores.map((score) => (score === -Infinity ? 0 : Math.exp(score - top)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return values[0].map((_, f) => (sum ? powers.reduce((a, p, j) => a + (p / sum) * values[j][f], 0) : 0));
}

// After the first `count` steps: what each row keeps, and the numbers moved until then.
function replay(head, plan, count) {
  const [rows, columns, d, dv] = head.shape;
  const values = Array.from({ length: columns }, (_, j) => [...head.value.slice(j * dv, (j + 1) * dv)]);
  const scores = scoresOf(head, plan);
  const kept = scores.map(() => ({ m: -Infinity, l: 0, c: Array(dv).fill(0), factor: null }));
  const out = scores.map(() => null);
  let [read, written, alive, top] = [0, 0, 0, -1];
  for (const step of plan.steps.slice(0, count)) {
    if (step.top !== top) read += (step.end - step.top) * d;
    top = step.top;
    if (!step.written) {
      read += (step.right - step.left) * (d + dv);
      alive = Math.max(alive, (step.end - step.top) * (step.right - step.left));
    }
    for (let i = step.top; i < step.end; i += 1) {
      const { l, c } = kept[i];
      if (step.written) {
        out[i] = c.map((sum) => (l ? sum / l : 0));
        written += dv + 1;
      } else {
        const [from, to] = [step.left, step.right];
        kept[i] = online(kept[i], scores[i].slice(from, to), values.slice(from, to));
      }
    }
  }
  const exact = scores.map((row) => exactly(row, values));
  const apart = out.map((row, i) => row && Math.max(...row.map((x, f) => Math.abs(x - exact[i][f]))));
  return { scores, kept, out, exact, apart, read, written, alive };
}

// Numbers in fast memory at once: tiles of queries, keys, values, scores and context, and for each
// query its maximum and its sum.
const fastMemory = ({ tileQ, tileK }, [, , d, dv]) => tileQ * (d + dv + 2) + tileK * (d + dv) + tileQ * tileK;

// The standard way in numbers: scores written and read again, weights likewise.
function standardTraffic([rows, columns, d, dv]) {
  const area = rows * columns;
  return {
    read: rows * d + columns * d + area + area + columns * dv,
    written: area + area + rows * dv,
    alive: area,
  };
}
