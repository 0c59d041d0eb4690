import pytest
import torch

from txlib.attention import KVCache

B, H_KV, D, MAX_LEN = 3, 2, 5, 9  # all different: a swapped axis cannot pass


def cache(**options):
    return KVCache(B, H_KV, D, **{"max_len": MAX_LEN, "dtype": torch.float64} | options)


def new(T, batch=B):
    return torch.randn(2, batch, H_KV, T, D, dtype=torch.float64)


def held(kept, row):
    """What one row holds, seen by appending a token and looking at those before it."""
    probe = kept.select(torch.tensor([row]))
    length = probe.lengths.item()
    keys, values, first = probe.append(*new(1, 1))
    first = int(first)
    assert probe.lengths.item() == length + 1
    return torch.stack((keys, values))[:, 0, :, :first]  # (2, H_kv, n, D)


def test_appended_by_hand():
    kept = KVCache(1, 1, 2, max_len=4)
    assert kept.offset == 0
    keys, values, first = kept.append(
        torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, 4.0]]]])
    )
    assert (keys.tolist(), values.tolist(), first) == ([[[[1.0, 2.0]]]], [[[[3.0, 4.0]]]], 0)
    two = torch.tensor([[[[5.0, 6.0], [7.0, 8.0]]]])
    keys, values, first = kept.append(two, -two)
    assert keys.tolist() == [[[[1.0, 2.0], [5.0, 6.0], [7.0, 8.0]]]]
    assert values.tolist() == [[[[3.0, 4.0], [-5.0, -6.0], [-7.0, -8.0]]]]
    assert first == 1
    assert kept.offset == 3
    assert kept.lengths.tolist() == [3]


def test_bytes_by_hand():
    assert cache().nbytes == 2 * B * H_KV * MAX_LEN * D * 8
    assert cache(dtype=torch.bfloat16).nbytes == 2 * B * H_KV * MAX_LEN * D * 2
    assert KVCache(B, H_KV, D, max_len=MAX_LEN).nbytes == 2 * B * H_KV * MAX_LEN * D * 4
    assert cache(window=3).nbytes == 2 * B * H_KV * 6 * D * 8
    assert cache(window=7).nbytes == cache().nbytes  # two windows would be more than all


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 1, 1, 2], [2, 5]], ids=str)
@pytest.mark.parametrize("max_len", [MAX_LEN, None])
def test_pieces_are_put_behind_one_another(sizes, max_len):
    whole, kept, end = new(7), cache(max_len=max_len), 0
    for size in sizes:
        piece = whole[:, :, :, end : end + size]
        keys, values, first = kept.append(*piece)
        assert first == end
        end += size
        assert torch.equal(torch.stack((keys, values)), whole[:, :, :, :end])
    assert kept.lengths.tolist() == [7] * B
    assert kept.lengths.dtype == torch.int64


def test_nothing_is_copied_but_the_new():
    kept = cache()
    first = kept.append(*new(4))[0]
    second = kept.append(*new(1))[0]
    assert first.data_ptr() == second.data_ptr()


def test_without_a_limit_it_doubles():
    kept, whole = cache(max_len=None), new(150)
    sizes = set()
    for t in range(150):
        keys, values, _ = kept.append(*whole[:, :, :, t : t + 1])
        sizes.add(kept.nbytes // (2 * B * H_KV * D * 8))
    assert sizes == {32, 64, 128, 256}
    assert torch.equal(torch.stack((keys, values)), whole)


def test_rows_of_unequal_lengths_hold_their_own_tokens():
    kept, prompt, more = cache(), new(5), new(2)
    counts = torch.tensor([5, 2, 0])
    keys, _, first = kept.append(*prompt, counts)
    assert (first, keys.shape[2]) == (0, 5)  # its queries had nothing before them
    assert kept.lengths.tolist() == [5, 2, 0]
    assert torch.equal(kept.offset, counts)
    keys, values, first = kept.append(*more)
    assert first.tolist() == [5, 2, 0]
    for row, count in enumerate(counts):
        expected = torch.cat((prompt[:, row, :, :count], more[:, row]), dim=2)
        found = torch.stack((keys, values))[:, row, :, : count + 2]
        assert torch.equal(found, expected)
    assert kept.lengths.tolist() == [7, 4, 2]


def test_counts_that_agree_leave_one_length():
    kept = cache()
    kept.append(*new(5), torch.tensor([3, 3, 3]))
    assert kept.offset == 3


def test_padding_is_overwritten_and_finite():
    kept = cache()
    kept.append(*new(4), torch.tensor([1, 4, 2]))
    keys, _, _ = kept.append(*new(5))
    assert keys.isfinite().all()  # a weight of 0 times NaN would be NaN


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("back", [5, torch.tensor([5, 5, 5]), torch.tensor([6, 5, 7])], ids=str)
def test_rolled_back_then_appended_is_never_having_appended(window, back):
    kept, other = cache(window=window), cache(window=window)
    first, draft, more = new(5), new(2), new(1)
    for x in (kept, other):
        x.append(*first)
    kept.append(*draft)
    kept.rollback(back)
    lengths = kept.lengths.tolist()
    assert lengths == (torch.full((B,), 5) + back * 0 + (back - 5)).tolist()
    if len(set(lengths)) == 1:
        assert kept.offset == 5
        for mine, expected in zip(kept.append(*more), other.append(*more), strict=True):
            assert (
                torch.equal(mine, expected) if isinstance(mine, torch.Tensor) else mine == expected
            )
        return
    whole = torch.cat((first, draft), dim=3)
    for row, length in enumerate(lengths):
        found = held(kept, row)
        assert torch.equal(found, whole[:, row, :, length - found.shape[2] : length])


def test_other_rows_in_other_order_and_the_old_cache_stays():
    kept, prompt = cache(), new(5)
    kept.append(*prompt, torch.tensor([5, 2, 4]))
    chosen = kept.select(torch.tensor([2, 2, 0, 1]))
    assert chosen.lengths.tolist() == [4, 4, 5, 2]
    chosen.append(*new(3, 4))
    chosen.rollback(torch.tensor([1, 0, 5, 2]))
    assert kept.lengths.tolist() == [5, 2, 4]
    for row, length in enumerate([5, 2, 4]):
        assert torch.equal(held(kept, row), prompt[:, row, :, :length])
    alike = kept.select(torch.tensor([1, 1]))
    assert alike.offset == 2  # nothing tells them apart any more


@pytest.mark.parametrize("sizes", [[1] * 30, [11, 1, 1, 4, 2, 11], [3, 3, 3, 3], [40, 1]], ids=str)
@pytest.mark.parametrize("window", [1, 2, 4])
def test_a_window_keeps_what_it_needs_and_no_more(window, sizes):
    kept, whole, end = cache(window=window, max_len=None), new(sum(sizes)), 0
    for size in sizes:
        keys, values, first = kept.append(*whole[:, :, :, end : end + size])
        begin, end = max(0, end - window + 1), end + size
        assert torch.equal(torch.stack((keys, values)), whole[:, :, :, begin:end])
        assert keys.shape[2] - first == size
        assert kept.nbytes == 2 * B * H_KV * 2 * window * D * 8
    assert kept.offset == end
    assert kept.start <= max(0, end - window + 1)


@pytest.mark.parametrize("window", [1, 3])
def test_a_window_over_rows_of_unequal_lengths(window):
    """Each row against a cache of its own."""
    torch.manual_seed(1)
    kept, alone = cache(window=window, max_len=None), []
    counts = torch.tensor([11, 1, 5])
    prompt = new(11)
    kept.append(*prompt, counts)
    for row in range(B):
        alone.append(KVCache(1, H_KV, D, max_len=None, window=window, dtype=torch.float64))
        alone[row].append(*prompt[:, row : row + 1, :, : counts[row]])
    for size in [1, 1, 2, 1, 1, 1, 4, 1, 1]:
        piece = new(size)
        keys, values, first = kept.append(*piece)
        for row in range(B):
            own = alone[row].append(*piece[:, row : row + 1])
            begin, end = first[row] - own[2], first[row] + size
            found = torch.stack((keys, values))[:, row, :, begin:end]
            assert torch.equal(found, torch.stack(own[:2])[:, 0])
        assert kept.nbytes == 2 * B * H_KV * 2 * window * D * 8


def test_one_append_of_a_window_and_one_can_be_taken_back_wherever_it_falls():
    window = 4
    for before in range(20):
        kept = cache(window=window, max_len=None)
        for _ in range(before):
            kept.append(*new(1))
        kept.append(*new(window + 1))
        kept.rollback(before)
        assert kept.offset == before


def test_gradients_flow_through_what_is_kept():
    """As through one concatenation, and nothing is written in place that they need."""
    parts = [new(n).requires_grad_() for n in (3, 1, 2)]
    weights = [torch.randn(n, dtype=torch.float64) for n in (3, 4, 6)]
    kept, total = cache(max_len=None), 0.0
    for part, weight in zip(parts, weights, strict=True):
        keys, values, _ = kept.append(*part)
        total = total + (keys.square() * weight[:, None]).sum() + values.sum()
    mine = torch.autograd.grad(total, parts)
    total = 0.0
    for n, weight in enumerate(weights, 1):
        keys, values = torch.cat(parts[:n], dim=3)
        total = total + (keys.square() * weight[:, None]).sum() + values.sum()
    for a, b in zip(mine, torch.autograd.grad(total, parts), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_window_bounds_a_graph_too():
    kept, end = cache(window=3, max_len=None), 0
    for size in (5, 1, 1, 4):
        part = new(size).requires_grad_()
        keys, _, first = kept.append(*part)
        end += size
        assert keys.shape[2] == min(end, size + 2)
        assert keys.shape[2] - first == size
        assert kept.nbytes <= 2 * B * H_KV * (size + 2) * D * 8
    assert kept.offset == end


@pytest.mark.parametrize("window", [None, 2])
def test_what_a_graph_needs_is_not_overwritten_without_gradients(window):
    part = new(3).requires_grad_()
    kept = cache(window=window)
    keys, _, _ = kept.append(*part)
    loss = keys.square().sum()
    kept.rollback(2)
    with torch.no_grad():
        for _ in range(4):
            kept.append(*new(1))
    (gradient,) = torch.autograd.grad(loss, part)
    torch.testing.assert_close(gradient[0], 2 * part[0].detach())
    assert gradient[1].eq(0).all()


def test_made_or_filled_in_inference_mode_it_can_be_written_to_outside():
    with torch.inference_mode():
        kept = cache(max_len=None)
        for _ in range(40):
            kept.append(*new(1))
        kept = kept.select(torch.tensor([1, 0, 2]))
    with torch.no_grad():
        kept.append(*new(1))
    assert kept.offset == 41


def test_kept_in_one_precision_and_given_back_in_another():
    kept = cache(dtype=torch.bfloat16)
    keys, _, _ = kept.append(*new(2).float())
    assert keys.dtype == torch.float32
    assert kept.nbytes == 2 * B * H_KV * MAX_LEN * D * 2
    mixed = new(4).float()
    kept.append(*mixed, torch.tensor([1, 2, 3]))
    keys, _, _ = kept.append(*mixed[:, :, :, :1])
    assert torch.equal(keys[1, :, 4], mixed[0, 1, :, 0].bfloat16().float())


def test_shows_its_sizes_and_no_address():
    kept = cache(window=2)
    kept.append(*new(3), torch.tensor([1, 2, 3]))
    assert repr(kept) == (
        "KVCache(batch_size=3, num_kv_heads=2, head_dim=5, max_len=9, window=2, lengths=[1, 2, 3])"
    )


@pytest.mark.parametrize("name", ["batch_size", "num_kv_heads", "head_dim", "max_len", "window"])
def test_sizes_below_1(name):
    sizes = {"batch_size": B, "num_kv_heads": H_KV, "head_dim": D, "max_len": 4, "window": 2}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        KVCache(**sizes | {name: 0})


def test_full():
    kept = cache()
    kept.append(*new(7))
    with pytest.raises(ValueError, match="at most max_len=9 positions, got 3 more after 7"):
        kept.append(*new(3))
    assert kept.offset == 7
    kept.append(*new(2))
    windowed = cache(window=2)
    windowed.append(*new(9))
    with pytest.raises(ValueError, match="at most max_len=9 positions, got 1 more after 9"):
        windowed.append(*new(1))


def test_rolled_back_to_what_is_not_there():
    kept = cache()
    kept.append(*new(4), torch.tensor([4, 2, 3]))
    with pytest.raises(ValueError, match="lengths must lie from 0 to the 2 held, got 3"):
        kept.rollback(3)
    with pytest.raises(ValueError, match="lengths must lie from 0 to the 4 held, got -1"):
        kept.rollback(-1)
    with pytest.raises(ValueError, match="lengths must lie from 0 to 4, got 5"):
        kept.rollback(torch.tensor([5, 2, 3]))
    with pytest.raises(
        ValueError, match=r"lengths must be integers of shape \(3,\), got .*float32"
    ):
        kept.rollback(torch.ones(3))
    windowed = cache(window=2)
    windowed.append(*new(8))
    with pytest.raises(ValueError, match=r"window=2 the oldest .* position 4, too late .* of 4"):
        windowed.rollback(4)
    windowed.rollback(5)


def test_shapes_that_do_not_fit():
    kept = cache()
    keys, values = new(2)
    with pytest.raises(ValueError, match=r"\(3, 2, T, 5\), got \(3, 2, 2, 5\) and \(3, 2, 1, 5\)"):
        kept.append(keys, values[:, :, :1])
    with pytest.raises(ValueError, match=r"got \(3, 1, 2, 5\)"):
        kept.append(keys[:, :1], values[:, :1])
    with pytest.raises(ValueError, match=r"got \(2, 2, 5\)"):
        kept.append(keys[0], values[0])
    with pytest.raises(ValueError, match="counts must lie from 0 to 2, got 3"):
        kept.append(keys, values, torch.tensor([1, 3, 2]))
    with pytest.raises(ValueError, match=r"counts must be integers of shape \(3,\), got .* \(2,\)"):
        kept.append(keys, values, torch.tensor([1, 2]))
    assert kept.offset == 0


def test_gradients_do_not_pass_rows_of_unequal_lengths():
    kept = cache()
    with pytest.raises(ValueError, match=r"unequal lengths .* torch.no_grad\(\), .*=True"):
        kept.append(*new(2).requires_grad_(), torch.tensor([1, 2, 1]))
    kept.append(*new(2), torch.tensor([1, 2, 1]))
    with pytest.raises(ValueError, match="which no gradient passes"):
        kept.append(*new(2).requires_grad_())
