"""The same seed gives the same bits, and two threads the numbers of one."""

import pytest
import torch
from number_cases import MODELS, MODULES
from test_numbers_gradients import outputs

SEEDED = "numbers: same bits from the same seed"
THREADS = "numbers: one thread and two"


def run(case, seed):
    """Outputs and gradients, with dropout where a model has it."""
    torch.manual_seed(seed)
    module, given = case.new().train(), case.arguments()
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.3
    return evaluate(module, given)


def evaluate(module, given):
    module.zero_grad()
    result = outputs(module(*given))
    result = result if isinstance(result, tuple) else (result,)
    sum(part.square().sum() for part in result).backward() if result[0].requires_grad else None
    gradients = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    return [*(part.detach() for part in result), *gradients]


@pytest.mark.parametrize("case", MODULES + MODELS, ids=lambda case: case.name)
def test_same_bits_from_the_same_seed(case, tally, effort):
    for seed in range(effort(1, 4)):
        first, second = run(case, seed), run(case, seed)
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
        tally(SEEDED)


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_same_words_from_the_same_seed(case, tally):
    torch.manual_seed(0)
    model, given = case.new(), case.arguments()
    options = {"max_new_tokens": 4, "temperature": 1.0}
    written = []
    for _ in range(2):
        chosen = torch.Generator().manual_seed(3)
        if case.name.startswith("GPT"):
            written.append(model.generate(*given, generator=chosen, **options))
        else:
            written.append(model.sample_decode(*given[:2], generator=chosen, **options))
    assert torch.equal(*written)
    tally(SEEDED)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("case", MODULES + MODELS, ids=lambda case: case.name)
def test_one_thread_and_two(case, threads, tally, effort):
    for seed in range(effort(1, 4)):
        results = []
        for count in (1, 2):
            threads(count)
            results.append(run(case, seed))
        for one, two in zip(*results, strict=True):
            torch.testing.assert_close(one, two)
        tally(THREADS)
