"""Give the widgets of an executed notebook ids that do not change from run to run."""

import copy
import hashlib
import json
import re
from typing import Any

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
REFERENCE = re.compile(r'"(?:IPY_MODEL_|anywidget:)([^"\\]+)"')


def stable_ids(notebook: dict[str, Any]) -> dict[str, Any]:
    """`notebook` with its widget models renamed by order of appearance.

    A kernel draws model ids at random, so that two runs of the same notebook differ in every
    widget. Here the n-th model that an output shows, or that a shown model refers to, gets an id
    that depends on n alone. Models that nothing shows are dropped.

    Args:
        notebook: an nbformat 4 notebook as a dict (or NotebookNode), with outputs.

    Returns:
        A changed copy; an equal copy where the notebook holds no widget state.
    """
    notebook = copy.deepcopy(notebook)
    stored = notebook["metadata"].get("widgets", {}).get(STATE)
    if not stored:
        return notebook
    bundles = [
        output["data"][VIEW]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    models = stored["state"]
    order = _reachable(models, [bundle["model_id"] for bundle in bundles])
    renamed = {old: _name(position) for position, old in enumerate(order)}
    stored["state"] = {renamed[old]: _rename(models[old], renamed) for old in order}
    for bundle in bundles:
        bundle["model_id"] = renamed.get(bundle["model_id"], bundle["model_id"])
    return notebook


def _reachable(models: dict[str, Any], roots: list[str]) -> list[str]:
    order: list[str] = []
    waiting = list(reversed(roots))
    while waiting:
        model_id = waiting.pop()
        if model_id in models and model_id not in order:
            order.append(model_id)
            waiting += reversed(REFERENCE.findall(json.dumps(models[model_id])))
    return order


def _name(position: int) -> str:
    return hashlib.sha256(f"widget {position}".encode()).hexdigest()[:32]


def _rename(model: Any, renamed: dict[str, str]) -> Any:
    def put(match: re.Match[str]) -> str:
        return match[0].replace(match[1], renamed.get(match[1], match[1]))

    return type(model)(json.loads(REFERENCE.sub(put, json.dumps(model))))
