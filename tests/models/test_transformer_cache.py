"""The Transformer's decoder goes on from kept keys and values, as if it read the whole prefix."""

from itertools import product

import pytest
import torch
from torch import nn

from txlib.attention import KVCache
from txlib.capture import capture_weights
from txlib.generation import beam_search, evaluating, greedy_continue, sample_continue
from txlib.models import Transformer, TransformerConfig
from txlib.positions import SCHEMES

B, T_S, T_T, V_S, V_T, C, H, L = 3, 6, 9, 11, 13, 8, 2, 2
PAD, BOS, EOS = 0, 1, 2
MASK = torch.arange(T_S) < torch.tensor([4, 6, 1])[:, None]
FIRST = torch.full((B,), BOS)
ENDS = {"eos_id": EOS, "pad_id": PAD, "max_new_tokens": 12}
schemes = pytest.mark.parametrize("positions", SCHEMES)


def transformer(**options):
    sizes = {"d_model": C, "num_heads": H, "num_layers": L, "d_ff": 20}
    config = TransformerConfig(source_vocab_size=V_S, target_vocab_size=V_T, **sizes, **options)
    model = Transformer(config).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


def from_the_prefix(model, encoded):
    """The first state, `advance` and `select` of decoding that reads the whole prefix each time."""

    def advance(state, new):
        rows, prefix = state
        prefix = torch.cat((prefix, new), dim=1)
        logits = model.decode(model.select(encoded, rows), prefix)
        return logits[:, prefix.shape[1] - new.shape[1] :], (rows, prefix)

    def select(state, rows):
        return tuple(part[rows] for part in state)

    return (torch.arange(B), FIRST[:, None][:, :0]), advance, select


@pytest.mark.parametrize("norm_order", ["pre", "post"])
@schemes
def test_pieces_equal_the_whole(source, target_in, positions, norm_order):
    model = transformer(positions=positions, norm_order=norm_order)
    with torch.no_grad():
        whole = model(source, MASK, target_in)
        for sizes in ([1] * T_T, [4, 1, 1, 3], [T_T]):
            state, steps = model.encode(source, MASK), []
            for piece in target_in.split(sizes, dim=1):
                logits, state = model.advance(state, piece)
                steps.append(logits)
            torch.testing.assert_close(torch.cat(steps, dim=1), whole, rtol=0, atol=1e-10)
            assert state.length == T_T


@schemes
def test_greedy_beam_and_samples_are_those_of_the_whole_prefix(source, positions):
    model = transformer(positions=positions)
    with evaluating(model):
        encoded = model.encode(source, MASK)
        state, advance, select = from_the_prefix(model, encoded)
        greedy = greedy_continue(advance, state, FIRST, **ENDS)
        beams = beam_search(advance, state, FIRST, select=select, beam_size=3, **ENDS)
        options = {"temperature": 1.3, "top_k": 9, "top_p": 0.95}
        generators = [torch.Generator().manual_seed(4) for _ in range(2)]
        drawn = sample_continue(advance, state, FIRST, generator=generators[0], **options, **ENDS)
    steps = {"max_new_tokens": ENDS["max_new_tokens"]}
    assert model.greedy_decode(source, MASK, **steps).equal(greedy)
    assert model.beam_decode(source, MASK, beam_size=3, **steps).equal(beams)
    again = model.sample_decode(source, MASK, generator=generators[1], **options, **steps)
    assert again.equal(drawn)
    assert len(drawn.unique()) > 3


def test_each_token_is_read_once(source, target_in):
    model, read = transformer(), []
    hook = model.decoder[0].feed_forward.register_forward_hook(
        lambda module, arguments, out: read.append(out.shape[1])
    )
    with hook, torch.no_grad():
        state = model.encode(source, MASK)
        for piece in target_in.split(1, dim=1):
            _, state = model.advance(state, piece)
        assert read == [1] * T_T
        model.decode(model.encode(source, MASK), target_in)
    assert read == [1] * T_T + [T_T]


@pytest.mark.parametrize("graph", [False, True])
def test_a_state_stays_good_when_decoding_went_on(source, target_in, graph):
    """Three continuations of one state, and one of a state behind: none disturbs another."""
    model = transformer(positions="rope")
    with torch.set_grad_enabled(graph):
        start = model.encode(source, MASK)
        _, early = model.advance(start, target_in[:, :3])
        whole, late = model.advance(early, target_in[:, 3:])
        other = target_in.flip(1)
        for state, seen in ((early, 3), (start, 0), (late, T_T), (early, 3)):
            found, _ = model.advance(state, other)
            text = torch.cat((target_in[:, :seen], other), dim=1)
            expected = model(source, MASK, text)[:, seen:]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
        again, _ = model.advance(early, target_in[:, 3:])
        torch.testing.assert_close(again, whole, rtol=0, atol=1e-12)


def test_selected_rows_go_on_from_where_the_state_stands(source, target_in):
    model, rows = transformer(), torch.tensor([2, 0, 0, 1])
    with torch.no_grad():
        _, early = model.advance(model.encode(source, MASK), target_in[:, :3])
        model.advance(early, target_in[:, 3:])  # the caches of `early` now hold more
        chosen = model.select(early, rows)
        found, _ = model.advance(chosen, target_in[rows, 3:])
        whole = model(source, MASK, target_in)[rows, 3:]
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-10)
    assert chosen.length == 3


def test_gradients_flow_through_pieces_and_through_one_pass_alike(source, target_in):
    model, found = transformer(), []
    weights = torch.randn(B, T_T, V_T).double()
    for sizes in ([T_T], [2, 1, 6]):
        state, steps = model.encode(source, MASK), []
        for piece in target_in.split(sizes, dim=1):
            logits, state = model.advance(state, piece)
            steps.append(logits)
        loss = (torch.cat(steps, dim=1) * weights).sum()
        found.append(torch.autograd.grad(loss, list(model.parameters())))
    loss = (model(source, MASK, target_in) * weights).sum()
    expected = torch.autograd.grad(loss, list(model.parameters()))
    for mine in found:
        for a, b in zip(mine, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_training_keeps_nothing(source, target_in, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a cache was made")

    model = transformer()
    monkeypatch.setattr(KVCache, "__init__", refuse)
    model(source, MASK, target_in).sum().backward()
    with pytest.raises(AssertionError, match="a cache was made"):
        model.advance(model.encode(source, MASK), target_in)


def test_decode_goes_on_where_the_state_stands(source, target_in):
    model = transformer()
    with torch.no_grad():
        _, state = model.advance(model.encode(source, MASK), target_in[:, :4])
        found = model.decode(state, target_in[:, 4:])
        torch.testing.assert_close(found, model(source, MASK, target_in)[:, 4:])
    with pytest.raises(ValueError, match=r"target_in must be integers \(B, T_t\), got .*\(9,\)"):
        model.decode(state, target_in[0])


def test_weights_are_captured_step_by_step(source, target_in):
    model = transformer()
    with torch.no_grad(), capture_weights(model) as weights:
        state = model.encode(source, MASK)
        for t in range(3):
            _, state = model.advance(state, target_in[:, t : t + 1])
    for layer, t in product(range(L), range(3)):
        assert weights[f"decoder.{layer}.attention"][t].shape == (B, H, 1, t + 1)
        assert weights[f"decoder.{layer}.cross_attention"][t].shape == (B, H, 1, T_S)


def test_learned_positions_end_where_their_table_does(source, target_in):
    model = transformer(positions="learned", max_seq_len=T_T)
    with torch.no_grad():
        _, state = model.advance(model.encode(source, MASK), target_in)
        with pytest.raises(ValueError, match=r"below max_seq_len=9, .*got 1 from 9 on"):
            model.advance(state, target_in[:, :1])
