"""Draw links to the PDF and the zip where the publishing workflow puts them beside the site.

Text under `{only} downloads` is shown when `COURSE_DOWNLOADS` is set in the environment, and left
out elsewhere: a page never links what is not there.
"""

from __future__ import annotations

import os
from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Set the tag before any page is read."""
    if os.environ.get("COURSE_DOWNLOADS"):
        app.tags.add("downloads")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
