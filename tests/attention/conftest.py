import pytest
import torch
from torch.nn import functional as F

from txlib.attention import padding_mask


def _collect(run, *leaves, parameters=()):
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    output = run(*leaves)
    direction = torch.linspace(-1, 2, output.numel()).view_as(output).to(output.dtype)
    return [output, *torch.autograd.grad((output * direction).sum(), [*leaves, *parameters])]


def _by_loops(scores, value, allowed):
    nothing = torch.zeros(value.shape[-1]).to(value) + 0 * (value.sum() + scores.sum())
    rows = []
    for i, row in enumerate(scores):
        seen = [j for j in range(len(row)) if allowed[i, j]]
        total = sum(row[j].exp() for j in seen)
        rows.append(sum((row[j].exp() / total * value[j] for j in seen), nothing))
    return torch.stack(rows)


def _new_mask(kind, B, T_q, T_k):
    if kind == "none":
        return None
    if kind == "padding":
        return padding_mask(torch.tensor([T_k, *[max(T_k - 3, 1)] * (B - 1)]), T_k)[:, None]
    shapes = {"shared": (T_q, T_k), "keys": (T_k,), "queries": (B, T_q, 1), "blind": (1, 1)}
    mask = torch.rand(shapes.get(kind, (B, T_q, T_k))) > 0.4
    if kind.startswith("blind"):
        mask[..., :2, :] = False
    return mask


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def collect():
    """The output of `run(*leaves)`, and the gradients of a weighted sum of it."""
    return _collect


@pytest.fixture(scope="session")
def by_loops():
    """One sentence's context (T_q, D_v), key by key: scores (T_q, T_k) and what is allowed."""
    return _by_loops


@pytest.fixture(scope="session")
def as_written():
    """Attention as a formula says it, in whatever precision it is given."""

    def formula(scores, value, mask):
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return F.softmax(scores, dim=-1) @ value

    return formula


@pytest.fixture(scope="session")
def new_mask():
    """A mask (kind, B, T_q, T_k) of each kind in use; "each" is a random one for each sentence."""
    return _new_mask


@pytest.fixture(params=["fused", "readable"])
def listen(request):
    """Makes a module take the path that is asked for, for good."""

    def apply(module):
        if request.param == "readable":
            module.tap.register_forward_hook(lambda *_: None)
        return module

    return apply
