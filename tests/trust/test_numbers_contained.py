"""What is not a number stays in its own sentence, and in positions that may not be seen unseen."""

import math

import pytest
import torch
from number_cases import MODULES
from test_numbers_gradients import outputs

from txlib.attention import attention_weights, masked_softmax

AREA = "numbers: NaN and infinity stay in their sentence"
TABLES = ("relative_attention",)  # its tables are shared by the sentences


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("case", MODULES, ids=lambda case: case.name)
def test_a_sentence_is_not_touched_by_another(case, bad, tally, effort):
    for seed in range(effort(1, 5)):
        torch.manual_seed(seed)
        module, given = case.new().eval(), case.arguments()
        spoiled = [a.clone() for a in given]
        for a in spoiled:
            if a.is_floating_point() and not (case.name in TABLES and a.ndim == 2):
                a[1] = bad
        before, after = outputs(module(*given)), outputs(module(*spoiled))
        before = before if torch.is_tensor(before) else before[0]
        after = after if torch.is_tensor(after) else after[0]
        torch.testing.assert_close(after[0], before[0])
        tally(AREA)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_hidden_key_weighs_nothing_whatever_it_is(bad, tally):
    torch.manual_seed(0)
    query, key = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    mask = torch.ones(2, 3, 5, dtype=torch.bool)
    mask[..., 2] = False
    right = attention_weights(query, key, mask)
    key[:, 2] = bad
    torch.testing.assert_close(attention_weights(query, key, mask), right)
    scores = torch.randn(2, 3, 5)
    right = masked_softmax(scores, mask)
    scores[..., 2] = bad
    torch.testing.assert_close(masked_softmax(scores, mask), right)
    tally(AREA, 2)
