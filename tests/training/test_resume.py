import pytest
import torch

from txlib.training import History, fit, mean_loss
from txlib.training.resume import differences, is_there, restore_run, save_run

CPU = torch.device("cpu")
NO_SCALER = torch.amp.GradScaler("cpu", enabled=False)


def test_a_run_comes_back_whole(tmp_path, make_model):
    model, path = make_model(), tmp_path / "last"
    optimizer = torch.optim.Adam(model.parameters())
    history = History(evaluations=[{"step": 1, "loss": 2.0}])
    history.append(3.0, 0.1, 1.0, 9.0)
    assert not is_there(path, CPU)
    save_run(path, model, optimizer, {"seed": 3}, history, CPU, NO_SCALER)
    assert is_there(path, CPU)
    expected, weights = torch.rand(4), model.state_dict()
    other = make_model()
    torch.nn.init.zeros_(other.out_proj.weight)
    found = restore_run(
        path, other, torch.optim.Adam(other.parameters()), {"seed": 3}, CPU, 1, NO_SCALER
    )
    assert found == history
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(other.state_dict()[name], w) for name, w in weights.items())


def test_the_scale_of_the_loss_comes_back_if_both_runs_have_one(tmp_path, make_model):
    model, path = make_model(), tmp_path / "last"
    optimizer = torch.optim.Adam(model.parameters())

    def restored(scaler):
        restore_run(path, model, optimizer, {}, CPU, 0, scaler)
        return scaler

    scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    save_run(path, model, optimizer, {}, History(), CPU, scaler)
    assert restored(torch.amp.GradScaler("cpu")).state_dict() == scaler.state_dict()
    assert restored(NO_SCALER).get_scale() == 1.0
    save_run(path, model, optimizer, {}, History(), CPU, NO_SCALER)
    assert restored(torch.amp.GradScaler("cpu", init_scale=64.0)).get_scale() == 64.0


def test_a_file_that_some_processes_do_not_see(tmp_path, monkeypatch):
    monkeypatch.setattr("txlib.training.distributed.total", lambda values, device: [1.0])
    monkeypatch.setattr("txlib.training.distributed.world_size", lambda: 2)
    with pytest.raises(ValueError, match=r"must be seen by all processes, 1 see .*last"):
        is_there(tmp_path / "last", CPU)


def validation(batches):
    held_out = list(batches.epoch(0))
    return lambda model: {"loss": mean_loss(model, held_out)}


def test_another_run_is_refused(tmp_path, make_model, batches):
    path = tmp_path / "last"
    kwargs = {"checkpoint": path, "resume": True, "progress": False}
    fit(make_model(), batches, steps=4, details={"seed": 0, "same": 1}, **kwargs)
    with pytest.raises(ValueError, match=r"differ in \{'seed': \(0, 1\)\}"):
        fit(make_model(), batches, steps=4, details={"seed": 1, "same": 1}, **kwargs)
    with pytest.raises(ValueError, match=r"differ in \{'same': \(1, \{'a': 1\}\)\}"):
        fit(make_model(), batches, steps=4, details={"seed": 0, "same": {"a": 1}}, **kwargs)
    with pytest.raises(ValueError, match=r"steps must be at least the 4 of .*last, got 3"):
        fit(make_model(), batches, steps=3, details={"seed": 0, "same": 1}, **kwargs)
    with pytest.raises(ValueError, match="must have the model's shape"):
        fit(make_model(hidden_size=6), batches, steps=9, details={"seed": 0, "same": 1}, **kwargs)


def test_differences_are_named_by_the_way_to_them():
    saved = {"settings": {"size": 7, "rate": 0.1}, "seed": 0}
    asked = {"settings": {"size": 8, "rate": 0.1, "new": True}, "seed": 0}
    assert differences(saved, saved) == {}
    found = {"settings.new": (None, True), "settings.size": (7, 8)}
    assert differences(saved, asked) == found


def test_a_model_alone_cannot_be_resumed(tmp_path, make_model, batches):
    best = tmp_path / "best"
    kwargs = {"evaluate": validation(batches), "steps": 2}
    fit(make_model(), batches, best=best, **kwargs)
    with pytest.raises(ValueError, match="got a model without its history"):
        fit(make_model(), batches, checkpoint=best, resume=True, **kwargs)
