"""Files that are not what their name says: each is refused, by name, and nothing of them runs."""

import contextlib
import json
import pickle
import random
import resource
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from txlib.data.vocabulary import Vocabulary
from txlib.interop.gpt2 import gpt2_from_checkpoint
from txlib.recipes.pretrained import KEY as PUBLISHED
from txlib.recipes.pretrained import read_published
from txlib.recipes.translator import load_translator
from txlib.training import load_checkpoint, save_checkpoint
from txlib.training.checkpoint import KEY

AREA = "data: a hostile checkpoint, record or vocabulary"
LIBRARY = Path(__file__).parents[2] / "txlib"
DEEP = "[" * 100_000
CONFIG = {"source_vocab_size": 6, "target_vocab_size": 7, "d_embedding": 3, "hidden_size": 5}


class Trap:
    """A pickle of it makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def header_of(text, data=b""):
    return struct.pack("<Q", len(text)) + text.encode() + data


def not_safetensors(good, trap):
    """Bytes that are no safetensors file, by what they are."""
    entry = '{"a":{"dtype":"F32","shape":%s,"data_offsets":%s}}'
    torch_file = trap.path.with_name("torch.bin")
    torch.save({"a": trap}, torch_file)
    draw = random.Random(0)
    return {
        "a pickle": pickle.dumps(trap),
        "an old pickle": pickle.dumps(trap, protocol=0),
        "what torch.save writes": torch_file.read_bytes(),
        "nothing": b"",
        "seven bytes": b"1234567",
        "a page": b"<!DOCTYPE html><title>Please log in</title>",
        "noise": draw.randbytes(5000),
        "a header of 10 GB": struct.pack("<Q", 10 * 2**30) + b"{}",
        "a header of 16 EB": struct.pack("<Q", 2**64 - 1) + b"{}",
        "a header that is a list": header_of("[]"),
        "a header nested deeply": header_of('{"a":' * 50_000),
        "a header that is no text": struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc",
        "data outside the file": header_of(entry % ("[4]", "[0,16]"), b"1234"),
        "data before the file": header_of(entry % ("[1]", "[-4,0]"), b"1234"),
        "data of 10 GB": header_of(entry % ("[2684354560]", "[0,10737418240]"), b"1234"),
        "a shape larger than its data": header_of(entry % ("[9,9]", "[0,4]"), b"1234"),
        "a shape that overflows": header_of(
            entry % ("[4294967296,4294967296,4]", "[0,4]"), b"1234"
        ),
        "an unknown number format": header_of(
            (entry % ("[1]", "[0,4]")).replace("F32", "F99"), b"1234"
        ),
        "bytes left over": header_of(entry % ("[1]", "[0,4]"), b"12345678"),
        "a good file and more": good + b"1234",
    }


@contextlib.contextmanager
def no_room_for_gigabytes():
    """In the block this process may grow by 1 GiB, no more: a claim must not be believed."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


if not Path("/proc/self/statm").exists():  # elsewhere than on Linux, that is not to be had
    no_room_for_gigabytes = contextlib.nullcontext


def refuse(read, named, tally):
    with no_room_for_gigabytes(), pytest.raises(ValueError) as caught:  # noqa: PT011
        read()
    told = str(caught.value)
    assert str(named) in told, told
    assert len(told) < 2000
    tally(AREA)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


@pytest.fixture
def run(tmp_path):
    """The folder of a translator's run, with a checkpoint that `load_translator` reads."""
    from txlib.recurrent import LSTMTranslator, Seq2SeqConfig

    folder = tmp_path / "run"
    translator = LSTMTranslator(Seq2SeqConfig(**CONFIG))
    details = {"model": "lstm", "config": CONFIG, "tokenizer": "word", "lowercase": False}
    save_checkpoint(
        folder / "model.safetensors", translator, details={"run": {"translator": details}}
    )
    tensors = {name: t.half() for name, t in translator.state_dict().items()}
    (tmp_path / "published").mkdir()
    for side, words in (("source", ["a", "b"]), ("target", ["a", "b", "c"])):
        for place in (folder, tmp_path / "published"):
            (place / f"{side}.json").write_text(Vocabulary(words).to_json())
    published = tmp_path / "published" / "model.safetensors"
    published.write_bytes(save(tensors, metadata={PUBLISHED: json.dumps(details)}))
    load_translator(folder)
    read_published(tmp_path / "published")
    return tmp_path


def readers(run):
    """Whatever in the library reads safetensors: the file, and how to have it read."""
    gpt2 = run / "gpt2"
    gpt2.mkdir()
    (gpt2 / "config.json").write_text('{"n_layer": 1, "n_embd": 4, "n_head": 1, "vocab_size": 3}')
    (gpt2 / "model.safetensors").write_bytes(save({"x": torch.zeros(3)}))
    return [
        (run / "run/model.safetensors", lambda: load_checkpoint(run / "run/model.safetensors")),
        (run / "run/model.safetensors", lambda: load_translator(run / "run")),
        (run / "published/model.safetensors", lambda: read_published(run / "published")),
        (gpt2 / "model.safetensors", lambda: gpt2_from_checkpoint(gpt2)),
    ]


def test_what_is_no_safetensors_file(run, tally):
    trap = Trap(run / "sprung")
    pickle.loads(pickle.dumps(trap)).close()
    trap.path.unlink()  # the trap works
    for path, read in readers(run):
        good = path.read_bytes()
        for content in not_safetensors(good, trap).values():
            path.write_bytes(content)
            refuse(read, path, tally)
            assert not trap.path.exists()
        path.write_bytes(good)


def test_cut_off_and_corrupted_anywhere(run, tally, effort):
    """A cut is always seen. A changed bit may be a number's; then the file has the same form."""
    draw = random.Random(3)
    for path, read in readers(run)[:3]:
        good = path.read_bytes()
        size = 8 + struct.unpack("<Q", good[:8])[0]
        for _ in range(effort(15, 300)):
            path.write_bytes(good[: draw.randrange(len(good))])
            refuse(read, path, tally)
            broken = bytearray(good)
            broken[draw.randrange(size)] ^= 1 << draw.randrange(8)
            path.write_bytes(bytes(broken))
            with no_room_for_gigabytes():
                try:
                    read()
                except ValueError as error:
                    assert str(path.parent) in str(error)  # noqa: PT017
            tally(AREA)
        path.write_bytes(good)


HEADERS = {
    "no JSON": "no",
    "nested deeply": DEEP,
    "nested deeply inside": '{"step": 1, "optimizer": null, "details": ' + "[" * 50_000,
    "a list": "[]",
    "a number": "7",
    "empty": "{}",
    "a step that is a text": '{"step": "1", "optimizer": null, "details": {}}',
    "a step that is no number": '{"step": NaN, "optimizer": null, "details": {}}',
    "a step that is True": '{"step": true, "optimizer": null, "details": {}}',
    "a step below zero": '{"step": -1, "optimizer": null, "details": {}}',
    "details that are a list": '{"step": 1, "optimizer": null, "details": []}',
    "an optimizer that is a text": '{"step": 1, "optimizer": "x", "details": {}}',
    "a number of 5000 digits": '{"step": %s, "optimizer": null, "details": {}}' % ("1" * 5000),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_is_none(tmp_path, tally, case):
    path = tmp_path / "last"
    path.write_bytes(save({"model.a": torch.zeros(2)}, metadata={KEY: HEADERS[case]}))
    refuse(lambda: load_checkpoint(path), path, tally)


OTHERS = {
    "another key": lambda t: {**t, "2.weight": torch.zeros(1)},
    "a missing key": lambda t: {k: v for k, v in t.items() if k != "0.bias"},
    "another name": lambda t: {k.replace("0.", "zero."): v for k, v in t.items()},
    "another shape": lambda t: t | {"0.weight": torch.zeros(4, 4)},
    "turned": lambda t: t | {"0.weight": torch.zeros(3, 4)},
    "one number for all": lambda t: t | {"0.bias": torch.zeros(())},
    "float64": lambda t: t | {"0.weight": t["0.weight"].double()},
    "float16": lambda t: t | {"0.weight": t["0.weight"].half()},
    "integers": lambda t: t | {"0.weight": t["0.weight"].long()},
    "True and False": lambda t: t | {"0.weight": t["0.weight"].bool()},
}


@pytest.mark.parametrize("case", OTHERS)
def test_tensors_that_do_not_fit(tmp_path, tally, model, case):
    path, before = tmp_path / "last", {k: v.clone() for k, v in model.state_dict().items()}
    tensors = {f"model.{k}": v for k, v in OTHERS[case](before).items()}
    header = {"step": 0, "optimizer": None, "details": {}}
    path.write_bytes(save(tensors, metadata={KEY: json.dumps(header)}))
    refuse(lambda: load_checkpoint(path).restore(model), path, tally)
    assert all(v.equal(before[k]) for k, v in model.state_dict().items())
