import json
import re
import subprocess
from datetime import datetime

import pytest
import torch

from txlib.recipes import records
from txlib.recipes.records import load_record, new_record, portable_command, write_record

CPU = torch.device("cpu")


@pytest.fixture
def record():
    return new_record("python -m txlib.recipes.x", CPU, seeds=(0, 1), results={"bleu": 12.5})


@pytest.fixture
def folders(tmp_path, monkeypatch):
    folders = (tmp_path / "wheel", tmp_path / "checkout")
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(records, "FOLDERS", folders)
    return folders


def test_a_record_holds_what_and_where_and_when(record):
    assert set(record) == set(records.REQUIRED)
    assert record["seeds"] == [0, 1]
    assert record["results"] == {"bleu": 12.5}
    assert record["device"].startswith("CPU, ")
    assert record["versions"]["torch"] == torch.__version__
    assert datetime.fromisoformat(record["date"]).utcoffset().total_seconds() == 0
    assert record["commit"] is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", record["commit"])


def git(folder, *words):
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


def test_the_commit_says_whether_the_library_differs_from_it(tmp_path, monkeypatch, record):
    package = tmp_path / "txlib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(records, "PACKAGE", package)
    git(tmp_path, "init", "-q")
    assert records._commit() is None  # inside a repository that does not know it
    git(tmp_path, "add", "txlib")
    git(tmp_path, "commit", "-q", "-m", "x")
    assert re.fullmatch("[0-9a-f]{40}", records._commit())
    (package / "__init__.py").write_text("changed = True")
    assert re.fullmatch("[0-9a-f]{40}-dirty", records._commit())
    monkeypatch.setenv("PATH", "")
    assert records._commit() is None  # no git on this machine


def test_written_and_loaded(folders, record):
    record["results"]["text"] = "d'été"
    write_record(folders[1] / "sub.run.json", record)
    assert load_record("sub.run") == load_record("sub.run.json") == record
    assert "d'été" in (folders[1] / "sub.run.json").read_text("utf-8")


def test_the_installed_record_comes_first(folders, record):
    write_record(folders[1] / "run.json", record)
    write_record(folders[0] / "run.json", record | {"seeds": [7]})
    assert load_record("run")["seeds"] == [7]


def test_commands_lose_the_paths_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["python", "--out", str(tmp_path / "runs" / "a b"), "--record=/somewhere/else/r.json"]
    assert portable_command([*words, "--seed", "3"]) == (
        "python --out 'runs/a b' --record=r.json --seed 3"
    )
    assert portable_command(["--out", "~/runs/x"]) == "--out x"


@pytest.mark.parametrize(
    "text", ["/home/someone/x", "made in /tmp/folder/x", "--out='/a/b'", "~/runs", "C:\\Users"]
)
def test_a_path_of_this_machine_is_refused(tmp_path, record, text):
    record["results"] = {"deep": [{"inside": text}]}
    with pytest.raises(ValueError, match="record must not hold a path of this machine, got "):
        write_record(tmp_path / "x.json", record)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["runs/x", "1 / 2", "tokens/s", "https://example.org/a/b", "a/b"])
def test_what_only_looks_like_a_path_is_kept(tmp_path, record, text):
    write_record(tmp_path / "x.json", record | {"results": text})
    assert json.loads((tmp_path / "x.json").read_text())["results"] == text


def test_errors(tmp_path, folders, record):
    path = tmp_path / "x.json"
    with pytest.raises(ValueError, match=r"must have the fields .*got none of \['commit', 'seeds'"):
        write_record(path, {k: v for k, v in record.items() if k not in ("commit", "seeds")})
    with pytest.raises(ValueError, match=r"record must be what JSON can hold, got .*nan"):
        write_record(path, record | {"results": float("nan")})
    with pytest.raises(ValueError, match=r"record must be what JSON can hold, got .*set"):
        write_record(path, record | {"results": {1j}})
    assert not path.exists()
    write_record(folders[0] / "one.json", record)
    write_record(folders[1] / "two.json", record)
    with pytest.raises(FileNotFoundError, match=r"no record 'three'; there are \['one', 'two'\]"):
        load_record("three")
    with pytest.raises(FileNotFoundError, match="no record"):
        load_record("../checkout/two")
    (folders[0] / "bad.json").write_text("{")
    with pytest.raises(ValueError, match=r"the record .*bad.json must be JSON"):
        load_record("bad")
    (folders[0] / "bad.json").write_text('{"command": ""}')
    with pytest.raises(
        ValueError, match=r"the record .*bad.json must have the fields .*lacks \['commit"
    ):
        load_record("bad")
