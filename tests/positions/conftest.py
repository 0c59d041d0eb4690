import pytest
import torch


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def collect():
    """The output of `run(*leaves)`, and the gradients of a weighted sum of it."""

    def collect(run, *leaves, parameters=()):
        leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        output = run(*leaves)
        direction = torch.linspace(-1, 2, output.numel()).view_as(output).to(output.dtype)
        return [output, *torch.autograd.grad((output * direction).sum(), [*leaves, *parameters])]

    return collect
