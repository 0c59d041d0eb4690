import pytest

from txlib.plotting import blueprint
from txlib.plotting.blueprint import STAGES

SHAPES = {stage: (1, 2 + i, 9) for i, stage in enumerate(STAGES)}


def draw(**changes):
    arguments = {"source": ["a", "cat"], "target": ["<bos>", "un", "chat"], "num_layers": 6}
    return blueprint(SHAPES, **(arguments | changes)).axes[0]


def parts(ax, gid):
    return [patch for patch in ax.patches if patch.get_gid() == gid]


def test_each_shape_stands_at_its_stage():
    ax = draw()
    written = {text.get_gid(): text.get_text() for text in ax.texts if text.get_gid()}
    assert written == {stage: str(shape) for stage, shape in SHAPES.items()}
    height = {text.get_gid(): text.get_position()[1] for text in ax.texts}
    assert height["source"] < height["encoder in"] < height["memory"]
    assert height["target"] < height["decoder in"] < height["decoder out"] < height["logits"]


def test_encoder_has_two_sublayers_and_decoder_three():
    ax = draw()
    assert len(parts(ax, "attention")) == 3
    assert len(parts(ax, "feed-forward")) == 2
    assert len(parts(ax, "sum")) == 5
    first, second = (frame.get_bbox() for frame in parts(ax, "block"))
    sums = [circle.center for circle in parts(ax, "sum")]
    assert sum(first.contains(*centre) for centre in sums) == 2
    assert sum(second.contains(*centre) for centre in sums) == 3


def test_words_and_repeats_are_written():
    words = {text.get_text() for text in draw(source=["word"] * 12).texts}
    assert {r"6 $\times$", "<bos> un chat", "masked\nself-attention"} <= words
    assert any(text.count("word") == 12 and "\n" in text for text in words)


def test_wrong_stages_and_no_layer():
    with pytest.raises(ValueError, match=r"shapes must have the stages .* got \('source',\)"):
        blueprint({"source": (1, 2)}, source=["a"], target=["b"], num_layers=1)
    with pytest.raises(ValueError, match="num_layers must be at least 1, got 0"):
        draw(num_layers=0)
