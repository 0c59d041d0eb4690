import pytest
import torch

from txlib.capture import capture_weights
from txlib.data.batching import make_batch
from txlib.data.vocabulary import Vocabulary
from txlib.generation import evaluating
from txlib.models import AttentionOnlyConfig, AttentionOnlyTranslator
from txlib.recipes.translator import Translator
from txlib.widgets.translator_reading import read_translations, understood


def read_by_hand(translator: Translator, text: str, ids: list[int]) -> tuple:
    batch = make_batch([(translator.source.encode(text), ids)])
    with evaluating(translator.model), capture_weights(translator.model) as weights:
        logits = translator.model(batch.source, batch.source_mask, batch.target_in)
    return logits[0].softmax(-1), {name: calls[0][0] for name, calls in weights.items()}


def test_entry_is_what_the_model_does(tiny_translator):
    text = "the cat sees the dog ."
    (entry,) = read_translations(tiny_translator, [text], max_new_tokens=7)
    vocabulary = tiny_translator.target.vocabulary
    ids = vocabulary.encode([word for word in entry.target if word != "<eos>"])
    assert entry.source == ["the", "cat", "sees", "the", "dog", ".", "<eos>"]
    assert entry.translation == tiny_translator.target.decode(ids)
    chances, weights = read_by_hand(tiny_translator, text, ids)
    count = len(entry.target)
    for i, word in enumerate(entry.target):
        best = [vocabulary.tokens[j] for j in chances[i].argsort(descending=True)[:3]]
        assert [word, *(rival for rival, _ in entry.rivals[i])] == best
        top = chances[i].sort(descending=True).values
        told = [entry.probabilities[i], *(p for _, p in entry.rivals[i])]
        assert told == pytest.approx(top[:3].tolist(), abs=6e-5)
    for layer in range(2):
        for kind, name, queries, keys in [
            ("encoder", f"encoder.{layer}.attention", 7, 7),
            ("decoder", f"decoder.{layer}.attention", count, count),
            ("cross", f"decoder.{layer}.cross_attention", count, 7),
        ]:
            wanted = weights[name][:, :queries, :keys]
            torch.testing.assert_close(torch.tensor(getattr(entry, kind)[layer]), wanted)


def test_sentences_of_a_batch_do_not_touch(tiny_translator):
    texts = ["the cat sleeps .", "the dog sees the cat because it is big ."]
    together = read_translations(tiny_translator, texts)
    for text, entry in zip(texts, together, strict=True):
        (alone,) = read_translations(tiny_translator, [text])
        assert alone.target == entry.target
        assert alone.probabilities == pytest.approx(entry.probabilities, abs=1e-4)
        assert entry.encoder.shape[-1] == len(text.split()) + 1


def test_translation_is_cut_where_asked(tiny_translator):
    short, long = (
        read_translations(tiny_translator, ["the cat sees the dog ."], max_new_tokens=n)[0]
        for n in (2, 7)
    )
    assert short.target == long.target[:2]
    assert short.decoder.shape == (2, 3, 2, 2)


def test_referents_by_mapping_and_by_function(tiny_translator):
    text, other = "the cat sleeps because it is big .", "the cat sleeps ."
    for referents in ({text: (4, 1)}, lambda s: (4, 1) if s == text else None):
        read = read_translations(tiny_translator, [other, text], referents=referents)
        assert [entry.referent for entry in read] == [[], [4, 1]]
    far = read_translations(
        tiny_translator, [text], max_new_tokens=3, referents={text: (4, 1, 3, 1)}
    )
    assert far[0].referent == [4, 1]
    near = read_translations(
        tiny_translator, [text], max_new_tokens=3, referents={text: (4, 1, 2, 1)}
    )
    assert near[0].referent == ([4, 1, 2, 1] if len(near[0].target) == 3 else [4, 1])


def test_capitals_are_folded_only_where_that_helps(tiny_translator):
    assert understood(tiny_translator, "The CAT sleeps.") == "the cat sleeps."
    assert understood(tiny_translator, "the cat sleeps.") == "the cat sleeps."
    (entry,) = read_translations(tiny_translator, ["The cat sleeps ."])
    assert (entry.text, entry.source[0]) == ("The cat sleeps .", "the")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the zebra sees a moon-cat, the zebra.", "there is no 'zebra', 'a', 'moon-cat', ','$"),
        (" ", "a sentence must be text that is not blank, got ' '"),
        ("cat " * 64, "at most 63 tokens, got 64"),
    ],
)
def test_errors(tiny_translator, text, message):
    with pytest.raises(ValueError, match=message):
        read_translations(tiny_translator, [text])


def test_other_kinds_are_refused(tiny_translator):
    sizes = {"source_vocab_size": len(tiny_translator.source), "target_vocab_size": 12}
    other = Translator(
        kind="attention_only",
        model=AttentionOnlyTranslator(AttentionOnlyConfig(**sizes)),
        tokenizer="word",
        source=tiny_translator.source,
        target=type(tiny_translator.target)(Vocabulary([*"abcdefgh"])),
        lowercase=False,
    )
    with pytest.raises(ValueError, match=r"of kind 'transformer', .* like 'encoder.0.attention'"):
        read_translations(other, ["the cat sleeps ."])
