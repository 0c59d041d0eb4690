import json
import math

import pytest
import torch

from txlib.data.running_text import RunningText
from txlib.models import GPT, GPTConfig
from txlib.recipes import speculation as recipe
from txlib.recipes.records import REQUIRED
from txlib.recipes.writers import next_token_loss


def gpt(seed, **changes):
    torch.manual_seed(seed)
    sizes = {"vocab_size": 11, "d_model": 8, "num_layers": 1, "num_heads": 2, "positions": "rope"}
    return GPT(GPTConfig(**sizes | changes)).eval()


def test_text_is_sentences_in_a_row():
    words = [recipe.english_vocabulary().tokens[i] for i in recipe.english_text("test", 3)]
    assert words.count(".") == 3
    assert words[-1] == "."


def test_loss_of_an_even_guess_by_hand():
    model = gpt(0)
    with torch.no_grad():
        model.out_proj.weight.zero_()
    text = RunningText(ids=range(11), length=4, batch_size=3)
    assert next_token_loss(model, text.batch(0)).item() == pytest.approx(math.log(11))


def test_a_writer_learns_what_always_follows():
    text = RunningText(ids=[0, 1, 2, 3] * 20, length=6, batch_size=4)
    model, loss = recipe.train_writer(
        text, 4, num_layers=1, d_model=32, steps=60, learning_rate=1e-2
    )
    assert loss < 0.3
    assert not model.training
    written = model.generate(torch.tensor([[2, 3]]), max_new_tokens=4)
    assert written.tolist() == [[0, 1, 2, 3]]


def test_a_model_agrees_with_itself_and_less_with_another():
    tokens = torch.arange(12).reshape(2, 6) % 11
    assert recipe.agreement(gpt(0), gpt(0), tokens) == pytest.approx(1)
    certain = gpt(1)
    with torch.no_grad():
        certain.token_embedding.weight.mul_(100)  # tied: certain of some token
    assert recipe.agreement(gpt(0), certain, tokens) < 0.9


def test_a_draft_that_is_the_target_is_always_accepted():
    tokens = torch.tensor([[1, 2], [3, 4]])
    found = recipe.compare(gpt(0), gpt(0), tokens, new=6, lengths=[2, 5])
    by_length = {row["num_draft_tokens"]: row for row in found["by_length"]}
    assert by_length[2]["tokens_per_call"] == 3
    assert by_length[5]["tokens_per_call"] == 6
    assert 0.2 < found["cost"] < 5
    assert all(row["speed"] > 0 for row in by_length.values())


def test_record(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "DRAFTS", ((1, 32),))
    sizes = "--layers 1 --d-model 32 --steps 2 --draft-steps 2 --sentences 40 --new 3 --repeats 2"
    path = tmp_path / "record.json"
    assert recipe.main(["--record", str(path), *sizes.split(), "--lengths", "2"]) == 0
    record = json.loads(path.read_text())
    assert set(REQUIRED) <= record.keys()
    (draft,) = record["results"]["drafts"]
    assert 0 < draft["agreement"] <= 1
    assert [row["num_draft_tokens"] for row in draft["by_length"]] == [2]
    assert record["results"]["target"]["layers"] == 1
