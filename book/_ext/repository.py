"""Tell the theme the repository's public address, where there is one.

No address is written into this project: any fork works. The publishing workflow sets
`COURSE_REPOSITORY` and, where the notebooks live on another branch than main, `COURSE_BRANCH`.
Elsewhere the checkout's own remote is used. Without an address on GitHub, where Colab looks, no
page has a Colab button; with one, the chapters have it: other pages install nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

CHAPTERS = "chapters/"
HOST, NAME = r"(?:https://|(?:ssh://)?git@)github\.com[/:]", r"([^/]+)/([^/]+?)(?:\.git)?/?"


def public_address(folder: str) -> str | None:
    """The repository's GitHub address as https, or None where it has none."""
    remote = os.environ.get("COURSE_REPOSITORY")
    if not remote:
        command = ["git", "-C", folder, "remote", "get-url", "origin"]
        try:
            asked = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        remote = asked.stdout.strip()
    match = re.fullmatch(HOST + NAME, remote)
    return f"https://github.com/{match[1]}/{match[2]}" if match else None


def stamp(app: Sphinx, config: Config) -> None:
    """Give the theme the address; it draws the Colab button from it."""
    options = config.html_theme_options
    if address := public_address(app.srcdir):
        options["repository_url"] = address
        options["repository_branch"] = os.environ.get("COURSE_BRANCH", "main")
    else:
        options["launch_buttons"] = {}


def keep_to_chapters(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Take the Colab button from pages that are no chapters."""
    if not pagename.startswith(CHAPTERS):
        buttons = context.get("header_buttons", [])
        buttons[:] = [button for button in buttons if button.get("label") != "launch-buttons"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before the theme reads its options, and after it has drawn its buttons."""
    app.connect("config-inited", stamp, priority=100)
    app.connect("html-page-context", keep_to_chapters, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
