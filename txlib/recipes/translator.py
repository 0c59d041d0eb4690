"""A model with its two tokenizers: sentences in, sentences out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from txlib import models, recurrent
from txlib.atomic import write_atomically
from txlib.checks import check_kind, check_one_of, check_whole, shown
from txlib.data.batching import EncodedPair, make_batch
from txlib.device import pick_device
from txlib.recipes.argument_checks import (
    check_device,
    check_fields,
    check_path,
    check_text_pairs,
    check_texts,
)
from txlib.recipes.translation_data import TOKENIZERS, Corpus, TextPair, Tokenizer, train_tokenizer
from txlib.training.checkpoint import load_checkpoint

MODELS = {
    "lstm": (recurrent.Seq2SeqConfig, recurrent.LSTMTranslator),
    "attention": (recurrent.AttentionTranslatorConfig, recurrent.AttentionTranslator),
    "attention_only": (models.AttentionOnlyConfig, models.AttentionOnlyTranslator),
    "transformer": (models.TransformerConfig, models.Transformer),
}
MODEL_FILE = "model.safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class Translator:
    """What it takes to translate text.

    Args:
        kind: the model's name in `MODELS`.
        model: with `greedy_decode` and a `config`.
        tokenizer: the name of both tokenizers' kind in `TOKENIZERS`.
        source: from English text to ids.
        target: from ids to French text.
        lowercase: whether the model knows lower case only; its input is then folded.
    """

    kind: str
    model: nn.Module
    tokenizer: str
    source: Tokenizer
    target: Tokenizer
    lowercase: bool

    @property
    def num_parameters(self) -> int:
        """How many numbers the model learns."""
        return sum(p.numel() for p in self.model.parameters())

    def encode_pairs(self, pairs: Sequence[TextPair]) -> list[EncodedPair]:
        """Text pairs as `txlib.data.batching` wants them."""
        check_text_pairs("pairs", pairs)
        return [(self.source.encode(s), self.target.encode(t)) for s, t in pairs]

    def translate(self, sentences: Sequence[str], *, batch_size: int = 64) -> list[str]:
        """Translate by greedy decoding, sentences of like length together.

        Args:
            sentences: English, as written.
            batch_size: how many are decoded at once.

        Returns:
            One French sentence each, in the order of `sentences`. A sentence that does not end is
            cut at twice its source's tokens and ten more.

        Raises:
            ValueError: if `sentences` is no sequence of strings, or `batch_size` below 1.
        """
        check_texts("sentences", sentences)
        check_whole("batch_size", batch_size, least=1)
        device = next(self.model.parameters()).device
        texts = [s.lower() for s in sentences] if self.lowercase else sentences
        encoded = [self.source.encode(text) for text in texts]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        translations = [""] * len(encoded)
        for start in range(0, len(order), batch_size):
            members = order[start : start + batch_size]
            batch = make_batch([(encoded[i], ()) for i in members]).to(device)
            limits = [2 * len(encoded[i]) + 10 for i in members]
            rows = self.model.greedy_decode(
                batch.source, batch.source_mask, max_new_tokens=max(limits)
            )
            for i, row, limit in zip(members, rows.tolist(), limits, strict=True):
                translations[i] = self.target.decode(row[:limit])
        return translations

    def to_details(self) -> dict[str, Any]:
        """What `load_translator` must know beside the tensors and the vocabularies."""
        return {
            "model": self.kind,
            "config": asdict(self.model.config),
            "tokenizer": self.tokenizer,
            "lowercase": self.lowercase,
        }

    def save_tokenizers(self, folder: str | Path) -> None:
        """Write the two vocabularies into `folder`, where `load_translator` looks for them."""
        check_path("folder", folder)
        for side in ("source", "target"):
            write_atomically(Path(folder) / f"{side}.json", getattr(self, side).to_json().encode())


def new_translator(
    kind: str,
    corpus: Corpus,
    options: dict[str, Any],
    *,
    tokenizer: str = "word",
    min_count: int = 1,
    vocab_size: int = 6000,
    device: torch.device | None = None,
) -> Translator:
    """An untrained translator for a corpus, in training mode.

    Args:
        kind: a name in `MODELS`.
        corpus: its training pairs give the tokenizers.
        options: fields of the model's configuration beside the vocabularies' sizes.
        tokenizer: `"word"` or `"bpe"`.
        min_count: words: rarer ones have no id of their own.
        vocab_size: byte pairs: ids on each side.
        device: the best there is if not given.

    Raises:
        ValueError: if there is no such model or tokenizer.
    """
    check_one_of("kind", kind, MODELS)
    check_kind("corpus", corpus, Corpus)
    check_fields("corpus", corpus.splits, "train")
    check_fields("options", options)
    check_device("device", device)
    sides = zip(*corpus.splits["train"], strict=True)
    source, target = (
        train_tokenizer(tokenizer, texts, min_count=min_count, vocab_size=vocab_size)
        for texts in sides
    )
    config_class, model_class = MODELS[kind]
    strange = options.keys() - {field.name for field in fields(config_class)}
    if strange:
        raise ValueError(f"options must be fields of {config_class.__name__}, got {strange}")
    config = config_class(source_vocab_size=len(source), target_vocab_size=len(target), **options)
    return Translator(
        kind=kind,
        model=model_class(config).to(device or pick_device()),
        tokenizer=tokenizer,
        source=source,
        target=target,
        lowercase=corpus.lowercase,
    )


def load_translator(folder: str | Path, *, device: torch.device | None = None) -> Translator:
    """A trained translator from the folder of a run (`<out>/seed-<n>`), in evaluation mode.

    Args:
        folder: holds `model.safetensors`, `source.json` and `target.json`.
        device: the best there is if not given.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is not what a run of the recipe writes.
    """
    check_path("folder", folder)
    check_device("device", device)
    folder = Path(folder)
    checkpoint = load_checkpoint(folder / MODEL_FILE)
    run = checkpoint.details.get("run")
    details = run.get("translator") if isinstance(run, dict) else None
    translator = rebuild_translator(details, checkpoint.path, checkpoint.model, device=device)
    checkpoint.restore(translator.model)
    return translator


def rebuild_translator(
    details: Any, path: Path, tensors: dict[str, Tensor], *, device: torch.device | None = None
) -> Translator:
    """A translator made as another was, with its tokenizers; its model is yet to be given numbers.

    Nothing of the size that `details` claim is made before `tensors` are known to fill it.

    Args:
        details: what the other's `to_details` gave.
        path: the file they were read from; the tokenizers lie beside it.
        tensors: what the file holds.
        device: the best there is if not given.

    Returns:
        In evaluation mode, its parameters as at the start of a training.

    Raises:
        FileNotFoundError: if a vocabulary is missing.
        ValueError: if `details` are no translator's, its model would hold more numbers than
            `tensors`, or a vocabulary is none or of another size.
    """
    try:
        config_class, model_class = MODELS[details["model"]]
        tokenizer, lowercase = TOKENIZERS[details["tokenizer"]], details["lowercase"]
        config = config_class(**details["config"])
        _check_size(model_class, config, tensors)
        model = model_class(config)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{path} must be a translator's, got none: {shown(error)}") from error
    texts = {side: path.with_name(f"{side}.json") for side in ("source", "target")}
    sides = {side: _load_tokenizer(tokenizer, text) for side, text in texts.items()}
    for side, vocabulary in sides.items():
        size = getattr(config, f"{side}_vocab_size")
        if len(vocabulary) != size:
            raise ValueError(
                f"{texts[side]} must have the {size} tokens of {path}, got {len(vocabulary)}"
            )
    return Translator(
        kind=details["model"],
        model=model.to(device or pick_device()).eval(),
        tokenizer=details["tokenizer"],
        lowercase=bool(lowercase),
        **sides,
    )


def _check_size(model_class: type[nn.Module], config: Any, tensors: dict[str, Tensor]) -> None:
    layers = getattr(config, "num_layers", 1)
    if layers > len(tensors):
        raise ValueError(f"num_layers must be at most the file's tensors, got {layers}")
    with torch.device("meta"):  # shapes without numbers
        claimed = sum(p.numel() for p in model_class(config).parameters())
    held = sum(tensor.numel() for tensor in tensors.values())
    if claimed > held:
        raise ValueError(f"its model must hold at most the file's {held} numbers, got {claimed}")


def _load_tokenizer(kind: type[Tokenizer], path: Path) -> Tokenizer:
    try:
        return kind.from_json(path.read_bytes().decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be a tokenizer's, got none: {error}") from error
