"""The networks of unet.ts in PyTorch (eager or compiled) and OpenVINO, timed on demand: JSON lines in, JSON lines out."""
import inspect
import math

import torch
from torch import nn
from torch.nn import functional as F

from peer_common import attend, numbers
from peer_program import CONVOLUTION, CONVOLUTION_OPERATIONS, PRODUCT, PRODUCT_OPERATIONS, best_gflops, serve


class Resnet(nn.Module):
    def __init__(self, inputs, outputs, time_width, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time_width, outputs)
        self.norm2 = nn.GroupNorm(groups, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(temb)[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.skip(x) if hasattr(self, "skip") else x) + h


class Attention(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(context_width, width, bias=False)
        self.v = nn.Linear(context_width, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x, context):
        return self.out(attend(self.q(x), self.k(context), self.v(context), self.heads))


class Transformer(nn.Module):
    def __init__(self, width, context_width, heads, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width)
        self.proj_in = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.self = Attention(width, width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.cross = Attention(width, context_width, heads)
        self.proj_out = nn.Linear(width, width)

    def forward(self, x, context):
        y = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))
        normal = self.norm1(y)
        y = y + self.self(normal, normal)
        y = y + self.cross(self.norm2(y), context)
        return x + self.proj_out(y).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        base, multipliers, groups = config["base"], config["multipliers"], config["groups"]
        time_width = 4 * base

        def transformer(width):
            return Transformer(width, config["contextWidth"], config["heads"], groups)

        def level(modules, index, width):
            if index in config["attentionLevels"]:
                modules["attention"] = transformer(width)
            return nn.ModuleDict(modules)

        self.time_in = nn.Linear(base, time_width)
        self.time_out = nn.Linear(time_width, time_width)
        self.conv_in = nn.Conv2d(config["channels"], base, 3, padding=1)
        channels, skips = base, [base]
        self.down = nn.ModuleDict()
        for i, multiplier in enumerate(multipliers):
            modules = {"resnet": Resnet(channels, base * multiplier, time_width, groups)}
            channels = base * multiplier
            skips.append(channels)
            if i < len(multipliers) - 1:
                modules["resample"] = nn.Conv2d(channels, channels, 3, 2, 1)
                skips.append(channels)
            self.down[str(i)] = level(modules, i, channels)
        self.mid = nn.ModuleDict({
            "resnet1": Resnet(channels, channels, time_width, groups),
            "attention": transformer(channels),
            "resnet2": Resnet(channels, channels, time_width, groups),
        })
        self.up = nn.ModuleDict()
        for i in reversed(range(len(multipliers))):
            modules, width = {}, base * multipliers[i]
            for j in (1, 2):
                modules[f"resnet{j}"] = Resnet(channels + skips.pop(), width, time_width, groups)
                channels = width
            if i > 0:
                modules["resample"] = nn.Conv2d(width, width, 3, padding=1)
            self.up[str(i)] = level(modules, i, width)
        self.norm_out = nn.GroupNorm(groups, channels)
        self.conv_out = nn.Conv2d(channels, config["channels"], 3, padding=1)

    def forward(self, sample, time, context):
        temb = F.silu(self.time_out(F.silu(self.time_in(time))))
        h = self.conv_in(sample)
        skips = [h]
        levels = len(self.config["multipliers"])
        for i in range(levels):
            block = self.down[str(i)]
            h = block["resnet"](h, temb)
            if "attention" in block:
                h = block["attention"](h, context)
            skips.append(h)
            if "resample" in block:
                h = block["resample"](h)
                skips.append(h)
        h = self.mid["resnet1"](h, temb)
        h = self.mid["attention"](h, context)
        h = self.mid["resnet2"](h, temb)
        for i in reversed(range(levels)):
            block = self.up[str(i)]
            for j in (1, 2):
                h = block[f"resnet{j}"](torch.cat([h, skips.pop()], 1), temb)
            if "attention" in block:
                h = block["attention"](h, context)
            if "resample" in block:
                h = block["resample"](F.interpolate(h, scale_factor=2, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(h)))


class Case:
    """@param mode eager, compile (torch.compile, inductor), openvino (predictions alone) @param device cpu, or cuda"""

    def __init__(self, config, batch, learning_rate, mode, device):
        self.model = UNet(config)
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                if p.dim() > 1:
                    p.copy_(numbers(name, tuple(p.shape), math.sqrt(3 / p[0].numel())))
                else:
                    p.fill_(1 if name.endswith(".weight") else 0)
        self.model.to(device)
        foreach = "foreach" in inspect.signature(torch.optim.AdamW.__init__).parameters
        self.optimizer_name = "AdamW, foreach" if foreach else "AdamW"
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=learning_rate, **({"foreach": True} if foreach else {}))
        image = (batch, config["channels"], config["size"], config["size"])
        self.inputs = tuple(t.to(device) for t in (
            numbers("sample", image, math.sqrt(3)),
            numbers("time", (batch, config["base"]), math.sqrt(3)),
            numbers("context", (batch, config["contextLength"], config["contextWidth"]), math.sqrt(3)),
        ))
        self.noise = numbers("noise", image, math.sqrt(3)).to(device)

        self.loss = lambda: F.mse_loss(self.model(*self.inputs), self.noise)
        self.predict = lambda: self.model(*self.inputs)
        if mode == "compile":
            compiled = torch.compile(self.model)
            self.loss = lambda: F.mse_loss(compiled(*self.inputs), self.noise)
            self.predict = lambda: compiled(*self.inputs)
        if mode == "openvino":
            self.loss = None
            self.predict = openvino_predict(self.model, self.inputs)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def forward(self):
        with torch.no_grad():
            return self.predict()


def openvino_predict(model, inputs):
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(openvino.convert_model(model.eval(), example_input=inputs), "CPU", settings)
    arrays = [t.numpy() for t in inputs]
    return lambda: torch.from_numpy(compiled(arrays)[0])


def ceilings(device):
    batch, channels, size = CONVOLUTION["batch"], CONVOLUTION["channels"], CONVOLUTION["size"]
    a = torch.randn(PRODUCT, PRODUCT, device=device)
    image, kernel = torch.randn(batch, channels, size, size, device=device), torch.randn(channels, channels, 3, 3, device=device)

    def done(_):
        if device == "cuda":
            torch.cuda.synchronize()

    with torch.no_grad():
        return {
            "matmul": best_gflops(lambda: done(a @ a), PRODUCT_OPERATIONS),
            "convolution": best_gflops(lambda: done(F.conv2d(image, kernel, padding=1)), CONVOLUTION_OPERATIONS),
        }


def library(mode):
    if mode == "openvino":
        import openvino

        return f"OpenVINO {openvino.__version__.split('-')[0]}"
    return f"PyTorch {torch.__version__}"


def make(config, batch, threads, learningRate, mode, device):
    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("PyTorch has no CUDA here")
    # The engine computes in float32: so does PyTorch, whose convolutions would round to TF32.
    torch.backends.cudnn.allow_tf32 = False
    case = Case(config, batch, learningRate, mode, device)
    return case, {
        "library": library(mode) + (f", {torch.cuda.get_device_name()}" if device == "cuda" else ""),
        "instructions": torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu") else None,
        "threads": torch.get_num_threads(),
        "optimizer": None if mode == "openvino" else case.optimizer_name,
        "ceiling": None if mode == "openvino" else ceilings(device),
        "parameters": sum(p.numel() for p in case.model.parameters()),
    }


serve(make, lambda case, count: [case.step() for _ in range(count)], lambda case: case.forward().square().mean().item())
