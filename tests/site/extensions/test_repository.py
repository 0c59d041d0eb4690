import subprocess

import pytest

ADDRESS = "https://github.com/somebody/course"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Makes a checkout with the given remote, and no address in the environment."""
    monkeypatch.delenv("COURSE_REPOSITORY", raising=False)

    def make(remote: str | None) -> str:
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        if remote:
            command = ["git", "-C", tmp_path, "remote", "add", "origin", remote]
            subprocess.run(command, check=True)
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    "remote",
    [ADDRESS, f"{ADDRESS}.git", f"{ADDRESS}/", "git@github.com:somebody/course.git"],
)
def test_remotes_on_github_give_the_address(load, checkout, remote):
    assert load("repository").public_address(checkout(remote)) == ADDRESS


@pytest.mark.parametrize(
    "remote",
    [
        None,
        "https://gitlab.com/somebody/course.git",
        "https://github.com.example.org/somebody/course",
        "https://github.com/somebody",
        "git@example.org:somebody/course.git",
        "/srv/git/course.git",
    ],
)
def test_other_remotes_give_no_address(load, checkout, remote):
    assert load("repository").public_address(checkout(remote)) is None


def test_a_folder_without_git_gives_no_address(load, checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert load("repository").public_address(str(tmp_path)) is None
    monkeypatch.setenv("PATH", "")
    assert load("repository").public_address(str(tmp_path)) is None


@pytest.mark.parametrize("stamped", [ADDRESS, f"{ADDRESS}.git", f"{ADDRESS}/"])
def test_the_environment_has_the_first_word(load, checkout, monkeypatch, stamped):
    monkeypatch.setenv("COURSE_REPOSITORY", stamped)
    folder = checkout("git@github.com:another/fork.git")
    assert load("repository").public_address(folder) == ADDRESS


@pytest.mark.parametrize("stamped", ["https://git.example.org/somebody/course", "course"])
def test_an_address_that_colab_cannot_read_is_none(load, checkout, monkeypatch, stamped):
    monkeypatch.setenv("COURSE_REPOSITORY", stamped)
    assert load("repository").public_address(checkout(ADDRESS)) is None


def test_without_an_address_there_is_no_colab_button(private_book):
    for page in ("index.html", "chapters/01_one.html"):
        assert "colab" not in (private_book / page).read_text(encoding="utf-8").lower()


def test_with_an_address_chapters_open_on_colab(small_book, build, read, tmp_path):
    folder = small_book(tmp_path)
    assert build(folder, COURSE_REPOSITORY=f"{ADDRESS}.git", COURSE_BRANCH="published") == ""
    (link,) = read(folder / "html" / "chapters" / "01_one.html").select('a[href*="colab"]')
    wanted = "https://colab.example/github/somebody/course/blob/published/chapters/01_one.ipynb"
    assert link["href"] == wanted


def test_a_notebook_that_is_no_chapter_has_no_colab_button(small_book, build, read, tmp_path):
    folder = small_book(tmp_path)
    (folder / "book").mkdir()
    (folder / "chapters" / "01_one.ipynb").rename(folder / "book" / "speed.ipynb")
    contents = "# Start\n\n```{toctree}\nbook/speed\n```\n"
    (folder / "index.md").write_text(contents, encoding="utf-8")
    assert build(folder, COURSE_REPOSITORY=ADDRESS) == ""
    page = read(folder / "html" / "book" / "speed.html")
    assert page.select('a[href*="colab"]') == []
    assert page.select("button.btn-fullscreen-button, .dropdown-download-buttons") != []
