import math
import signal
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from txlib.data.batching import BucketedBatches
from txlib.training import (
    fit,
    linear_warmup,
    load_checkpoint,
    masked_cross_entropy,
    mean_loss,
    translation_loss,
)

quiet_fit = partial(fit, progress=False, learning_rate=1e-2)


class Numbers:
    """Batches of one number each: 1, 2, 3 ... by step."""

    def stream(self, start_step=0):
        step = start_step
        while True:
            step += 1
            batch = SimpleNamespace(num_target_tokens=5, value=float(step))
            batch.to = lambda device, batch=batch: batch
            yield batch


def slope(model, batch):
    return (model.weight * batch.value).sum()  # the gradient is the batch's number


@pytest.fixture
def line():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=99.0)


def test_three_steps_by_hand(line):
    history = quiet_fit(
        line,
        Numbers(),
        steps=3,
        learning_rate=0.1,
        loss=slope,
        optimizer=sgd(line),
        schedule=lambda step: [1.0, 0.5, 2.0][step],
        max_gradient_norm=math.inf,
    )
    # weights 0, then -0.1 * 1 = -0.1, then - 0.05 * 2 = -0.2, then - 0.2 * 3 = -0.8
    assert line.weight.item() == pytest.approx(-0.8)
    assert history.losses == pytest.approx([0.0, -0.2, -0.6])
    assert history.learning_rates == pytest.approx([0.1, 0.05, 0.2])
    assert history.gradient_norms == pytest.approx([1.0, 2.0, 3.0])
    assert all(speed > 0 for speed in history.tokens_per_second)
    assert not line.training


def test_long_gradients_are_shortened(line):
    kwargs = {"learning_rate": 0.1, "loss": slope, "max_gradient_norm": 1.5}
    history = quiet_fit(line, Numbers(), steps=3, optimizer=sgd(line), **kwargs)
    assert line.weight.item() == pytest.approx(-0.1 * (1 + 1.5 + 1.5), rel=1e-5)
    assert history.gradient_norms == pytest.approx([1.0, 2.0, 3.0])


def test_agrees_with_a_loop_written_out(make_model, batches):
    model, twin = make_model(dropout=0.0), make_model(dropout=0.0)
    history = quiet_fit(model, batches, steps=10, schedule=partial(linear_warmup, warmup_steps=4))
    optimizer = torch.optim.Adam(twin.parameters(), fused=True)
    expected = []
    for step, batch in zip(range(10), batches.stream(), strict=False):
        optimizer.param_groups[0]["lr"] = 1e-2 * min(1, (step + 1) / 4)
        logits = twin(batch.source, batch.source_mask, batch.target_in)
        loss = masked_cross_entropy(logits, batch.target_out, batch.target_mask)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        optimizer.step()
        expected.append(loss.item())
    assert history.losses == expected
    assert all(map(torch.equal, model.parameters(), twin.parameters()))


def test_learns(make_model, batches):
    model = make_model(hidden_size=19, dropout=0.0)
    history = quiet_fit(model, batches, steps=150)
    assert history.losses[0] > 2.4
    assert history.losses[-1] < 1.8


def test_a_model_in_evaluation_mode_is_trained_with_dropout(make_model, batches):
    fresh = quiet_fit(make_model(), batches, steps=4)
    used = quiet_fit(make_model().eval(), batches, steps=4)
    assert used.losses == fresh.losses


def test_the_bar_is_all_that_is_printed(make_model, batches, capsys):
    fit(make_model(), batches, steps=3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "loss=" in err
    quiet_fit(make_model(), batches, steps=3)
    assert capsys.readouterr() == ("", "")


def validation(batches):
    held_out = list(batches.epoch(0))
    return lambda model: {"loss": mean_loss(model, held_out)}


def test_evaluates_and_keeps_the_best(tmp_path, make_model, batches):
    model, losses, weights = make_model(), iter([3.0, 1.0, 2.0, 1.0]), {}

    def evaluate(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        weights[len(weights) + 1] = model.out_proj.weight.clone()
        return {"loss": next(losses), "bleu": 7.0}

    best = tmp_path / "best"
    history = quiet_fit(
        model, batches, steps=7, evaluate=evaluate, evaluate_every=2, best=best, details={"a": 1}
    )
    assert [e["step"] for e in history.evaluations] == [2, 4, 6, 7]
    assert history.evaluations[0] == {"step": 2, "loss": 3.0, "bleu": 7.0}
    saved = load_checkpoint(best)
    assert saved.step == 4
    assert saved.details == {"run": {"a": 1}}
    assert torch.equal(saved.model["out_proj.weight"], weights[2])


def test_evaluation_does_not_change_the_training(make_model, batches):
    plain = quiet_fit(make_model(), batches, steps=8)
    watched = quiet_fit(
        make_model(), batches, steps=8, evaluate=validation(batches), evaluate_every=3
    )
    assert watched.losses == plain.losses


def test_resumed_losses_are_bit_identical(tmp_path, make_model, batches):
    settings = {
        "schedule": lambda step: 1 / (1 + step),
        "evaluate": validation(batches),
        "evaluate_every": 5,
        "details": {"seed": 0, "sizes": (1, 2)},
    }
    model = make_model()
    whole = quiet_fit(model, batches, steps=20, **settings)
    path = tmp_path / "last"
    settings |= {"checkpoint": path, "resume": True}
    quiet_fit(make_model(), batches, steps=10, **settings)  # nothing to resume: it starts anew
    other = make_model()
    nn.init.zeros_(other.out_proj.weight)
    torch.rand(5)  # another process would stand elsewhere
    resumed = quiet_fit(other, batches, steps=20, **settings)
    assert resumed.losses == whole.losses
    assert resumed.gradient_norms == whole.gradient_norms
    assert resumed.evaluations == whole.evaluations
    assert all(map(torch.equal, other.parameters(), model.parameters()))
    done = quiet_fit(make_model(), batches, steps=20, **settings)
    assert done == resumed


def test_checkpoints_come_when_due(tmp_path, make_model, batches, monkeypatch):
    steps = []
    monkeypatch.setattr(
        "txlib.training.resume.save_checkpoint", lambda *args, step, **_: steps.append(step)
    )
    quiet_fit(make_model(), batches, steps=7, checkpoint=tmp_path / "x", checkpoint_every=3)
    assert steps == [3, 6, 7]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_step_and_saves(tmp_path, make_model, batches, number):
    whole = quiet_fit(make_model(), batches, steps=9)
    path = tmp_path / "last"

    def interrupted(model, batch, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(number)
        return translation_loss(model, batch)

    with pytest.raises(KeyboardInterrupt, match=r"stopped after step 4; the checkpoint is .*last"):
        quiet_fit(make_model(), batches, steps=9, checkpoint=path, loss=interrupted)
    assert load_checkpoint(path).step == 4
    resumed = quiet_fit(make_model(), batches, steps=9, checkpoint=path, resume=True)
    assert resumed.losses == whole.losses


@pytest.mark.parametrize("at_step", [2, 3])
def test_ctrl_c_during_the_last_step_is_not_lost(line, tmp_path, at_step):
    """Raised after the step's own look at the signal: by the evaluation that follows the update."""

    def evaluate(model):
        if len(seen) + 1 == at_step:
            signal.raise_signal(signal.SIGTERM)
        seen.append(1)
        return {"loss": 1.0}

    seen, path = [], tmp_path / "last"
    kwargs = {"loss": slope, "optimizer": sgd(line), "learning_rate": 0.1}
    kwargs |= {"evaluate": evaluate, "evaluate_every": 1, "checkpoint": path}
    with pytest.raises(KeyboardInterrupt, match=r"stopped after step 3; the checkpoint is .*last"):
        quiet_fit(line, Numbers(), steps=3, **kwargs)
    assert load_checkpoint(path).step == 3


@pytest.mark.parametrize("where", ["parameter", "gradient"])
def test_the_first_number_that_is_not_finite_is_named(make_model, batches, where):
    model = make_model()
    names = [name for name, _ in model.named_parameters()]

    def loss(model, batch):
        parameters = dict(model.named_parameters())
        if where == "parameter":
            parameters[names[2]].data[0] = math.inf
        spoiled = parameters[names[-1]].abs().mul(0).sqrt().sum()  # its slope is infinite
        return translation_loss(model, batch) + (spoiled if where == "gradient" else 0)

    what = f"the parameter {names[2]}" if where == "parameter" else f"the gradient of {names[-1]}"
    with pytest.raises(FloatingPointError, match=rf"that is not finite: {what}\. Look at"):
        quiet_fit(model, batches, steps=1, loss=loss)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops(line, bad, tmp_path):
    def loss(model, batch):
        return slope(model, batch) + (bad if batch.value == 3 else 0)

    with pytest.raises(
        FloatingPointError,
        match=rf"step 3 must .* got loss {bad} and gradient norm 3.0 at learning rate 1.00e-01 "
        r"\(losses before: 0.000, -0.200\).*last checkpoint, .*last, is from before",
    ):
        quiet_fit(
            line,
            Numbers(),
            steps=5,
            learning_rate=0.1,
            loss=loss,
            optimizer=sgd(line),
            max_gradient_norm=9.0,
            checkpoint=tmp_path / "last",
            checkpoint_every=2,
        )
    assert line.weight.item() == pytest.approx(-0.3)  # the third step was not taken


def test_a_gradient_that_is_not_finite_stops(line):
    def loss(model, batch):
        return model.weight.sum().abs().sqrt()  # its slope at 0 is infinite, or 0/0

    with pytest.raises(FloatingPointError, match=r"got loss 0.0 and gradient norm (inf|nan)"):
        quiet_fit(line, Numbers(), steps=1, loss=loss)
    assert line.weight.item() == 0.0


def test_accumulated_batches_are_one_update_by_hand(line):
    history = quiet_fit(
        line,
        Numbers(),
        steps=2,
        accumulate=3,
        learning_rate=0.1,
        loss=slope,
        optimizer=sgd(line),
        max_gradient_norm=math.inf,
    )
    assert history.gradient_norms == pytest.approx([2.0, 5.0])  # means of 1, 2, 3 and of 4, 5, 6
    assert history.losses == pytest.approx([0.0, -0.2 * 5.0])
    assert line.weight.item() == pytest.approx(-0.1 * (2 + 5))


def test_accumulated_batches_agree_with_one_that_is_as_large(make_model):
    pairs = [([4 + i % 7] * (1 + i % 5), [4 + i % 9] * (1 + 7 * i % 11)) for i in range(24)]
    small, large = (BucketedBatches(pairs, size, shuffle=False) for size in (4, 12))
    assert len({batch.num_target_tokens for batch in small.epoch(0)}) > 1
    model, twin = make_model(dropout=0.0), make_model(dropout=0.0)
    history = quiet_fit(model, small, steps=5, accumulate=3)
    expected = quiet_fit(twin, large, steps=5)
    assert len(history) == 5
    assert history.losses == pytest.approx(expected.losses, rel=1e-5)
    assert history.gradient_norms == pytest.approx(expected.gradient_norms, rel=1e-3)


def test_resumed_accumulation_goes_on_with_the_next_batch(tmp_path, make_model, batches):
    whole = quiet_fit(make_model(), batches, steps=5, accumulate=3)
    again = {"accumulate": 3, "checkpoint": tmp_path / "last", "resume": True}
    quiet_fit(make_model(), batches, steps=2, **again)
    assert load_checkpoint(tmp_path / "last").step == 2
    assert quiet_fit(make_model(), batches, steps=5, **again).losses == whole.losses


def test_float16_trains_and_goes_on_where_it_stopped(tmp_path, make_model, batches, monkeypatch):
    monkeypatch.setattr("txlib.training.gradients.pick_dtype", lambda device: torch.float16)
    scaler = partial(torch.amp.GradScaler, init_scale=2.0**24, growth_interval=2)
    monkeypatch.setattr("torch.amp.GradScaler", scaler)  # so that it overflows, shrinks and grows
    whole = quiet_fit(make_model(), batches, steps=9)
    assert whole.losses[-1] < whole.losses[0]
    assert all(map(math.isfinite, whole.gradient_norms))
    again = {"checkpoint": tmp_path / "last", "resume": True}
    quiet_fit(make_model(), batches, steps=5, **again)
    scale = load_checkpoint(tmp_path / "last").details["scaler"]["scale"]
    assert scale != 2.0**24
    resumed = quiet_fit(make_model(), batches, steps=9, **again)
    assert resumed.losses == whole.losses
    assert resumed.gradient_norms == whole.gradient_norms


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_bfloat16_on_a_gpu(make_model, batches):
    model, dtypes = make_model().cuda(), []

    def loss(model, batch):
        logits = model(batch.source, batch.source_mask, batch.target_in)
        dtypes.append(logits.dtype)
        return masked_cross_entropy(logits, batch.target_out, batch.target_mask)

    history = quiet_fit(model, batches, steps=30, loss=loss)
    assert set(dtypes) == {torch.bfloat16}
    assert history.losses[-1] < history.losses[0]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"accumulate": 0}, "accumulate must be at least 1, got 0"),
        ({"checkpoint_every": 0, "checkpoint": "x"}, "checkpoint_every must be at least 1, got 0"),
        ({"evaluate_every": -1}, "evaluate_every must be at least 1, got -1"),
        ({"evaluate_every": 3}, "evaluate must be given with best and evaluate_every, got None"),
        ({"best": "x"}, "evaluate must be given with best"),
        ({"resume": True}, "checkpoint must be given with resume"),
        ({"checkpoint_every": 3}, "checkpoint must be given with resume and checkpoint_every"),
    ],
)
def test_errors(make_model, batches, arguments, match):
    with pytest.raises(ValueError, match=match):
        quiet_fit(make_model(), batches, **{"steps": 1, **arguments})
