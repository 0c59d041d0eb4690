import pytest
import torch

from txlib.attention import MultiHeadAttention
from txlib.attention.silence import silence_heads
from txlib.data.batching import make_batch
from txlib.metrics.head_importance import head_importance
from txlib.models import AttentionOnlyConfig, AttentionOnlyTranslator
from txlib.training.losses import translation_loss

H, C = 3, 12


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = AttentionOnlyConfig(
        source_vocab_size=11, target_vocab_size=13, d_model=C, num_heads=H, positions="sinusoidal"
    )
    return AttentionOnlyTranslator(config)


@pytest.fixture
def sentence():
    return make_batch([([4, 7, 10, 5], [6, 12, 9])])


def scaled(model, name, head, factor):
    """The loss once a head's columns of the output projection are multiplied by `factor`."""
    copy = AttentionOnlyTranslator(model.config)
    copy.load_state_dict(model.state_dict())
    out_proj = copy.get_submodule(name).out_proj
    with torch.no_grad():
        out_proj.weight[:, head * C // H : (head + 1) * C // H] *= factor
    return copy.double()


def test_is_the_slope_of_the_loss_along_a_head_of_one_sentence(model, sentence):
    found = head_importance(model, [sentence])
    assert set(found) == {f"{side}_look.attention" for side in ("encoder", "decoder", "cross")}
    step = 1e-4
    for name, slopes in found.items():
        for head, slope in enumerate(slopes.tolist()):
            up, down = (
                translation_loss(scaled(model, name, head, 1 + s), sentence) for s in (step, -step)
            )
            assert slope == pytest.approx(abs(up - down).item() / (2 * step), rel=1e-3, abs=1e-6)


def test_sentences_count_one_by_one_and_signs_do_not_cancel(model, sentence):
    other = make_batch([([8, 9, 4, 6], [5, 7, 8])])
    both = make_batch([([4, 7, 10, 5], [6, 12, 9]), ([8, 9, 4, 6], [5, 7, 8])])
    apart = head_importance(model, [sentence, other])
    for name, slopes in head_importance(model, [both]).items():
        torch.testing.assert_close(slopes, apart[name], rtol=1e-4, atol=1e-7)


def test_a_head_without_a_way_out_has_none(model, sentence):
    with torch.no_grad():
        model.cross_look.attention.out_proj.weight[:, C // H : 2 * C // H] = 0
    before = translation_loss(model.eval(), sentence)
    with silence_heads(model.cross_look.attention, [1]):
        torch.testing.assert_close(translation_loss(model, sentence), before)
    slopes = head_importance(model, [sentence])["cross_look.attention"]
    assert slopes[1] == 0
    assert (slopes[[0, 2]] > 0).all()


def test_leaves_the_model_as_it_was(model, sentence):
    model.train()
    hooks = [len(m._forward_pre_hooks) for m in model.modules()]
    with torch.no_grad():
        head_importance(model, [sentence])
    assert model.training
    assert [len(m._forward_pre_hooks) for m in model.modules()] == hooks
    assert all(p.grad is None for p in model.parameters())


def test_needs_heads(sentence):
    with pytest.raises(ValueError, match="must have a MultiHeadAttention, got Linear"):
        head_importance(torch.nn.Linear(2, 3), [sentence])


def test_needs_a_batch(model):
    with pytest.raises(ValueError, match="at least one batch, got none"):
        head_importance(model, [])
    assert isinstance(model.cross_look.attention, MultiHeadAttention)
