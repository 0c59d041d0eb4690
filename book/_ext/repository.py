"""Tell the theme the repository's public address, where there is one.

No address is written into this project: any fork works. The publishing workflow sets
`COURSE_REPOSITORY` and, where the notebooks live on another branch than main, `COURSE_BRANCH`.
Elsewhere the checkout's own remote is used if it is on GitHub. Without an address the pages simply
have no Colab button.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def public_address(folder: str) -> str | None:
    """The repository's GitHub address as https, or None where it has none."""
    if stamped := os.environ.get("COURSE_REPOSITORY"):
        return stamped.removesuffix("/").removesuffix(".git")
    command = ["git", "-C", folder, "remote", "get-url", "origin"]
    try:
        remote = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    host, name = r"(?:https://|(?:ssh://)?git@)github\.com[/:]", r"([^/]+)/([^/]+?)(?:\.git)?/?"
    match = re.fullmatch(host + name, remote)
    return f"https://github.com/{match[1]}/{match[2]}" if match else None


def stamp(app: Sphinx, config: Config) -> None:
    """Give the theme the address; it draws the Colab button from it."""
    options = config.html_theme_options
    if address := public_address(app.srcdir):
        options["repository_url"] = address
        options["repository_branch"] = os.environ.get("COURSE_BRANCH", "main")
    else:
        options["launch_buttons"] = {}


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before the theme reads its options."""
    app.connect("config-inited", stamp, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
