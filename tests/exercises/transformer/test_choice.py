"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.data.batching import make_batch
from txlib.data.grammar import animal_and_street
from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES
from txlib.recipes.coreference import pronoun_probability


def both(translator):
    return [translator.target.encode(word)[0] for word in ("il", "elle")]


def parts(translator, english, french):
    batch = make_batch(translator.encode_pairs([(english, french)]))
    il, elle = both(translator)
    named = batch.target_out[0].tolist()
    return batch, next(i for i, word in enumerate(named) if word in (il, elle)), il, elle


def by_rows(translator, english, french):
    batch, place, il, elle = parts(translator, english, french)
    logits = translator.model(batch.source, batch.source_mask, batch.target_in)
    return logits[0, place, [il, elle]].softmax(dim=-1)[0]


def by_isin(translator, english, french):
    two = torch.tensor(both(translator))
    batch = make_batch(translator.encode_pairs([(english, french)]))
    place = torch.isin(batch.target_out[0], two).nonzero()[0, 0]
    with torch.no_grad():
        state = translator.model.encode(batch.source, batch.source_mask)
        row = translator.model.decode(state, batch.target_in)[0, place]
    p = row.softmax(-1)[two]
    return p[0] / p.sum()


def by_beginning(translator, english, french):
    batch, place, il, elle = parts(translator, english, french)
    begun = batch.target_in[:, : place + 1]
    row = translator.model(batch.source, batch.source_mask, begun)[0, -1]
    return torch.sigmoid(row[il] - row[elle])


def row_at(read, off=0, feed=lambda batch: (batch.source, batch.source_mask, batch.target_in)):
    def answer(translator, english, french):
        batch, place, il, elle = parts(translator, english, french)
        return read(translator.model(*feed(batch))[0, place + off], il, elle)

    return answer


def among_two(row, il, elle):
    return row[[il, elle]].softmax(0)[0]


def among_all(row, il, elle):
    return row.softmax(0)[il]


def in_what_is_read(translator, english, french):
    batch, _, il, elle = parts(translator, english, french)
    place = [word in (il, elle) for word in batch.target_in[0].tolist()].index(True)
    logits = translator.model(batch.source, batch.source_mask, batch.target_in)
    return among_two(logits[0, place], il, elle)


def last_one(translator, english, french):
    batch, _, il, elle = parts(translator, english, french)
    place = [i for i, word in enumerate(batch.target_out[0]) if word in (il, elle)][-1]
    logits = translator.model(batch.source, batch.source_mask, batch.target_in)
    return among_two(logits[0, place], il, elle)


def of_what_stands_there(translator, english, french):
    batch, place, il, _elle = parts(translator, english, french)
    p = by_rows(translator, english, french)
    return p if batch.target_out[0, place] == il else 1 - p


WRONG = {
    "one-too-late": [in_what_is_read, row_at(among_all, 1)],
    "one-too-early": [row_at(among_two, -1)],
    "bos-not-fed": [
        row_at(among_two, feed=lambda b: (b.source, b.source_mask, b.target_out)),
        row_at(among_two, -1, feed=lambda b: (b.source, b.source_mask, b.target_in[:, 1:])),
    ],
    "among-all-words": [row_at(among_all)],
    "elle": [row_at(lambda row, il, elle: row[[il, elle]].softmax(0)[1])],
    "as-written": [of_what_stands_there],
    "not-a-probability": [
        row_at(lambda row, il, elle: row[il]),
        row_at(lambda row, il, elle: row[[il, elle]].log_softmax(0)[0]),
    ],
    "softmax-twice": [row_at(lambda row, il, elle: among_two(row.softmax(0), il, elle))],
    "last-pronoun": [last_one],
    "end-of-source-missing": [
        row_at(among_two, feed=lambda b: (b.source[:, :-1], b.source_mask[:, :-1], b.target_in)),
    ],
    "beginning-not-fed": [
        lambda translator, english, french: by_rows(translator, english, "il"),
    ],
}


@pytest.mark.parametrize("answer", [by_rows, by_isin, by_beginning])
def test_right_answers_pass(answer):
    verdict = check("pronoun", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("pronoun", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["pronoun"].misconceptions}


def test_what_stands_there_does_not_matter():
    translator, english, french = EXERCISES["pronoun"].cases()[0]
    reference = EXERCISES["pronoun"].reference
    other = reference(translator, english, french.replace(" qu'il", " qu'elle"))
    torch.testing.assert_close(reference(translator, english, french), other)


def test_what_is_asked_is_what_the_study_of_pronouns_asks():
    (translator, *tired), (_, *wide) = EXERCISES["pronoun"].cases()[:2]
    il, not_elle = (EXERCISES["pronoun"].reference(translator, *both) for both in (tired, wide))
    twins = [(animal_and_street("tired"), animal_and_street("wide"))]
    expected = pronoun_probability(translator, twins).double()
    torch.testing.assert_close(torch.stack([il, 1 - not_elle])[None], expected)


def test_a_number_is_no_tensor():
    verdict = check("pronoun", lambda *inputs: by_rows(*inputs).item())
    assert verdict.diagnosis == "type"


def test_an_unforeseen_answer_gets_no_addresses():
    verdict = check("pronoun", lambda *inputs: by_rows(*inputs) / 3)
    assert verdict.diagnosis == "value"
    assert "translator = a small translator, english = 'the animal" in verdict.message
