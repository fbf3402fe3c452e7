"""SD1.5's U-Net in PyTorch, eagerly: the same network from the same numbers, timed beside ours. Started by peer.ts.

Reads one JSON object from stdin and prints one. Parameters are named as in diffusers' state_dict.
"""

import json
import math
import sys
import time

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS = (320, 640, 1280, 1280)
ATTENTION = (True, True, True, False)
HEADS = 8
TEXT = 768
TIME = 1280
GROUPS = 32


class Resnet(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(TIME, outputs)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, width, context_width):
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        def split(t):
            return t.view(t.shape[0], t.shape[1], HEADS, -1).transpose(1, 2)

        q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
        if hasattr(F, "scaled_dot_product_attention"):
            out = F.scaled_dot_product_attention(q, k, v)
        else:
            out = torch.softmax(q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1])), -1) @ v
        return self.to_out[0](out.transpose(1, 2).reshape(x.shape))


class Geglu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        hidden, gate = self.proj(x).chunk(2, -1)
        return hidden * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Geglu(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, TEXT)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x, context):
        normal = self.norm1(x)
        x = x + self.attn1(normal, normal)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([Block(width)])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x, context):
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, context)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))


class Resample(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=stride, padding=1)
        self.up = stride == 1

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest") if self.up else x)


class Level(nn.Module):
    def __init__(self, widths, outputs, attention):
        super().__init__()
        self.resnets = nn.ModuleList([Resnet(inputs, outputs) for inputs in widths])
        self.attentions = nn.ModuleList([Transformer(outputs) for _ in widths] if attention else [])

    def layer(self, i, x, temb, context):
        x = self.resnets[i](x, temb)
        return self.attentions[i](x, context) if len(self.attentions) else x


class TimeEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_1 = nn.Linear(WIDTHS[0], TIME)
        self.linear_2 = nn.Linear(TIME, TIME)

    def forward(self, t):
        half = WIDTHS[0] // 2
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        return self.linear_2(F.silu(self.linear_1(torch.cat([torch.cos(angles), torch.sin(angles)], 1))))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        last = len(WIDTHS) - 1
        self.conv_in = nn.Conv2d(4, WIDTHS[0], 3, padding=1)
        self.time_embedding = TimeEmbedding()
        self.down_blocks = nn.ModuleList()
        skips, width = [WIDTHS[0]], WIDTHS[0]
        for i, outputs in enumerate(WIDTHS):
            level = Level([width, outputs], outputs, ATTENTION[i])
            skips += [outputs, outputs]
            if i < last:
                level.downsamplers = nn.ModuleList([Resample(outputs, 2)])
                skips.append(outputs)
            self.down_blocks.append(level)
            width = outputs
        self.mid_block = Level([width], width, True)
        self.mid_block.resnets.append(Resnet(width, width))
        self.up_blocks = nn.ModuleList()
        for i in reversed(range(len(WIDTHS))):
            outputs, inputs = WIDTHS[i], []
            for _ in range(3):
                inputs.append(width + skips.pop())
                width = outputs
            level = Level(inputs, outputs, ATTENTION[i])
            if i > 0:
                level.upsamplers = nn.ModuleList([Resample(outputs, 1)])
            self.up_blocks.append(level)
        self.conv_norm_out = nn.GroupNorm(GROUPS, width)
        self.conv_out = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, sample, timesteps, context):
        temb = self.time_embedding(timesteps)
        h = self.conv_in(sample)
        skips = [h]
        for level in self.down_blocks:
            for i in range(len(level.resnets)):
                h = level.layer(i, h, temb, context)
                skips.append(h)
            if hasattr(level, "downsamplers"):
                h = level.downsamplers[0](h)
                skips.append(h)
        h = self.mid_block.resnets[1](self.mid_block.layer(0, h, temb, context), temb)
        for level in self.up_blocks:
            for i in range(len(level.resnets)):
                h = level.layer(i, torch.cat([h, skips.pop()], 1), temb, context)
            if hasattr(level, "upsamplers"):
                h = level.upsamplers[0](h)
        return self.conv_out(F.silu(self.conv_norm_out(h)))


def build(pool_file, starts):
    # Initial values would take longer to draw than everything else here.
    for layer in (nn.Conv2d, nn.Linear):
        layer.reset_parameters = lambda self: None
    model = UNet()
    pool = torch.from_numpy(numpy.fromfile(pool_file, dtype=numpy.float32))
    parameters = dict(model.named_parameters())
    if parameters.keys() != starts.keys():
        raise SystemExit(f"parameters differ: {sorted(parameters.keys() ^ starts.keys())[:5]}")
    with torch.no_grad():
        for name, p in parameters.items():
            start = starts[name]
            p.fill_(1) if start is None else p.copy_(pool[start : start + p.numel()].view(p.shape))
    return model.eval()


def matmul_gflops(size=1024, runs=5):
    """Best of a few products: Debian's PyTorch uses whichever BLAS is installed, and the reference one is a hundred times slower."""
    a = torch.randn(size, size)
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def main():
    request = json.load(sys.stdin)
    torch.set_num_threads(request["threads"])
    start = time.perf_counter()
    model = build(request["pool"], request["starts"])
    start_seconds = time.perf_counter() - start
    inputs = [torch.tensor(request["inputs"][name]["data"], dtype=torch.float32).view(request["inputs"][name]["shape"]) for name in ("sample", "timesteps", "context")]
    seconds = []
    with torch.no_grad():
        for _ in range(request["warmUp"] + request["steps"]):
            start = time.perf_counter()
            prediction = model(*inputs)
            seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "matmulGflops": matmul_gflops(),
        "startSeconds": start_seconds,
        "seconds": seconds[request["warmUp"]:],
        "meanSquare": prediction.square().mean().item(),
    }))


main()
