"""A folder becomes all that a branch of a remote holds."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".github" / "push_folder.sh"


def git(*arguments):
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def remote(tmp_path):
    git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    return tmp_path / "remote.git"


@pytest.fixture
def push(tmp_path, remote):
    def run(message, remote=remote):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = [SCRIPT, "folder", "colab", remote, message]
        return subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True)

    return run


def test_the_branch_holds_the_folder_and_nothing_older(tmp_path, remote, push):
    chapters = tmp_path / "folder" / "chapters"
    chapters.mkdir(parents=True)
    (chapters / "01_one.ipynb").write_text("one")
    (tmp_path / "folder" / ".gitignore").write_text("*\n")  # a folder's own rules hide nothing
    assert push("first").stdout == "colab holds 2 files now\n"
    first = git("-C", str(remote), "rev-parse", "colab")
    assert push("first again").stdout == "colab holds these files already\n"
    assert git("-C", str(remote), "rev-parse", "colab") == first

    (chapters / "01_one.ipynb").rename(chapters / "02_two.ipynb")
    assert push("second").stdout == "colab holds 2 files now\n"
    names = git("-C", str(remote), "ls-tree", "-r", "--name-only", "colab").split()
    assert names == [".gitignore", "chapters/02_two.ipynb"]
    assert git("-C", str(remote), "log", "--format=%s", "colab") == "second\n"


def test_a_remote_that_cannot_be_reached_is_an_error(tmp_path, push):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("a")
    done = push("never", remote=tmp_path / "nowhere.git")
    assert done.returncode != 0
    assert "nowhere.git" in done.stderr
