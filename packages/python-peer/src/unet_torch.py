"""diffusers' UNet2DConditionModel in PyTorch eager, timed on demand: JSON lines in, JSON lines out. Started by torch-unet.ts.

Parameters are named as in diffusers' state_dict; what the configuration does not mention is as in Stable Diffusion 1 and 2.
"""
import inspect
import json
import math
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from peer_common import attend, matmul_gflops


class Resnet(nn.Module):
    def __init__(self, inputs, outputs, time_width, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, outputs)
        self.norm2 = nn.GroupNorm(groups, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        return self.to_out[0](attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


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
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, context_width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x, context):
        normal = self.norm1(x)
        x = x + self.attn1(normal, normal)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width, context_width, heads, groups, linear):
        super().__init__()
        self.linear = linear
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([Block(width, context_width, heads)])
        self.proj_out = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)

    def forward(self, x, context):
        h = self.norm(x)
        tokens = self.proj_in(h.flatten(2).transpose(1, 2)) if self.linear else self.proj_in(h).flatten(2).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, context)
        if self.linear:
            return x + self.proj_out(tokens).transpose(1, 2).reshape(x.shape)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))


class Resample(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=stride, padding=1)
        self.up = stride == 1

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest") if self.up else x)


class Level(nn.Module):
    """Residual blocks of one resolution, each followed by a transformer if there is attention."""

    def __init__(self, widths, outputs, time_width, groups, transformer):
        super().__init__()
        self.resnets = nn.ModuleList([Resnet(inputs, outputs, time_width, groups) for inputs in widths])
        self.attentions = nn.ModuleList([transformer() for _ in widths] if transformer else [])

    def layer(self, i, x, temb, context):
        x = self.resnets[i](x, temb)
        return self.attentions[i](x, context) if len(self.attentions) else x


class TimeEmbedding(nn.Module):
    def __init__(self, width, time_width):
        super().__init__()
        self.width = width
        self.linear_1 = nn.Linear(width, time_width)
        self.linear_2 = nn.Linear(time_width, time_width)

    def forward(self, t):
        half = self.width // 2
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        return self.linear_2(F.silu(self.linear_1(torch.cat([torch.cos(angles), torch.sin(angles)], 1))))


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, layers = config["block_out_channels"], config["layers_per_block"]
        groups = config.get("norm_num_groups", 32)
        heads = config["attention_head_dim"]
        heads = heads if isinstance(heads, list) else [heads] * len(widths)
        last, time_width = len(widths) - 1, 4 * widths[0]

        def transformer(i):
            return lambda: Transformer(widths[i], config["cross_attention_dim"], heads[i], groups, config.get("use_linear_projection", False))

        def level(i, inputs, attention):
            return Level(inputs, widths[i], time_width, groups, transformer(i) if attention else None)

        self.conv_in = nn.Conv2d(config.get("in_channels", 4), widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0], time_width)
        self.down_blocks = nn.ModuleList()
        skips, width = [widths[0]], widths[0]
        for i, outputs in enumerate(widths):
            block = level(i, [width] + [outputs] * (layers - 1), config["down_block_types"][i].startswith("CrossAttn"))
            skips += [outputs] * layers
            if i < last:
                block.downsamplers = nn.ModuleList([Resample(outputs, 2)])
                skips.append(outputs)
            self.down_blocks.append(block)
            width = outputs
        self.mid_block = level(last, [width], True)
        self.mid_block.resnets.append(Resnet(width, width, time_width, groups))
        self.up_blocks = nn.ModuleList()
        for i in reversed(range(len(widths))):
            inputs = []
            for _ in range(layers + 1):
                inputs.append(width + skips.pop())
                width = widths[i]
            block = level(i, inputs, config["up_block_types"][last - i].startswith("CrossAttn"))
            if i > 0:
                block.upsamplers = nn.ModuleList([Resample(width, 1)])
            self.up_blocks.append(block)
        self.conv_norm_out = nn.GroupNorm(groups, width)
        self.conv_out = nn.Conv2d(width, config.get("out_channels", 4), 3, padding=1)

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


def build(config, weights):
    # Initial values would take longer to draw than everything else here.
    for layer in (nn.Conv2d, nn.Linear):
        layer.reset_parameters = lambda self: None
    model = UNet(config)
    pool = torch.from_numpy(numpy.fromfile(weights["file"], dtype=numpy.float32))
    parameters, starts = dict(model.named_parameters()), weights["starts"]
    if parameters.keys() != starts.keys():
        raise SystemExit(f"unet_torch.py: parameters differ: {sorted(parameters.keys() ^ starts.keys())[:5]}")
    with torch.no_grad():
        for name, p in parameters.items():
            start = starts[name]
            p.fill_(1) if start is None else p.copy_(pool[start : start + p.numel()].view(p.shape))
    return model


class Network:
    def __init__(self, config, weights, inputs, training=None):
        self.model = build(config, weights)
        tensors = {name: torch.tensor(t["data"], dtype=torch.float32).view(t["shape"]) for name, t in inputs.items()}
        self.inputs = tensors["sample"], tensors["timesteps"], tensors["context"]
        if training is not None:
            self.target = tensors["target"]
            self.parameters = list(self.model.parameters())
            # The fast path is the default only on a GPU, and not in every version.
            foreach = {"foreach": True} if "foreach" in inspect.signature(torch.optim.AdamW.__init__).parameters else {}
            self.optimizer = torch.optim.AdamW(self.parameters, lr=training["learningRate"], **foreach)
            self.ema = training["ema"]
            self.averages = [p.detach().clone() for p in self.parameters]

    def forward(self):
        with torch.no_grad():
            return self.model(*self.inputs)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.mse_loss(self.model(*self.inputs), self.target)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(self.averages, self.ema)
            torch._foreach_add_(self.averages, self.parameters, alpha=1 - self.ema)
        return loss.item()


def main():
    network = None
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("command")
        start = time.perf_counter()
        if command == "make":
            torch.set_num_threads(request.pop("threads"))
            network = Network(**request)
            reply = {"startSeconds": time.perf_counter() - start, "torch": torch.__version__, "threads": torch.get_num_threads(), "matmulGflops": matmul_gflops()}
        elif command == "step":
            losses = [network.step() for _ in range(request["count"])]
            reply = {"seconds": time.perf_counter() - start, "losses": losses}
        else:
            prediction = network.forward()
            reply = {"seconds": time.perf_counter() - start, "meanSquare": prediction.square().mean().item()}
        print(json.dumps(reply), flush=True)


main()
