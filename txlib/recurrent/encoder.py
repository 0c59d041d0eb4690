"""The encoder of the recurrent translators: a sentence in, a vector per token and a state out."""

import torch
from torch import Tensor, nn

from txlib.checks import check_flag, check_ids, check_tensor, check_whole, shown
from txlib.layers.token_lookup import look_up
from txlib.recurrent.fused import run_fused
from txlib.tensor_checks import check_beside, check_share


class LSTMEncoder(nn.Module):
    """Reads a padded batch of sentences by the fused LSTM.

    Source: Sutskever et al. 2014, section 2; both directions as in Bahdanau et al. 2015, section
    3.2. The translator of chapter 1 keeps the state and drops the outputs; chapter 2 looks at them.

    Args:
        vocab_size: V, at least 1.
        d_embedding: features of a token's embedding, at least 1.
        hidden_size: H, features of each direction's state, at least 1.
        num_layers: L, at least 1.
        dropout: probability in [0, 1), on the embeddings and between layers.
        bidirectional: whether each layer also reads from the end.
        reverse: whether to read the sentence last token first, so that its first words are the
            freshest when the decoder starts (Sutskever et al. 2014, section 3.3).
        pad_id: the token whose embedding stays zero.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        vocab_size: int,
        d_embedding: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reverse: bool = False,
        pad_id: int = 0,
    ):
        super().__init__()
        sizes = {"vocab_size": vocab_size, "d_embedding": d_embedding, "hidden_size": hidden_size}
        for name, size in (sizes | {"num_layers": num_layers}).items():
            check_whole(name, size, least=1)
        check_share("dropout", dropout)
        check_flag("bidirectional", bidirectional)
        check_flag("reverse", reverse)
        check_whole("pad_id", pad_id, least=0, most=vocab_size - 1)
        self.reverse = reverse
        self.embedding = nn.Embedding(vocab_size, d_embedding, padding_idx=pad_id)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(
            d_embedding,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,  # torch warns where there is no "between"
            bidirectional=bidirectional,
        )

    def forward(self, source: Tensor, source_mask: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Encode a batch.

        Args:
            source: int64 (B, T), token ids.
            source_mask: bool (B, T), True = a real token.

        Returns:
            Outputs (B, T, directions * H), in the order of `source` and zero where masked; and the
            final state (h, c), each (L * directions, B, H), zero for a row without a real token.

        Raises:
            ValueError: if `source` is not (B, T) or `source_mask` is not bool of that shape.
        """
        check_ids("source", source, "B", "T")
        check_tensor("source_mask", source_mask)
        if source_mask.dtype != torch.bool or source_mask.shape != source.shape:
            raise ValueError(
                f"source_mask must be bool of source's shape {tuple(source.shape)}, got "
                f"{shown(source_mask)}"
            )
        check_beside("source_mask", source_mask, "source", source)
        embedded = self.dropout(look_up("source", source, self.embedding))  # (B, T, d_embedding)
        if not self.reverse:
            return run_fused(self.lstm, embedded, mask=source_mask)
        outputs, state = run_fused(self.lstm, embedded.flip(1), mask=source_mask.flip(1))
        return outputs.flip(1), state
