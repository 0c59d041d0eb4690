"""Gradients are those of the formula: every module against finite differences, in float64."""

import pytest
import torch
from number_cases import MODELS, MODULES
from torch.autograd import gradcheck
from torch.func import functional_call

AREA = "numbers: gradients against finite differences"


@pytest.mark.parametrize("case", MODULES + MODELS, ids=lambda case: case.name)
def test_gradients_of_inputs_and_parameters(case, tally, effort):
    for seed in range(effort(1, 3)):
        torch.manual_seed(seed)
        module = case.new().double().eval()
        given = [a.double() if a.is_floating_point() else a for a in case.arguments()]
        parameters = dict(module.named_parameters())
        leaves = [*parameters.values(), *(a for a in given if a.is_floating_point())]
        leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]

        def run(*leaves, module=module, parameters=parameters, given=given):
            weights = dict(zip(parameters, leaves, strict=False))
            floats = iter(leaves[len(parameters) :])
            given = [next(floats) if a.is_floating_point() else a for a in given]
            return outputs(functional_call(module, weights, tuple(given)))

        assert gradcheck(run, leaves, fast_mode=True)
        tally(AREA)


def outputs(result):
    """The tensors of a result, flat."""
    if isinstance(result, torch.Tensor):
        return result
    parts = (outputs(part) for part in result)
    return tuple(t for part in parts for t in (part if isinstance(part, tuple) else (part,)))
