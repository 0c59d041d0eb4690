import pytest

from txlib.recipes import so_far


def bins(*rows):
    return [{"low": low, "count": count, "bleu": bleu} for low, count, bleu in rows]


def run(bleu, by_length, speed=100.0):
    test = {"bleu": bleu, "by_length": by_length, "decoding_tokens_per_second": 2 * speed}
    return {"scores": {"test": test}, "training_tokens_per_second": speed, "parameters": 12345}


RUNS = [
    run(50.0, bins((4, 10, 90.0), (21, 1, 40.0), (26, 3, 20.0)), 100.0),
    run(60.0, bins((4, 10, 90.0), (21, 1, 40.0), (26, 3, 24.0)), 300.0),
    run(10.0, bins((4, 10, 90.0), (21, 1, 0.0), (26, 3, 0.0)), 200.0),
]


def test_long_sentences_weigh_by_their_number():
    assert so_far.long_bleu(bins((4, 99, 100.0), (21, 1, 40.0), (26, 3, 20.0))) == 25.0


def test_row_holds_medians_over_seeds():
    assert so_far.summarise(RUNS) == ("50.0", "25.0", "200", "400", "12,345")


def test_table_has_a_row_for_each_chapter_so_far(monkeypatch):
    monkeypatch.setattr(so_far, "CHAPTERS", {"first": (1, "a"), "second": (2, "b")})
    record = {"device": "CPU, 1 thread", "results": {"runs": RUNS, "settings": {"steps": 3000}}}
    monkeypatch.setattr(so_far, "load_record", lambda name: record)
    table = so_far.translator_so_far(1)
    assert [row[:2] for row in table.rows] == [(1, "first")]
    assert table.rows[0][-1] == "3,000"
    assert len(so_far.translator_so_far(2).rows) == 2
    text = so_far.translator_so_far(2)._repr_markdown_()
    assert text.count("CPU, 1 thread") == 1
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {9}


def test_chapter_must_be_positive():
    with pytest.raises(ValueError, match="chapter must be at least 1, got 0"):
        so_far.translator_so_far(0)
