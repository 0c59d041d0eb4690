import copy
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from txlib.interop import gpt2_config, gpt2_from_checkpoint, load_gpt2
from txlib.models import GPT, GPTConfig

B, T, V, C, H, L, REACH, D_FF = 3, 7, 13, 12, 4, 2, 15, 20
SIZES = {"vocab_size": V, "n_embd": C, "n_head": H, "n_layer": L, "n_positions": REACH}
OURS = {"vocab_size": V, "d_model": C, "num_heads": H, "num_layers": L, "max_seq_len": REACH}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def tokens():
    return torch.randint(V, (B, T))


def gpt2(**options):
    """Random weights, none of them a fresh model's, and no dropout."""
    transformers = pytest.importorskip("transformers")
    drops = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    special = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    config = transformers.GPT2Config(**SIZES | drops | special | options)
    reference = transformers.GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    return reference


def loaded(reference):
    ours = GPT(gpt2_config(reference.config.to_dict()))
    load_gpt2(ours, reference)
    return ours


def pairs_of_tensors(ours, reference):
    """Our parameters, each beside the reference's and what turns that into ours; by hand."""
    body = reference.transformer
    same = [(ours.token_embedding, body.wte), (ours.positions.table, body.wpe)]
    same += [(ours.final_norm, body.ln_f), (ours.out_proj, reference.lm_head)]
    turned = []
    for block, theirs in zip(ours.blocks, body.h, strict=True):
        same += [(block.attention_norm, theirs.ln_1), (block.feed_forward_norm, theirs.ln_2)]
        for row, name in enumerate(("q_proj", "k_proj", "v_proj")):
            rows = slice(row * C, (row + 1) * C)
            turned.append((getattr(block.attention, name), theirs.attn.c_attn, rows))
        turned.append((block.attention.out_proj, theirs.attn.c_proj, ...))
        turned.append((block.feed_forward.up_proj, theirs.mlp.c_fc, ...))
        turned.append((block.feed_forward.down_proj, theirs.mlp.c_proj, ...))
    for mine, theirs in same:
        for name, parameter in mine.named_parameters():
            yield parameter, theirs.get_parameter(name), lambda x: x
    for mine, theirs, rows in turned:
        yield mine.weight, theirs.weight, lambda x, rows=rows: x.T[rows]
        yield mine.bias, theirs.bias, lambda x, rows=rows: x[rows]


def test_configuration_by_hand():
    published = SIZES | {"n_inner": D_FF, "activation_function": "relu", "attn_pdrop": 0.1}
    assert gpt2_config(published) == GPTConfig(**OURS, d_ff=D_FF, activation="relu")
    assert gpt2_config({}) == GPTConfig(vocab_size=50_257)
    assert not gpt2_config({"tie_word_embeddings": False}).tie_embeddings


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_inner": D_FF},
        {"tie_word_embeddings": False},
        {"activation_function": "gelu"},
        {"activation_function": "relu"},
        {"activation_function": "gelu_fast"},
    ],
)
def test_equals_transformers_in_logits(tokens, options):
    reference = gpt2(**options)
    with torch.no_grad():
        logits, expected = loaded(reference)(tokens), reference(tokens).logits
    assert logits.abs().max() > 1
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("tied", [True, False])
def test_equals_transformers_in_every_gradient(tokens, tied, attention):
    reference = gpt2(tie_word_embeddings=tied).double()
    reference.set_attn_implementation(attention)
    ours = GPT(gpt2_config(reference.config.to_dict())).double()
    load_gpt2(ours, reference)
    losses = []
    for logits in (ours(tokens), reference(tokens).logits):
        losses.append(F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()))
        losses[-1].backward()
    torch.testing.assert_close(*losses)
    tensors = list(pairs_of_tensors(ours, reference))
    assert {id(p) for p in ours.parameters()} == {id(a) for a, _, _ in tensors}
    assert {id(p) for p in reference.parameters()} == {id(b) for _, b, _ in tensors}
    for a, b, turn in tensors:
        assert a.equal(turn(b))
        assert a.grad.abs().sum() > 0
        torch.testing.assert_close(a.grad, turn(b.grad), rtol=1e-9, atol=1e-12)


def test_writes_what_transformers_writes(tokens):
    reference = gpt2(tie_word_embeddings=False).eval()
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.mul_(3)  # else it repeats itself
    ours = loaded(reference)
    options = {"max_new_tokens": 8, "pad_token_id": 0, "do_sample": False}
    mask = torch.ones_like(tokens)
    free = reference.generate(tokens, attention_mask=mask, **options)[:, T:]
    assert ours.generate(tokens, max_new_tokens=8).equal(free)
    assert len(free.unique()) > 4
    eos = free[1, 2].item()
    ended = reference.generate(tokens, attention_mask=mask, eos_token_id=eos, **options)[:, T:]
    assert ours.generate(tokens, max_new_tokens=8, eos_id=eos).equal(ended)
    assert ended.eq(0).sum() > free.eq(0).sum()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shard", ["10GB", "5KB"])
def test_reads_what_save_pretrained_writes(tokens, tmp_path, tied, shard):
    reference = gpt2(tie_word_embeddings=tied, n_inner=D_FF).eval()
    reference.save_pretrained(tmp_path, max_shard_size=shard)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shard == "5KB")
    ours = gpt2_from_checkpoint(tmp_path)
    assert (ours.out_proj.weight is ours.token_embedding.weight) == tied
    torch.testing.assert_close(ours(tokens), reference(tokens).logits, rtol=0, atol=1e-5)


@pytest.fixture
def published(tmp_path):
    """A folder named as GPT-2's own, and its tensors; no transformers anywhere."""

    def write(change=lambda config, tensors: None):
        shapes = {"wte.weight": (V, C), "wpe.weight": (REACH, C)}
        shapes |= {"ln_f.weight": (C,), "ln_f.bias": (C,)}
        for i in range(L):
            for name, (rows, columns) in {
                "attn.c_attn": (C, 3 * C),
                "attn.c_proj": (C, C),
                "mlp.c_fc": (C, 4 * C),
                "mlp.c_proj": (4 * C, C),
            }.items():
                shapes[f"h.{i}.{name}.weight"] = (rows, columns)
                shapes[f"h.{i}.{name}.bias"] = (columns,)
            for name in ("ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias"):
                shapes[f"h.{i}.{name}"] = (C,)
        tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
        config = {"model_type": "gpt2", "n_ctx": REACH, **SIZES}
        change(config, tensors)
        (tmp_path / "config.json").write_text(json.dumps(config))
        save_file(tensors, tmp_path / "model.safetensors")
        return tmp_path, tensors

    return write


def add_masks(config, tensors):
    for i in range(L):
        tensors[f"h.{i}.attn.bias"] = torch.ones(1, 1, REACH, REACH).tril()
        tensors[f"h.{i}.attn.masked_bias"] = torch.tensor(-1e4)


def add_prefix(config, tensors):
    add_masks(config, tensors)
    for name in list(tensors):
        tensors[f"transformer.{name}"] = tensors.pop(name)
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()


@pytest.mark.parametrize("change", [lambda config, tensors: None, add_masks, add_prefix])
def test_reads_either_naming(published, tokens, change):
    folder, tensors = published(change)
    ours = gpt2_from_checkpoint(folder)
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    block = ours.blocks[1]
    assert block.attention.k_proj.weight.equal(tensors["h.1.attn.c_attn.weight"][:, C : 2 * C].T)
    assert block.feed_forward.down_proj.bias.equal(tensors["h.1.mlp.c_proj.bias"])
    assert ours.out_proj.weight.equal(tensors["wte.weight"])
    assert ours(tokens).shape == (B, T, V)


@pytest.mark.parametrize("kept", ["wte.weight", "lm_head.weight"])
def test_a_tied_table_may_stand_under_either_name(published, kept):
    folder, tensors = published(
        lambda config, tensors: tensors.update({kept: tensors.pop("wte.weight")})
    )
    assert gpt2_from_checkpoint(folder).token_embedding.weight.equal(tensors[kept])


def test_reads_half_precision_into_float32(published):
    def halve(config, tensors):
        for name in tensors:
            tensors[name] = tensors[name].half()

    folder, tensors = published(halve)
    ours = gpt2_from_checkpoint(folder)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    assert ours.final_norm.bias.equal(tensors["ln_f.bias"].float())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("activation_function", "silu", "activation_function must be one of .*, got 'silu'"),
        ("scale_attn_by_inverse_layer_idx", True, "scale_attn_by_.* must be False, .* got True"),
        ("scale_attn_weights", False, "scale_attn_weights must be True, .* got False"),
        ("layer_norm_epsilon", 1e-6, "layer_norm_epsilon must be 1e-05, .* got 1e-06"),
        ("add_cross_attention", True, "add_cross_attention must be False, .* got True"),
        ("model_type", "llama", "model_type must be 'gpt2', .* got 'llama'"),
        ("n_head", 5, "num_heads must divide d_model, got 5 and 12"),
        ("n_embd", 8, r"token_embedding.weight must be \(13, 8\), got \(13, 12\)"),
        ("n_layer", 3, r"lacks \['h\.2\.attn\.c_attn\.bias'.* and also has \[\]"),
        ("n_layer", 1, r"lacks \[\] and also has \['h\.1\.attn\.c_attn\.bias'"),
        ("tie_word_embeddings", False, r"lacks \['lm_head\.weight'\]"),
    ],
)
def test_a_folder_that_does_not_fit(published, field, value, message):
    folder, _ = published(lambda config, tensors: config.update({field: value}))
    with pytest.raises(ValueError, match=message):
        gpt2_from_checkpoint(folder)


def test_missing_and_unequal_tensors(published):
    folder, _ = published(lambda config, tensors: tensors.pop("wte.weight"))
    with pytest.raises(ValueError, match=r"lacks \['lm_head\.weight', 'wte\.weight'\]"):
        gpt2_from_checkpoint(folder)
    folder, _ = published(
        lambda config, tensors: tensors.update({"lm_head.weight": torch.randn(V, C)})
    )
    with pytest.raises(ValueError, match="must be equal where tie_word_embeddings is True"):
        gpt2_from_checkpoint(folder)


def test_no_pickle_is_read(published):
    folder, tensors = published()
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    message = r"must hold model.safetensors \(a pickle .*\), got \['config.json', 'pytorch_model"
    with pytest.raises(FileNotFoundError, match=message):
        gpt2_from_checkpoint(folder)


def test_no_configuration(published):
    folder, _ = published()
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        gpt2_from_checkpoint(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_ff": 7}, "ours must have d_ff=48 as GPT-2, got 7"),
        ({"num_heads": 2}, "ours must have num_heads=4 as GPT-2, got 2"),
        ({"num_kv_heads": 2}, "ours must have num_kv_heads=None as GPT-2, got 2"),
        ({"positions": "none"}, "ours must have positions='learned' as GPT-2, got 'none'"),
        ({"norm": "rms"}, "ours must have norm='layer' as GPT-2, got 'rms'"),
        ({"activation": "gelu"}, "ours must have activation='gelu_tanh' as GPT-2, got 'gelu'"),
        ({"tie_embeddings": False}, "ours must have tie_embeddings=True as GPT-2, got False"),
        ({"max_seq_len": 9}, "ours must have max_seq_len=15 as GPT-2, got 9"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_and_stays(changes, message):
    reference = gpt2()
    ours = GPT(replace(GPTConfig(**OURS), **changes))
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match=message):
        load_gpt2(ours, reference)
    assert all(before[name].equal(tensor) for name, tensor in ours.state_dict().items())


def test_dropout_the_dtype_and_the_bare_model_are_left_alone():
    reference = gpt2()
    ours = GPT(GPTConfig(**OURS, d_ff=4 * C, dropout=0.3)).bfloat16()
    load_gpt2(ours, reference.transformer)
    assert ours.config.dropout == 0.3
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}
    assert ours.out_proj.weight.equal(reference.transformer.wte.weight.bfloat16())
