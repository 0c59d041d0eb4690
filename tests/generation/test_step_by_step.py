import pytest
import torch

from txlib.generation.step_by_step import continue_by

PAD, BOS, EOS, V = 0, 1, 2, 7
SPECIAL = {"eos_id": EOS, "pad_id": PAD}


def test_what_is_picked_is_fed_back_until_every_row_ended():
    fed, seen = [], []

    def advance(count, tokens):
        fed.append(tokens)
        return torch.full((3, 1, V), float(count)), count + 1

    def pick(logits):
        seen.append(logits)
        return torch.tensor([[5, EOS, 3], [EOS, 4, 6], [6, 6, EOS]])[len(seen) - 1]

    first = torch.tensor([BOS, 3, 4])
    out = continue_by(pick, advance, 8, first, max_new_tokens=9, **SPECIAL)
    assert out.tolist() == [[5, EOS, PAD], [EOS, PAD, PAD], [3, 6, EOS]]
    assert [tokens.squeeze(1).tolist() for tokens in fed] == [[BOS, 3, 4], [5, EOS, 3], [EOS, 0, 6]]
    assert [logits[0, 0].item() for logits in seen] == [8, 9, 10]
    assert all(logits.shape == (3, V) for logits in seen)


def test_a_row_that_is_stopped_has_no_eos():
    options = {"max_new_tokens": 2, **SPECIAL}
    out = continue_by(
        lambda logits: logits.argmax(dim=-1),
        lambda state, tokens: (torch.eye(V)[5].expand(len(tokens), 1, V), state),
        None,
        torch.tensor([BOS]),
        **options,
    )
    assert out.tolist() == [[5, 5]]


def test_without_an_end_nothing_is_compared_and_all_go_on():
    options = {"max_new_tokens": 3, "eos_id": -1, "pad_id": PAD}
    out = continue_by(
        lambda logits: torch.tensor([EOS, -1]),  # not even what looks like the end
        lambda state, tokens: (torch.zeros(2, 1, V), state),
        None,
        torch.tensor([BOS, BOS]),
        **options,
    )
    assert out.tolist() == [[EOS] * 3, [-1] * 3]


def test_too_few_tokens():
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        continue_by(None, None, None, torch.tensor([BOS]), max_new_tokens=0, **SPECIAL)
