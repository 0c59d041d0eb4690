import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from txlib.data.batching import make_batch
from txlib.recipes import pretrained, records, translation
from txlib.recipes.pretrained import load_pretrained, main, publish, read_published
from txlib.recipes.translator import load_translator

WORDS = "--model transformer --d-model 12 --num-heads 3 --num-layers 1 --steps 6 --batch-size 8"
FILES = ["model.safetensors", "record.json", "source.json", "target.json"]


@pytest.fixture
def trained(corpus, tmp_path, monkeypatch):
    """Trains a tiny translator; gives its seed's folder."""
    monkeypatch.setattr(translation, "load_corpus", lambda name, *, train_size: corpus)

    def train(*words, out="run"):
        words = [*WORDS.split(), *words, "--seeds", "3", "--out", str(tmp_path / out)]
        assert translation.main(words) == 0
        return tmp_path / out / "seed-3"

    return train


@pytest.fixture
def published(trained, tmp_path):
    folder = trained("--tie-embeddings")
    publish(folder, tmp_path / "book" / "tiny_translator")
    return folder, tmp_path / "book" / "tiny_translator"


def test_files_by_hand(published):
    run, folder = published
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert os.listdir(folder.parent) == ["tiny_translator"]  # nothing half-done beside it
    assert (folder / "record.json").read_bytes() == (run.parent / "record.json").read_bytes()
    for side in ("source", "target"):
        text = (folder / f"{side}.json").read_text()
        assert json.loads(text) == json.loads((run / f"{side}.json").read_text())
        assert text.endswith("\n")
    tensors = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    tables = [name for name, tensor in tensors.items() if tensor.shape == (11, 12)]
    assert len(tables) == 2  # the source's; the target's, which is the output projection too
    whole = load_translator(run)
    assert sum(tensor.numel() for tensor in tensors.values()) == whole.num_parameters


@pytest.mark.parametrize("tied", [True, False])
def test_read_as_trained_but_for_rounding(trained, tmp_path, corpus, tied):
    run = trained(*["--tie-embeddings"] * tied)
    publish(run, tmp_path / "x")
    ours, theirs = read_published(tmp_path / "x"), load_translator(run)
    assert ours.to_details() == theirs.to_details()
    assert not ours.model.training
    state, expected = ours.model.state_dict(), theirs.model.state_dict()
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert state[name].dtype == torch.float32
        assert torch.equal(state[name], tensor.half().float())
    assert (ours.model.out_proj.weight is ours.model.target_embedding.weight) == tied
    batch = make_batch(ours.encode_pairs(corpus.splits["test"]))
    logits, reference = (
        t.model(batch.source, batch.source_mask, batch.target_in) for t in (ours, theirs)
    )
    torch.testing.assert_close(logits, reference, rtol=0, atol=2e-2)
    sources = [source for source, _ in corpus.splits["test"]]
    assert len(ours.translate(sources)) == len(sources)


def test_an_lstm_can_be_published_too(trained, tmp_path):
    run = trained("--model", "lstm", "--hidden-size", "7", "--d-embedding", "5")
    publish(run, tmp_path / "x")
    assert read_published(tmp_path / "x").to_details() == load_translator(run).to_details()


def test_found_in_a_wheel_and_in_a_checkout(published, tmp_path, monkeypatch):
    _, folder = published
    wheel, checkout = tmp_path / "wheel", folder.parent
    monkeypatch.setattr(records, "FOLDERS", (wheel, checkout))
    assert load_pretrained("tiny").kind == "transformer"
    wheel.mkdir()
    shutil.move(folder, wheel / "other_translator")
    assert load_pretrained("other").kind == "transformer"
    with pytest.raises(FileNotFoundError, match=r"no trained translator 'tiny'; got \['other'\]"):
        load_pretrained("tiny")


def test_command_line(trained, tmp_path, monkeypatch, capsys):
    run, checkout = trained(), tmp_path / "results"
    monkeypatch.setattr(records, "FOLDERS", (tmp_path / "wheel", checkout))
    assert main([str(run), "--name", "tiny"]) == 1
    assert "publishing needs a checkout of the book" in capsys.readouterr().err
    checkout.mkdir()
    assert main([str(run), "--name", "tiny"]) == 0
    size = sum(path.stat().st_size for path in (checkout / "tiny_translator").iterdir())
    assert f"tiny_translator: {size:,} bytes" in capsys.readouterr().out
    assert load_pretrained("tiny").target.decode([]) == ""
    assert main([str(tmp_path)]) == 1
    assert "there is no checkpoint at" in capsys.readouterr().err


def test_publishing_again_replaces_the_whole(published, trained):
    _, folder = published
    (folder / "stray.txt").write_text("from before")
    publish(trained(out="other"), folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert read_published(folder).model.config.tie_embeddings is False
    assert os.listdir(folder.parent) == ["tiny_translator"]


def test_errors_of_publish(trained, tmp_path, monkeypatch):
    run, there = trained(), tmp_path / "x"
    monkeypatch.setattr(pretrained, "MAX_BYTES", 5_000)
    with pytest.raises(ValueError, match=r"together must have at most 5000 bytes, got \d{5}"):
        publish(run, there)
    monkeypatch.undo()
    path = run.parent / "record.json"
    record = json.loads(path.read_text())
    for change in ({"seeds": [0, 1]}, {"results": {"settings": {"steps": 7}}}):
        path.write_text(json.dumps(record | change))
        with pytest.raises(ValueError, match=r"record.json must be of the model's run, seed 3"):
            publish(run, there)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"record.json"):
        publish(run, there)
    assert not there.exists()


def test_a_number_too_large_for_float16_is_refused(trained):
    model = load_translator(trained()).model
    with torch.no_grad():
        model.out_proj.bias[2] = 1e5
    with pytest.raises(
        ValueError, match=r"out_proj.bias must fit float16, got values up to 1e\+05"
    ):
        pretrained._pack(model)


def test_errors_of_reading(published):
    _, folder = published
    path = folder / "model.safetensors"
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match=r"must be a published translator's, got SafetensorError"):
        read_published(folder)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"published translator's, got KeyError\('txlib.transl"):
        read_published(folder)
    path.write_bytes(good.replace(b'\\"num_layers\\": 1', b'\\"num_layers\\": 2'))
    with pytest.raises(ValueError, match=r"must hold at most the file's \d+ numbers, got \d+"):
        read_published(folder)
    path.write_bytes(good.replace(b'\\"norm_order\\": \\"pre\\"', b'\\"norm_order\\":\\"post\\"'))
    with pytest.raises(ValueError, match=r"must hold its model's tensors, but differs in \['decod"):
        read_published(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no published model at .*model.safetensors"):
        read_published(folder)
