"""What must hold for any input: nothing lost on the way, and two ways to one answer."""

import random

import torch
from draft_sheets import DRAFT, TARGET
from hypothesis import given
from hypothesis import strategies as st
from kinds import any_text
from sheets import tries

from txlib.data import grammar
from txlib.data.batching import BucketedBatches
from txlib.data.byte_pair import BytePairTokenizer
from txlib.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from txlib.generation import beam_search, greedy_continue, next_token_probabilities
from txlib.metrics import alignment_error_rate, corpus_bleu, exact_match

PIECES = BytePairTokenizer.train(["the animal", "l'animal est là"], vocab_size=280)
IDS = st.lists(st.integers(4, 99), max_size=6)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=30)


@tries(20, 400)
@given(words=st.lists(any_text().filter(lambda w: w not in SPECIAL_TOKENS), unique=True))
def test_words_survive_ids_and_json(tally, words):
    tally("data: what must hold for any input")
    vocabulary = Vocabulary(words)
    assert vocabulary.decode(vocabulary.encode(words)) == words
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@tries(20, 400)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_byte_pairs(tally, text):
    tally("data: what must hold for any input")
    assert PIECES.decode(PIECES.encode(text)) == text


@tries(15, 300)
@given(pairs=PAIRS, size=st.integers(1, 9), seed=st.integers(), epoch=st.integers(0, 3))
def test_an_epoch_loses_and_repeats_nothing(tally, pairs, size, seed, epoch):
    tally("data: what must hold for any input")
    batches = BucketedBatches(pairs, size, seed=seed)
    seen = [i for batch in batches.indices(epoch) for i in batch]
    assert sorted(seen) == list(range(len(pairs)))
    assert batches.indices(epoch) == BucketedBatches(pairs, size, seed=seed).indices(epoch)
    words = sum(batch.num_target_tokens for batch in batches.epoch(epoch))
    assert words == sum(len(target) + 1 for _, target in pairs)


@tries(5, 60)
@given(seed=st.integers(), split=st.sampled_from(grammar.SPLITS))
def test_the_grammar_repeats_itself_and_aligns_every_word(tally, seed, split):
    tally("data: what must hold for any input")
    pairs = grammar.generate(split, 3, seed=seed)
    assert pairs == grammar.generate(split, 3, seed=seed)
    for pair in pairs:
        targets, sources = map(set, zip(*pair.alignment, strict=True))
        assert targets == set(range(len(pair.target)))
        assert sources == set(range(len(pair.source)))


@tries(10, 150)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 4), steps=st.integers(1, 6))
def test_a_beam_of_one_is_greedy(tally, seed, rows, steps):
    tally("generation: what must hold for any input")
    table = torch.randn(7, 7, generator=torch.Generator().manual_seed(seed))
    options = {"eos_id": 2, "pad_id": 0, "max_new_tokens": steps}
    first = torch.ones(rows, dtype=torch.int64)

    def advance(state, tokens):
        return table[tokens] + state[:, None, None], state

    state = torch.zeros(rows)
    greedy = greedy_continue(advance, state, first, **options)
    beam = beam_search(advance, state, first, select=lambda s, r: s[r], beam_size=1, **options)
    assert beam.equal(greedy)


@tries(20, 400)
@given(
    logits=st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=9),
    temperature=st.floats(0, 1e6),
    top_k=st.none() | st.integers(1, 12),
    top_p=st.none() | st.floats(0, 1, exclude_min=True),
)
def test_what_is_drawn_from_is_a_distribution(tally, logits, temperature, top_k, top_p):
    tally("generation: what must hold for any input")
    row = torch.tensor(logits)
    chances = next_token_probabilities(row, temperature=temperature, top_k=top_k, top_p=top_p)
    assert (chances >= 0).all()
    torch.testing.assert_close(chances.sum(), torch.tensor(1.0))
    uncut = next_token_probabilities(row, temperature=temperature)
    assert uncut[chances.argmax()] == uncut.max()


@tries(4, 40)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 6))
def test_drafts_do_not_change_what_is_written(tally, seed, steps):
    from txlib.generation import speculative_generate

    tally("generation: what must hold for any input")
    prompt = torch.randint(5, (2, 3), generator=torch.Generator().manual_seed(seed))
    alone = TARGET.generate(prompt, max_new_tokens=steps)
    together = speculative_generate(TARGET, DRAFT, prompt, max_new_tokens=steps, temperature=0.0)
    assert together.tokens.equal(alone)


@tries(10, 200)
@given(texts=st.lists(st.text("abc ", min_size=9, max_size=20), min_size=1, max_size=4))
def test_scores_of_the_right_answer_and_of_any_order(tally, texts):
    tally("metrics: what must hold for any input")
    assert exact_match(texts, texts) == 1.0
    shuffled = random.Random(0).sample(range(len(texts)), len(texts))
    wrong = [text[::-1] for text in texts]
    one = corpus_bleu(wrong, texts)
    assert 0 <= one <= 100.0001
    other = corpus_bleu([wrong[i] for i in shuffled], [texts[i] for i in shuffled])
    assert abs(one - other) < 1e-9


@tries(10, 200)
@given(links=st.frozensets(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_an_alignment_is_right_about_itself(tally, links):
    tally("metrics: what must hold for any input")
    assert alignment_error_rate([links], [links]) == 0.0
    assert alignment_error_rate([links], [frozenset({(9, 9)})]) == 1.0
