"""What the recipes' records, their tables, and the start of a chapter may be given."""

import functools
import tempfile
from pathlib import Path

import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, is_number, junk, made, number, one_of, text, whole
from recipes_parts import CPU, PAIRS, TRANSLATOR, only, text_pairs, texts, told, wholes
from sheets import Sheet

from txlib.chapter import start_chapter
from txlib.recipes import (
    records,
    so_far,
    speed_table,
    translation_data,
    translation_evaluation,
    trust,
)
from txlib.training import History

RECORD = records.load_record("attention_speed")
LSTM = records.load_record("translation_grammar_lstm")
RUNS = LSTM["results"]["runs"]
BINS = RUNS[0]["scores"]["test"]["by_length"]


def some_path():
    """Where nothing can be written, or not a path at all."""
    return Kind(junk().filter(lambda v: not isinstance(v, str)) | st.just("a\0b"), lambda v: False)


@functools.wraps(records.write_record)
def write_somewhere(path, record):
    if not isinstance(path, str) or path != "here":
        return records.write_record(path, record)
    with tempfile.TemporaryDirectory() as folder:
        return records.write_record(Path(folder) / "record.json", record)


def any_name():
    return Kind(junk() | any_text(6), lambda v: False)


def margins(name):
    return speed_table.margins(name)


SHEETS = {
    "records.new_record": Sheet(
        call=records.new_record,
        good=lambda: {"command": "x", "device": CPU, "seeds": [0], "results": {}},
        kinds={
            "command": text(),
            "device": made(lambda v: isinstance(v, torch.device), lambda: CPU),
            "seeds": wholes(None, [0, 5]),
            "results": Kind(junk(), lambda v: True),
        },
    ),
    "records.portable_command": Sheet(
        call=records.portable_command,
        good=lambda: {"words": ["a"]},
        kinds={
            "words": texts()
            | Kind(
                st.lists(any_text(6) | st.sampled_from(["~nobody/x", "/a/b", "--a=/b/c", "~"])),
                lambda v: isinstance(v, list) and all(isinstance(word, str) for word in v),
            )
        },
    ),
    "records.write_record": Sheet(
        call=write_somewhere,
        good=lambda: {"path": "here", "record": RECORD},
        kinds={
            "path": some_path(),
            "record": made(
                lambda v: v is RECORD,
                lambda: RECORD,
                lambda: RECORD | {"results": float("nan")},
                lambda: RECORD | {"results": {1, 2}},
                lambda: RECORD | {"command": "/secret/place"},
            ),
        },
    ),
    "records.load_record": Sheet(
        call=told(records.load_record),
        good=lambda: {"name": "attention_speed"},
        kinds={"name": any_name()},
        says={"name": ("there is no record",)},
    ),
    "so_far.translator_so_far": Sheet(
        call=so_far.translator_so_far, good=lambda: {"chapter": 2}, kinds={"chapter": whole(1)}
    ),
    "so_far.summarise": Sheet(
        call=so_far.summarise,
        good=lambda: {"runs": RUNS},
        kinds={"runs": only(RUNS, [], [{}], [None])},
    ),
    "so_far.long_bleu": Sheet(
        call=so_far.long_bleu,
        good=lambda: {"bins": BINS},
        kinds={"bins": only(BINS, [], BINS[:1], [None], [{}])},
    ),
    "speed_table.aims_table": Sheet(
        call=told(speed_table.aims_table),
        good=lambda: {"name": "attention_speed"},
        kinds={"name": any_name()},
        says={"name": ("there is no record",)},
    ),
    "speed_table.margins": Sheet(
        call=told(margins),
        good=lambda: {"name": "attention_speed"},
        kinds={"name": any_name()},
        says={"name": ("there is no record",)},
    ),
    "speed_table.find_record": Sheet(
        call=told(speed_table.find_record),
        good=lambda: {"name": "attention_speed"},
        kinds={"name": any_name()},
        says={"name": ("there is no record",)},
    ),
    "speed_table.aims_of": Sheet(
        call=speed_table.aims_of,
        good=lambda: {"name": "attention_speed", "record": RECORD},
        kinds={
            "name": text(),
            "record": made(lambda v: v is None or v is RECORD, lambda: RECORD, lambda: LSTM),
        },
    ),
    "speed_table.provenance": Sheet(
        call=speed_table.provenance,
        good=lambda: {"record": RECORD},
        kinds={"record": only(RECORD, {"command": "x"})},
    ),
    "speed_table.short": Sheet(
        call=speed_table.short,
        good=lambda: {"number": 1.0},
        kinds={
            "number": Kind(
                number(lambda v: True).values, lambda v: True if is_number(v) else None
            )
        },
    ),
    "trust.section_of": Sheet(
        call=trust.section_of,
        good=lambda: {"area": "a: b"},
        kinds={"area": text(lambda v: bool(v.partition(": ")[0] and v.partition(": ")[2]))},
    ),
    "trust.trust_table": Sheet(
        call=trust.trust_table,
        good=lambda: {"section": "data"},
        kinds={"section": one_of(trust.LIBRARY, *trust.PARTS)},
    ),
    "chapter.start_chapter": Sheet(
        call=start_chapter, good=lambda: {"seed": 0}, kinds={"seed": whole(0, 2**63 - 1)}
    ),
    "translation_evaluation.evaluate": Sheet(
        call=translation_evaluation.evaluate,
        good=lambda: {"translator": TRANSLATOR, "pairs": PAIRS, "edges": (1, 50)},
        kinds={
            "translator": only(TRANSLATOR),
            "pairs": text_pairs(1),
            "edges": Kind(
                only((1, 50), (1,), (5, 1), (9, 50), ("a", "b")).values,
                lambda v: None if wholes().lawful(v) else False,
            ),
        },
        says={"edges": ("lengths",)},
    ),
    "translation_evaluation.samples": Sheet(
        call=translation_evaluation.samples,
        good=lambda: {"translator": TRANSLATOR, "pairs": PAIRS, "count": 2},
        kinds={"translator": only(TRANSLATOR), "pairs": text_pairs(), "count": whole(0)},
    ),
    "translation_evaluation.thin": Sheet(
        call=translation_evaluation.thin,
        good=lambda: {"history": History(), "points": 3},
        kinds={
            "history": made(lambda v: isinstance(v, History), History),
            "points": whole(1),
        },
    ),
    "translation_evaluation.table": Sheet(
        call=translation_evaluation.table,
        good=lambda: {"runs": RUNS},
        kinds={"runs": made(lambda v: v is RUNS or (isinstance(v, list) and not v),
                            lambda: RUNS, lambda: [{}], lambda: [None])},
    ),
    "translation_data.train_tokenizer": Sheet(
        call=translation_data.train_tokenizer,
        good=lambda: {"kind": "word", "texts": ["a b"], "min_count": 1, "vocab_size": 300},
        kinds={
            "kind": one_of("word"), "texts": texts(), "min_count": whole(1),
            "vocab_size": Kind(junk(), lambda v: None),
        },
    ),
}  # fmt: skip
