"""The cells of the page that the browser tests open. A line `# %%` starts a cell."""
# ruff: noqa: B018  (a last expression is what a cell shows)

# %%
import ipywidgets
from strangers import (
    BrokenBare,
    BrokenImport,
    BrokenRender,
    Bytes,
    Counter,
    Foreign,
    NeverReady,
    Parent,
)

from txlib.widgets import PredictFirst, UnrolledNetwork

# %%
question = PredictFirst(
    "What does `softmax` give for <b>equal</b> scores? </script><!--<script>",
    ["zeros", "`1/n` each", "<img src=x onerror=window.hacked=1>"],
    1,
    "The weights are positive, equal, and sum to 1.",
)
question

# %%
question

# %%
UnrolledNetwork(num_tokens=6, kernel_size=2, source=1, target=4)

# %%
UnrolledNetwork(
    ["the", "<img src=x onerror=window.hacked=1>", "翻译机器", "Donaudampfschifffahrt"] * 6
)

# %%
UnrolledNetwork(1)

# %%
counter = Counter()
counter

# %%
counter

# %%
Bytes()

# %%
Parent(child=f"IPY_MODEL_{counter.model_id}")

# %%
BrokenImport()

# %%
BrokenRender()

# %%
NeverReady()

# %%
Foreign()

# %%
BrokenBare()

# %%
ipywidgets.IntSlider(3)
