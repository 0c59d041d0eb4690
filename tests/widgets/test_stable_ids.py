import copy
import json

from txlib.widgets.stable_ids import STATE, VIEW, stable_ids


def notebook(view: str, child: str, unseen: str) -> dict:
    """One widget shown twice, which refers to a child, beside one that nothing shows."""
    output = {"output_type": "display_data", "metadata": {}, "data": {VIEW: {"model_id": view}}}
    models = {
        unseen: {"state": {"x": 1}},
        child: {"state": {"y": view}},  # the bare id is data, not a reference
        view: {"state": {"layout": f"IPY_MODEL_{child}", "also": [f"anywidget:{child}"]}},
    }
    return {
        "metadata": {"widgets": {STATE: {"version_major": 2, "state": models}}},
        "cells": [
            {"cell_type": "markdown"},
            {"outputs": [output, copy.deepcopy(output)]},
            {"outputs": [{"output_type": "stream", "text": "a"}]},
        ],
    }


def test_two_runs_become_one():
    one, other = notebook("1a", "2b", "3c"), notebook("zz", "yy", "xx")
    one["metadata"]["widgets"][STATE]["state"]["2b"] = {"state": {}}
    other["metadata"]["widgets"][STATE]["state"]["yy"] = {"state": {}}
    assert json.dumps(stable_ids(one)) == json.dumps(stable_ids(other))


def test_references_follow_and_the_unseen_goes():
    before = notebook("1a", "2b", "3c")
    kept = copy.deepcopy(before)
    after = stable_ids(before)
    assert before == kept
    models = after["metadata"]["widgets"][STATE]["state"]
    shown = [output["data"][VIEW]["model_id"] for output in after["cells"][1]["outputs"]]
    view, child = models
    assert shown == [view, view]
    assert models[view]["state"] == {"layout": f"IPY_MODEL_{child}", "also": [f"anywidget:{child}"]}
    assert models[child]["state"] == {"y": "1a"}
    assert len({view, child}) == 2
    assert stable_ids(after) == after


def test_without_widgets_nothing_changes():
    plain = {"metadata": {}, "cells": [{"outputs": []}]}
    assert stable_ids(plain) == plain
