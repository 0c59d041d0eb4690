import json
import os
import subprocess
import sys

import pytest
import torch

from txlib.training import distributed

CPU = torch.device("cpu")

# Sentences of very unlike lengths: a mean of the two processes' means would be far off.
RUN = """
import json, sys, time
from pathlib import Path
import torch
from txlib.data.batching import BucketedBatches
from txlib.models import Transformer, TransformerConfig
from txlib.recurrent import LSTMTranslator, Seq2SeqConfig
from txlib.training import distributed, fit, resume, translation_loss

def run(folder):
    torch.set_num_threads(1)
    pairs = [([4 + i % 7] * (1 + i % 3), [4 + i % 9] * (1 + 5 * (i % 2))) for i in range(18)]
    torch.manual_seed(distributed.rank())  # replicas must start from rank 0's parameters
    config = Seq2SeqConfig(source_vocab_size=11, target_vocab_size=13, d_embedding=5, hidden_size=7)
    model = LSTMTranslator(config)
    batches = BucketedBatches(
        pairs, 6, rank=distributed.rank(), world_size=distributed.world_size(), shuffle=False
    )
    settings = dict(learning_rate=1e-2, progress=False)
    history = fit(model, batches, steps=5, **settings)
    if distributed.rank() == 0:
        folder.joinpath("losses.json").write_text(json.dumps(history.losses))
        weights = {k: v.tolist() for k, v in model.state_dict().items()}
        folder.joinpath("weights.json").write_text(json.dumps(weights))

    torch.manual_seed(5 * distributed.rank())
    config = TransformerConfig(
        source_vocab_size=11, target_vocab_size=13, d_model=12, num_heads=3, tie_embeddings=True
    )
    model, exchanged = Transformer(config), []
    def smoothed(replica, batch):
        exchanged.append(getattr(replica, "require_backward_grad_sync", None))
        return translation_loss(replica, batch, label_smoothing=0.1)
    # Not Adam: a key's bias moves no weight, and Adam would blow its gradient's rounding up
    history = fit(
        model, batches, steps=4, loss=smoothed, accumulate=3, learning_rate=0.3, progress=False,
        optimizer=torch.optim.SGD(model.parameters(), momentum=0.5),
    )
    assert len(history) == 4
    if distributed.world_size() > 1:
        assert exchanged == [False, False, True] * 4, exchanged
    if distributed.rank() == 0:
        folder.joinpath("transformer_losses.json").write_text(json.dumps(history.losses))
        weights = {k: v.tolist() for k, v in model.state_dict().items()}
        folder.joinpath("transformer_weights.json").write_text(json.dumps(weights))

    config = Seq2SeqConfig(source_vocab_size=11, target_vocab_size=13, d_embedding=5, hidden_size=7)
    def noisy(dropout=0.5, **more):
        torch.manual_seed(0)
        return fit(LSTMTranslator(type(config)(**(vars(config) | {"dropout": dropout}))), batches,
                   **settings | more)
    def stop_on_rank_1(model, batch, calls=[]):
        calls.append(1)
        if len(calls) == 3 and distributed.rank() == 1:
            import signal
            signal.raise_signal(signal.SIGINT)
        return translation_loss(model, batch)
    path = folder / "last"
    whole = noisy(steps=6)
    try:
        noisy(steps=6, checkpoint=path, loss=stop_on_rank_1)
    except KeyboardInterrupt as stop:
        print(f"{stop}", flush=True)
    resumed = noisy(steps=6, checkpoint=path, resume=True)
    assert resumed.losses == whole.losses, (resumed.losses, whole.losses)

    drawn = []
    def draw(model, batch):
        drawn.append(torch.rand(3))
        return translation_loss(model, batch)
    noisy(steps=1, loss=draw)
    noise = distributed.gather(drawn[0], torch.device("cpu"))
    assert len(noise) == distributed.world_size()
    assert len(noise) == 1 or not torch.equal(*noise), "all drop the same units"

def save_slowly(*args, save=resume.save_checkpoint, **kwargs):
    time.sleep(0.3)  # the other process must not look for the file before it is there
    save(*args, **kwargs)

if __name__ == "__main__":
    resume.save_checkpoint = save_slowly
    with distributed.process_group(torch.device("cpu")):
        run(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    script = folder / "run.py"
    script.write_text(RUN)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    result = subprocess.run(
        [*launch, str(script), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """The same script without torchrun, in this process."""
    folder = tmp_path_factory.mktemp("one")
    scope = {"__name__": "run"}
    exec(RUN, scope)
    threads = torch.get_num_threads()
    scope["run"](folder)
    torch.set_num_threads(threads)
    return folder


def read(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["losses", "transformer_losses"])
def test_two_processes_give_the_losses_of_one(one_process, two_processes, name):
    ours, theirs = read(two_processes[0], name), read(one_process, name)
    assert len(set(theirs)) > 3
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", ["weights", "transformer_weights"])
def test_two_processes_give_the_weights_of_one(one_process, two_processes, name):
    ours, theirs = read(two_processes[0], name), read(one_process, name)
    for name, weights in theirs.items():
        torch.testing.assert_close(ours[name], weights, rtol=0, atol=1e-5)


def test_ctrl_c_in_one_process_stops_all_at_the_same_step(two_processes):
    folder, printed = two_processes
    assert printed.count(f"stopped after step 3; the checkpoint is {folder / 'last'}") == 2


def test_alone_nothing_is_asked_of_anybody():
    with distributed.process_group(CPU) as device:
        assert device == CPU
        assert (distributed.rank(), distributed.world_size()) == (0, 1)
        distributed.wait_for_all()
        values = torch.arange(3)
        assert distributed.gather(values, CPU)[0] is values
        assert distributed.total([1.5, True], CPU) == [1.5, True]
        model = torch.nn.Linear(2, 3)
        assert distributed.replicate(model, CPU) is model
        with distributed.exchanging(model, False):
            pass
