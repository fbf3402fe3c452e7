"""What the programs in PyTorch beside ours have in common. PythonPeer puts this folder on their path."""
import math
import time

import torch
from torch.nn import functional as F

from peer_program import made_up


def numbers(name, shape, bound=1.0):
    """Our made-up numbers as a tensor."""
    return torch.from_numpy(made_up(name, shape, bound))


def attend(q, k, v, heads):
    """softmax(q k^T / sqrt(d)) v head by head, of [N, T, heads * d]."""
    def split(t):
        return t.view(t.shape[0], t.shape[1], heads, -1).transpose(1, 2)

    width = q.shape
    q, k, v = split(q), split(k), split(v)
    if hasattr(F, "scaled_dot_product_attention"):
        out = F.scaled_dot_product_attention(q, k, v)
    else:
        out = torch.softmax(q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1])), -1) @ v
    return out.transpose(1, 2).reshape(width)


def matmul_gflops(size=1024, runs=5):
    """Best of a few products: Debian's PyTorch uses whichever BLAS is installed, and the reference one is a hundred times slower."""
    a = torch.randn(size, size)
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return round(2 * size**3 / best / 1e9, 1)
