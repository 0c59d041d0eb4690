import pytest
import torch

from txlib.chapter import start_chapter


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setenv("TXLIB_DEVICE", "cpu")


def test_it_says_what_it_found(monkeypatch, capsys):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert start_chapter() == torch.device("cpu")
    assert capsys.readouterr().out == "Device: CPU, 2 threads\n"


def test_the_random_numbers_start_where_it_says():
    draws = []
    for seed in (0, 0, 5):
        start_chapter(seed=seed)
        draws.append(torch.rand(3).tolist())
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_errors(monkeypatch):
    with pytest.raises(ValueError, match=r"seed must be in 0 .* got -1"):
        start_chapter(seed=-1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("TXLIB_DEVICE", "cuda")
    with pytest.raises(ValueError, match="that this machine has, got 'cuda'"):
        start_chapter()
