import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.site
PATIENCE_MS = 60_000  # JupyterLab and its kernel start slowly on a busy machine
CELLS = (
    "from txlib.widgets import PredictFirst, UnrolledNetwork\nnet = UnrolledNetwork(6)\nnet",
    'question = PredictFirst("why?", ["a", "b"], "b", "so")\nquestion',
    # says what Python hears when it hears it: a cell that prints may overtake the page's last word
    """from ipywidgets import Label
heard = Label()
def tell(_):
    heard.value = f"heard {net.step} {net.source} {question.choice} {question.committed}"
net.observe(tell)
question.observe(tell)
heard""",
    "net.step = 5\nquestion.choice = 1",
    "net",
)


def wait_for(address: str) -> None:
    for _ in range(120):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.5)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """A running JupyterLab that knows nothing of its user, with a notebook of widgets open."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python",
        "language": "python",
    }
    nbformat.write(notebook, tmp_path / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--IdentityProvider.token=t", f"--ServerApp.root_dir={tmp_path}"]
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token=t")
            yield f"http://127.0.0.1:{port}/lab/tree/live.ipynb?token=t"
        finally:
            server.terminate()
            server.wait(timeout=60)


def test_traits_stay_in_step_both_ways(browser: Browser, lab: str):
    context = browser.new_context(viewport={"width": 1100, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(lab)
    network, question = page.locator(".tx-unrolled"), page.locator(".tx-predict")
    heard = page.locator(".widget-label")
    page.get_by_text(re.compile(r"\| Idle")).wait_for()
    page.locator(".jp-CodeCell .cm-content").first.click()
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    expect(network).to_have_count(1, timeout=PATIENCE_MS)
    expect(question).to_have_count(1, timeout=PATIENCE_MS)
    expect(heard).to_have_count(1, timeout=PATIENCE_MS)

    network.get_by_role("button", name="Step", exact=True).click()
    page.keyboard.press("ArrowRight")  # the page's own shortcuts must not take it
    expect(network.locator("output")).to_have_text("Step 2 of 6")
    network.locator(".tx-inputs button").nth(3).click()
    question.get_by_text("a", exact=True).click()
    question.get_by_role("button").click()
    expect(question.locator(".tx-result")).to_contain_text("Not this time")
    expect(heard).to_have_text("heard 2 3 0 True", timeout=PATIENCE_MS)  # page to Python

    page.locator(".jp-CodeCell .cm-content").nth(3).click()
    page.keyboard.press("Shift+Enter")
    output, result = network.locator("output"), question.locator(".tx-result")
    expect(output).to_have_text("Step 5 of 6", timeout=PATIENCE_MS)  # Python to page
    expect(result).to_contain_text("You saw it coming.", timeout=PATIENCE_MS)
    page.keyboard.press("Shift+Enter")
    expect(network).to_have_count(2, timeout=PATIENCE_MS)
    network.nth(1).get_by_role("button", name="Restart").click()
    for view in range(2):  # one model, two views
        expect(network.nth(view).locator("output")).to_have_text("Step 0 of 6")
    context.close()
