from pathlib import Path

import pytest

from txlib.models import TransformerConfig
from txlib.recipes.translation_options import PRESETS, commands, model_options, parse
from txlib.recurrent import Seq2SeqConfig


def test_presets_fill_in_what_is_not_given():
    args = parse(["--data", "multi30k", "--hidden-size", "9", "--seeds", "3", "1"])
    assert args.hidden_size == 9
    assert args.dropout == PRESETS["multi30k"]["dropout"]
    assert args.seeds == [3, 1]
    assert args.out == Path("runs/multi30k_lstm")
    assert parse([]).dropout == PRESETS["grammar"]["dropout"]
    assert parse(["--seed", "4"]).seeds == [4]


def test_a_transformer_has_presets_of_its_own():
    assert parse(["--model", "transformer", "--data", "multi30k"]).learning_rate == 1e-3
    assert parse(["--data", "multi30k"]).learning_rate == PRESETS["multi30k"]["learning_rate"]
    assert parse(["--model", "transformer", "--norm-order", "post"]).norm_order == "post"


def test_options_are_a_configuration():
    options = model_options(parse(["--one-direction", "--num-layers", "2", "--dropout", "0.5"]))
    config = Seq2SeqConfig(source_vocab_size=9, target_vocab_size=9, **options)
    assert (config.num_layers, config.dropout, config.bidirectional) == (2, 0.5, False)


def test_options_of_the_transformer_are_its_configuration():
    plain = model_options(parse(["--model", "transformer"]))
    assert plain == {
        "d_model": 96,
        "dropout": 0.0,
        "norm_order": "pre",
        "num_layers": 3,
        "tie_embeddings": False,
    }
    words = "--num-heads 8 --d-ff 40 --activation swiglu --norm-order pre --tie-embeddings"
    options = model_options(parse(["--model", "transformer", *words.split()]))
    config = TransformerConfig(source_vocab_size=9, target_vocab_size=9, **options)
    assert (config.num_heads, config.d_ff, config.activation) == (8, 40, "swiglu")
    assert (config.norm_order, config.tie_embeddings) == ("pre", True)


def test_what_is_not_asked_for_is_as_it_was():
    args = parse([])
    assert (args.label_smoothing, args.count_padding, args.beta2) == (0.0, False, 0.999)
    assert (args.schedule, args.warmup_steps) == ("cosine", 50)


def test_commands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    out = tmp_path / "runs" / "a b"
    fresh, again = commands(["--out", str(out), "--resume", "--seed", "1"])
    assert fresh == "python -m txlib.recipes.translation --out 'runs/a b' --seed 1"
    assert again == f"python -m txlib.recipes.translation --out '{out}' --seed 1 --resume"
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert commands([])[0] == "torchrun --nproc-per-node 2 -m txlib.recipes.translation"


def test_help_names_every_default(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: 4000 on grammar, 4500 on multi30k)" in text
    assert "Ctrl-C saves" in text
    assert "None" not in text


def test_errors(capsys):
    with pytest.raises(SystemExit):
        parse(["--data", "wmt"])
    assert "invalid choice: 'wmt'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse(["--schedule", "root"])
    assert "invalid choice: 'root'" in capsys.readouterr().err
