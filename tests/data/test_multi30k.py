import gzip
import hashlib
import subprocess
import sys

import pytest

from txlib.data import multi30k
from txlib.data.download import DataError

ENGLISH = "A dog runs.\nTwo men talk.\n\nThe end\N{LINE SEPARATOR}is near.\n"
FRENCH = "Un chien court. \nDeux hommes parlent.\nRien.\n L'été vient.\n"


@pytest.fixture
def small(monkeypatch):
    """The two files of a four-line validation split, whose hashes the module then expects."""
    return expect(monkeypatch, ENGLISH, FRENCH)


def expect(monkeypatch, english, french):
    files = {
        f"val.{language}.gz": gzip.compress(text.encode(), mtime=0)
        for language, text in (("en", english), ("fr", french))
    }
    for name, content in files.items():
        monkeypatch.setitem(multi30k.SHA256, name, hashlib.sha256(content).hexdigest())
    return files


def serve(server, reply, files):
    server.replies |= {f"/{name}": [reply(content)] for name, content in files.items()}


def test_pairs_by_hand(server, reply, small, tmp_path):
    serve(server, reply, {f"raw/{name}": content for name, content in small.items()})
    pairs = multi30k.load("validation", root=tmp_path, base_url=f"{server.url}/raw/")
    assert pairs == [
        ("A dog runs.", "Un chien court."),
        ("Two men talk.", "Deux hommes parlent."),
        ("", "Rien."),
        ("The end\N{LINE SEPARATOR}is near.", "L'été vient."),
    ]
    assert sorted(p.name for p in (tmp_path / "multi30k").iterdir()) == sorted(small)
    assert server.requests == ["/raw/val.en.gz", "/raw/val.fr.gz"]


def test_the_variable_names_the_cache(server, reply, small, tmp_path, monkeypatch):
    serve(server, reply, small)
    monkeypatch.setenv("TXLIB_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(multi30k, "BASE_URL", server.url)
    assert len(multi30k.load("validation")) == 4
    assert (tmp_path / "elsewhere" / "multi30k" / "val.fr.gz").exists()


@pytest.mark.parametrize(
    ("split", "size", "first"),
    [
        ("train", 29000, "Two young, White males are outside near many bushes."),
        ("validation", 1014, "A group of men are loading cotton onto a truck"),
        ("test", 1000, "A man in an orange hat starring at something."),
    ],
)
def test_real_corpus(real_data, split, size, first):
    pairs = multi30k.load(split, root=real_data, base_url="http://127.0.0.1:1")
    assert len(pairs) == size
    assert pairs[0][0] == first
    assert all(english and french for english, french in pairs)


def test_a_hash_is_checked_before_a_file_is_opened(server, reply, small, tmp_path, monkeypatch):
    (tmp_path / "multi30k").mkdir()
    damaged = tmp_path / "multi30k" / "val.fr.gz"
    damaged.write_bytes(small["val.fr.gz"][:-9])
    serve(server, reply, {"val.en.gz": small["val.en.gz"]})
    monkeypatch.setattr("gzip.decompress", lambda _: pytest.fail("opened an unchecked file"))
    with pytest.raises(DataError, match=r"val\.fr\.gz is damaged"):
        multi30k.load("validation", root=tmp_path, base_url=server.url)
    assert damaged.exists()


def test_missing_on_the_server(server, small, tmp_path):
    with pytest.raises(DataError, match=r"(?s)multi30k/val.en.gz.*404.*TXLIB_DATA"):
        multi30k.load("validation", root=tmp_path, base_url=server.url)


def test_languages_of_unequal_length(server, reply, tmp_path, monkeypatch):
    serve(server, reply, expect(monkeypatch, "One.\nTwo.\n", "Un.\nDeux.\nTrois.\n"))
    with pytest.raises(DataError, match="as many lines as each other, got 2 and 3"):
        multi30k.load("validation", root=tmp_path, base_url=server.url)


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match=r"split must be one of \('train', .*, got 'val'"):
        multi30k.load("val", root=tmp_path)


def test_import_is_light():
    code = (
        "import sys, txlib.data.multi30k; "
        "assert not {'torch', 'numpy', 'tqdm', 'platformdirs'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
