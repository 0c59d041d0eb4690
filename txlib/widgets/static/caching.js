// What decoding costs token by token, anew each time and with a cache: counted for one layer.

// How many tokens there are after `history`: 1 writes a token, -k takes the last k back.
const lengthOf = (history) => history.reduce((length, change) => length + change, 0);

// Query-key products of one head when the first `length` tokens are read anew: each query sees as
// many keys as stand before it, its own included, or as the window lets it.
function productsAnew(length, window) {
  let sum = 0;
  for (let i = 1; i <= length; i += 1) sum += Math.min(i, window);
  return sum;
}

// One entry for each action: which columns it computes, reads, lets fall or gives back.
function replay(history, window) {
  let length = 0;
  return history.map((change) => {
    const from = length;
    length += change;
    if (change < 0) return { length, freed: [length, from] };
    const oldest = Math.max(0, length - window);
    return {
      length, oldest,
      anew: { computed: length, read: 0, products: productsAnew(length, window) },
      cached: { computed: 1, read: length - 1 - oldest, products: length - oldest },
    };
  });
}

// Sums over the actions, for one layer and one head.
function sumUp(actions) {
  const total = () => ({ computed: 0, read: 0, products: 0 });
  const sums = { anew: total(), cached: total() };
  for (const action of actions) {
    if (!action.anew) continue;
    for (const way of ["anew", "cached"]) {
      for (const name of ["computed", "read", "products"]) sums[way][name] += action[way][name];
    }
  }
  return sums;
}

// Going back by k needs keys that a window may have dropped: those that the next query would see.
function canTakeBack(length, k, window) {
  return k <= length && Math.max(0, length - k - window + 1) >= Math.max(0, length - window);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
function size(bytes) {
  let at = 0;
  while (bytes >= 1024 && at < UNITS.length - 1) [bytes, at] = [bytes / 1024, at + 1];
  const digits = Number.isInteger(bytes) ? 0 : bytes < 10 ? 2 : bytes < 100 ? 1 : 0;
  return `${bytes.toFixed(digits)} ${UNITS[at]}`;
}
