"""Corpus BLEU: Papineni, Roukos, Ward and Zhu 2002, section 2.3, as sacrebleu computes it."""

from collections.abc import Sequence

from txlib.checks import check_sequence, check_text, shown


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """How much of the hypotheses' word sequences, up to four long, the references share.

    Computed by sacrebleu with its defaults (Post 2018: mixed case, tokenizer 13a, exponential
    smoothing), so the number may be compared with published ones. Texts are written sentences,
    not tokens joined by spaces. Sentences of fewer than four tokens have no sequence of four: a
    corpus of such alone scores 0 even when it is right.

    Args:
        hypotheses: the system's sentences.
        references: one reference for each.

    Returns:
        From 0 to 100.

    Raises:
        ValueError: if the two differ in number, or are empty.
        ModuleNotFoundError: if `sacrebleu` is not installed.

    Example:
        >>> reference = "the cat sat on the mat"
        >>> round(corpus_bleu([reference], [reference]), 1)
        100.0
        >>> round(corpus_bleu(["a cat sat on the mat"], [reference]), 1)
        76.0
    """
    check_parallel(hypotheses, references)
    try:
        import sacrebleu
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "corpus_bleu needs the package sacrebleu: pip install sacrebleu"
        ) from error
    return sacrebleu.corpus_bleu(list(hypotheses), [list(references)]).score


def check_parallel(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Raise ValueError unless there are as many hypotheses as references, and at least one."""
    for name, texts in (("hypotheses", hypotheses), ("references", references)):
        if isinstance(texts, str):
            raise ValueError(
                f"{name} must be a sequence of sentences, got the string {shown(texts)}"
            )
        check_sequence(name, texts, "sentences")
        for text in texts:
            check_text(name, text)
    if len(hypotheses) != len(references):
        raise ValueError(
            "hypotheses and references must be equal in number, "
            f"got {len(hypotheses)} and {len(references)}"
        )
    if not hypotheses:
        raise ValueError(f"hypotheses must hold at least one sentence, got {hypotheses!r}")
