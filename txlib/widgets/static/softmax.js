// softmax(scores / temperature), its entropy in nats, and the Frobenius norm of its Jacobian
// (diag(w) − w wᵀ) / temperature.
function softmax(scores, temperature = 1) {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp((score - top) / temperature));
  const total = powers.reduce((a, b) => a + b, 0);
  const weights = powers.map((power) => power / total);
  let entropy = 0;
  let square = 0;
  weights.forEach((w, i) => {
    if (w > 0) entropy -= w * Math.log(w);
    let others = 0; // 1 − w without cancellation
    weights.forEach((v, j) => {
      if (i === j) return;
      others += v;
      square += (w * v) ** 2;
    });
    square += (w * others) ** 2;
  });
  return { weights, entropy, gradient: Math.sqrt(square) / temperature };
}
