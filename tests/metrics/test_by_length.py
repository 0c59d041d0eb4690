import dataclasses

import pytest

from txlib.metrics import LengthScore, corpus_bleu, exact_match, score_by_length

LENGTHS = [3, 4, 9, 10, 19, 20, 29, 30, 31]
REFERENCES = [f"sentence number {i} has these words" for i in LENGTHS]
WRONG = {9, 20, 30}
HYPOTHESES = [
    "sentence number none has these" if n in WRONG else text
    for n, text in zip(LENGTHS, REFERENCES, strict=True)
]


def test_bins_by_hand():
    scores = score_by_length(HYPOTHESES, REFERENCES, LENGTHS, (4, 10, 20, 30))
    assert [(s.low, s.high, s.count) for s in scores] == [(4, 9, 2), (10, 19, 2), (20, 30, 3)]
    assert [s.exact_match for s in scores] == [0.5, 1.0, pytest.approx(1 / 3)]
    assert scores[1].bleu == pytest.approx(100)
    assert 0 < scores[2].bleu < scores[0].bleu < 100


def test_one_bin_over_all_is_the_corpus_score():
    (score,) = score_by_length(HYPOTHESES, REFERENCES, LENGTHS, (3, 31))
    assert score == LengthScore(
        low=3,
        high=31,
        count=len(LENGTHS),
        bleu=corpus_bleu(HYPOTHESES, REFERENCES),
        exact_match=exact_match(HYPOTHESES, REFERENCES),
    )


def test_empty_bins_are_left_out():
    scores = score_by_length(HYPOTHESES, REFERENCES, LENGTHS, [5, 7, 9, 12, 13, 20])
    assert [(s.low, s.high, s.count) for s in scores] == [(9, 11, 2), (13, 20, 2)]


def test_a_score_is_frozen():
    score = LengthScore(low=4, high=9, count=2, bleu=50.0, exact_match=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        score.bleu = 100.0


def test_errors():
    with pytest.raises(ValueError, match=r"lengths and references must be equal .*got 2 and 9"):
        score_by_length(HYPOTHESES, REFERENCES, LENGTHS[:2], (4, 10))
    with pytest.raises(ValueError, match="hypotheses and references must be equal"):
        score_by_length(HYPOTHESES[:2], REFERENCES, LENGTHS, (4, 10))
    for edges in [(4,), (4, 4), (10, 4)]:
        with pytest.raises(ValueError, match="edges must be at least two increasing numbers, got"):
            score_by_length(HYPOTHESES, REFERENCES, LENGTHS, edges)
