import pytest
import torch

from txlib.recurrent import LSTM, LSTMEncoder

B, T, V, E, H, L = 3, 6, 11, 4, 5, 2
MASK = torch.arange(T) < torch.tensor([4, 6, 1])[:, None]


def encoder(**options):
    return LSTMEncoder(V, E, H, num_layers=L, **options).double()


@pytest.fixture
def source():
    return torch.randint(3, V, (B, T)).masked_fill(~MASK, 0)


def readable(module):
    lstm = LSTM(E, H, L, bidirectional=module.lstm.bidirectional).double()
    lstm.load_state_dict(module.lstm.state_dict())
    return lstm


@pytest.mark.parametrize("bidirectional", [False, True])
def test_equals_embedding_then_readable_lstm(source, bidirectional):
    module = encoder(bidirectional=bidirectional)
    outputs, state = module(source, MASK)
    expected = readable(module)(module.embedding.weight[source], mask=MASK)
    torch.testing.assert_close((outputs, state), expected)


def test_reverse_reads_the_real_tokens_last_first(source):
    module = encoder(reverse=True)
    outputs, (h, c) = module(source, MASK)
    for b, length in enumerate(MASK.sum(dim=1).tolist()):
        tokens = source[b, :length].flip(0)
        alone, (h_alone, c_alone) = readable(module)(module.embedding.weight[tokens][None])
        torch.testing.assert_close(outputs[b, :length].flip(0), alone[0])
        torch.testing.assert_close(h[:, b], h_alone[:, 0])
        torch.testing.assert_close(c[:, b], c_alone[:, 0])
    assert outputs[~MASK].eq(0).all()


def test_dropout_falls_on_the_embeddings_in_training_only(source):
    module = LSTMEncoder(V, E, H, dropout=0.5)  # one layer: there is no other place for it
    first, second = (module(source, MASK)[0] for _ in range(2))
    assert not torch.allclose(first, second)
    module.eval()
    first, second = (module(source, MASK)[0] for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_padding_token_is_a_zero_vector():
    assert encoder(pad_id=7).embedding.weight[7].eq(0).all()


def test_bad_source_and_mask(source):
    module = encoder()
    with pytest.raises(ValueError, match=r"source must be integers \(B, T\), got .* of \(6,\)"):
        module(source[0], MASK[0])
    for reverse in (False, True):
        with pytest.raises(
            ValueError, match=r"mask must be bool of source's shape .* got bool \(3, 5\)"
        ):
            encoder(reverse=reverse)(source, MASK[:, :5])
        with pytest.raises(ValueError, match=r"mask must be bool of source's shape .* got int64"):
            encoder(reverse=reverse)(source, MASK.long())
