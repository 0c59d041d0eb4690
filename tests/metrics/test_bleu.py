import math
import subprocess
import sys
from collections import Counter

import pytest

from txlib.metrics import corpus_bleu

REFERENCES = ["the cat sat on the mat", "a dog ran over the hill today", "it was too tired"]
HYPOTHESES = ["the cat sat on a mat", "a dog ran over the hill", "it was too wide"]


def ngrams(text, n):
    words = text.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def plain_bleu(hypotheses, references):
    """Equation 1 to 3 of the paper on words between spaces, without smoothing."""
    logs = []
    for n in range(1, 5):
        said = [ngrams(h, n) for h in hypotheses]
        meant = [ngrams(r, n) for r in references]
        hits = sum((s & m).total() for s, m in zip(said, meant, strict=True))
        logs.append(math.log(hits / sum(s.total() for s in said)))
    c, r = (sum(len(t.split()) for t in texts) for texts in (hypotheses, references))
    return 100 * min(1.0, math.exp(1 - r / c)) * math.exp(sum(logs) / 4)


def test_by_hand():
    hypothesis, reference = "a b c d e", "a b c d f"
    expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert corpus_bleu([hypothesis], [reference]) == pytest.approx(expected)


def test_agrees_with_the_formula():
    expected = plain_bleu(HYPOTHESES, REFERENCES)
    assert corpus_bleu(HYPOTHESES, REFERENCES) == pytest.approx(expected)
    swapped = corpus_bleu(REFERENCES, HYPOTHESES)
    assert swapped == pytest.approx(plain_bleu(REFERENCES, HYPOTHESES))
    assert swapped != pytest.approx(expected)


def test_bounds():
    assert corpus_bleu(REFERENCES, REFERENCES) == pytest.approx(100)
    assert corpus_bleu(["x y z w"], ["a b c d"]) == 0.0
    assert corpus_bleu([""], ["a b c d"]) == 0.0


def test_corpus_and_not_the_mean_of_sentences():
    both = corpus_bleu(HYPOTHESES[:2], REFERENCES[:2])
    single = [corpus_bleu([h], [r]) for h, r in zip(HYPOTHESES[:2], REFERENCES[:2], strict=True)]
    assert both != pytest.approx(sum(single) / 2)


def test_three_tokens_alone_score_nothing():
    assert corpus_bleu(["it is late"], ["it is late"]) == 0.0


def test_errors():
    with pytest.raises(ValueError, match="equal in number, got 2 and 3"):
        corpus_bleu(HYPOTHESES[:2], REFERENCES)
    with pytest.raises(ValueError, match="at least one sentence"):
        corpus_bleu([], [])
    with pytest.raises(ValueError, match=r"references must be a sequence .* string 'a cat'"):
        corpus_bleu(["a cat"], "a cat")


def test_library_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ModuleNotFoundError, match="pip install sacrebleu"):
        corpus_bleu(HYPOTHESES, REFERENCES)


def test_import_is_light():
    code = (
        "import sys, txlib.metrics; assert not {'torch', 'numpy', 'sacrebleu'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
