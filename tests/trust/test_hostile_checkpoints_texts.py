"""Vocabularies and records that are none, and a library that runs nothing of what it reads."""

import ast
import json
from pathlib import Path

import pytest
import torch
from hostile_files import GOOD, refuse, save_translator

from txlib.data.byte_pair import BytePairTokenizer
from txlib.recipes import records
from txlib.recipes.records import load_record, new_record, write_record
from txlib.recipes.translator import load_translator

AREA = "data: a hostile checkpoint, record or vocabulary"
LIBRARY = Path(__file__).parents[2] / "txlib"
DEEP = "[" * 100_000


TEXTS = {
    "nothing": b"",
    "no JSON": b"no",
    "no text": b"\xff\xfe\x00",
    "nested deeply": DEEP.encode(),
    "a list": b"[]",
    "a number": b"7",
    "a pickle": b"cos\nsystem\n(S'echo run'\ntR.",
    "no tokens": b"{}",
    "tokens that are a number": b'{"tokens": 5}',
    "tokens that are a dict": b'{"tokens": {"<pad>": 0}}',
    "tokens that are numbers": b'{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", 5, NaN]}',
    "other special tokens": b'{"tokens": ["<s>", "<bos>", "<eos>", "<unk>", "a", "b"]}',
    "a token twice": b'{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", "a", "a"]}',
    "a special token twice": b'{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", "a", "<eos>"]}',
    "a token too few": b'{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", "a"]}',
    "half": b'{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", "a',
}


@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("case", TEXTS)
def test_a_vocabulary_that_is_none(tmp_path, tally, case, kind):
    save_translator(tmp_path, GOOD | {"tokenizer": kind})
    (tmp_path / "source.json").write_bytes(TEXTS[case])
    refuse(lambda: load_translator(tmp_path), tmp_path / "source.json", tally)


def test_vocabularies_that_changed_places(tmp_path, tally):
    save_translator(tmp_path, GOOD)
    source, target = tmp_path / "source.json", tmp_path / "target.json"
    one, other = source.read_bytes(), target.read_bytes()
    source.write_bytes(other)
    target.write_bytes(one)
    refuse(lambda: load_translator(tmp_path), source, tally)


def test_a_byte_pair_tokenizer_cut_off_or_changed_anywhere(tally, effort):
    good = BytePairTokenizer.train(["a cat sees a dog"] * 3, vocab_size=265).to_json()
    assert len(BytePairTokenizer.from_json(good)) == 265
    for cut in range(0, len(good) - 1, len(good) // effort(12, 200)):
        with pytest.raises(ValueError, match="text must be a byte-pair tokenizer's JSON"):
            BytePairTokenizer.from_json(good[:cut])
        tally(AREA)
    for kind in ("WordPiece", "Unigram", "WordLevel", "Evil"):
        with pytest.raises(ValueError, match="text must be a byte-pair tokenizer's JSON"):
            BytePairTokenizer.from_json(good.replace('"BPE"', f'"{kind}"'))
        tally(AREA)


RECORDS = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "nested deeply": DEEP.encode(),
    "nested deeply inside": b'{"command": ' + DEEP.encode(),
    "a list of the fields": json.dumps(records.REQUIRED).encode(),
    "a text of the fields": json.dumps(" ".join(records.REQUIRED)).encode(),
    "a number": b"7",
    "no field": b"{}",
    "NaN": b'{"command": NaN}',
    "infinity": b'{"command": -Infinity}',
    "a number of 5000 digits": b'{"command": ' + b"1" * 5000 + b"}",
    "a pickle": b"cos\nsystem\n(S'echo run'\ntR.",
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_that_is_none(tmp_path, monkeypatch, tally, case):
    monkeypatch.setattr(records, "FOLDERS", (tmp_path,))
    (tmp_path / "x.json").write_bytes(RECORDS[case])
    refuse(lambda: load_record("x"), tmp_path / "x.json", tally)


def test_a_record_cut_off_anywhere(tmp_path, monkeypatch, tally):
    monkeypatch.setattr(records, "FOLDERS", (tmp_path,))
    record = new_record("python x", torch.device("cpu"), seeds=[0], results={"a": [1.5, "é"]})
    write_record(tmp_path / "x.json", record)
    good = (tmp_path / "x.json").read_bytes().strip()
    for cut in range(len(good)):
        (tmp_path / "x.json").write_bytes(good[:cut])
        refuse(lambda: load_record("x"), tmp_path / "x.json", tally)


FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("torch", "load"), ("np", "load"), ("numpy", "load"), ("yaml", "load")}


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("*.py")), ids=lambda p: str(p.relative_to(LIBRARY))
)
def test_the_library_has_nothing_that_runs_what_it_reads(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").partition(".")[0]]
        assert not FORBIDDEN_MODULES & set(names), f"{path}:{node.lineno}"
        if isinstance(node, ast.Call):
            call = node.func
            if isinstance(call, ast.Name):
                assert call.id not in FORBIDDEN_CALLS, f"{path}:{node.lineno}"
            elif isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name):
                assert (call.value.id, call.attr) not in FORBIDDEN_METHODS, f"{path}:{node.lineno}"
            if any(word.arg == "shell" for word in node.keywords):
                pytest.fail(f"{path}:{node.lineno} starts a shell")
