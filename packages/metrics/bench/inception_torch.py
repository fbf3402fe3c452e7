"""FID's Inception network in PyTorch eager, with the weights of inception-weights.ts: JSON lines in, JSON lines out."""
import json
import math
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from peer_common import numbers


class Conv(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def chain(module, prefix, x, names):
    for name in names:
        x = getattr(module, prefix + name)(x)
    return x


class A(nn.Module):
    def __init__(self, c, pool):
        super().__init__()
        self.branch1x1 = Conv(c, 64)
        self.branch5x5_1, self.branch5x5_2 = Conv(c, 48), Conv(48, 64, 5, 1, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3 = Conv(c, 64), Conv(64, 96, 3, 1, 1), Conv(96, 96, 3, 1, 1)
        self.branch_pool = Conv(c, pool)

    def forward(self, x):
        return torch.cat([self.branch1x1(x), chain(self, "branch5x5_", x, "12"), chain(self, "branch3x3dbl_", x, "123"), self.branch_pool(average(x))], 1)


class B(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branch3x3 = Conv(c, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3 = Conv(c, 64), Conv(64, 96, 3, 1, 1), Conv(96, 96, 3, 2)

    def forward(self, x):
        return torch.cat([self.branch3x3(x), chain(self, "branch3x3dbl_", x, "123"), F.max_pool2d(x, 3, 2)], 1)


ROW, COLUMN = dict(kernel=(1, 7), padding=(0, 3)), dict(kernel=(7, 1), padding=(3, 0))


class C(nn.Module):
    def __init__(self, c, w):
        super().__init__()
        self.branch1x1 = Conv(c, 192)
        self.branch7x7_1, self.branch7x7_2, self.branch7x7_3 = Conv(c, w), Conv(w, w, **ROW), Conv(w, 192, **COLUMN)
        self.branch7x7dbl_1, self.branch7x7dbl_2, self.branch7x7dbl_3 = Conv(c, w), Conv(w, w, **COLUMN), Conv(w, w, **ROW)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = Conv(w, w, **COLUMN), Conv(w, 192, **ROW)
        self.branch_pool = Conv(c, 192)

    def forward(self, x):
        return torch.cat([self.branch1x1(x), chain(self, "branch7x7_", x, "123"), chain(self, "branch7x7dbl_", x, "12345"), self.branch_pool(average(x))], 1)


class D(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Conv(c, 192), Conv(192, 320, 3, 2)
        self.branch7x7x3_1, self.branch7x7x3_2, self.branch7x7x3_3, self.branch7x7x3_4 = Conv(c, 192), Conv(192, 192, **ROW), Conv(192, 192, **COLUMN), Conv(192, 192, 3, 2)

    def forward(self, x):
        return torch.cat([chain(self, "branch3x3_", x, "12"), chain(self, "branch7x7x3_", x, "1234"), F.max_pool2d(x, 3, 2)], 1)


class E(nn.Module):
    def __init__(self, c, pool):
        super().__init__()
        row, column = dict(kernel=(1, 3), padding=(0, 1)), dict(kernel=(3, 1), padding=(1, 0))
        self.branch1x1 = Conv(c, 320)
        self.branch3x3_1, self.branch3x3_2a, self.branch3x3_2b = Conv(c, 384), Conv(384, 384, **row), Conv(384, 384, **column)
        self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3a, self.branch3x3dbl_3b = Conv(c, 448), Conv(448, 384, 3, 1, 1), Conv(384, 384, **row), Conv(384, 384, **column)
        self.branch_pool = Conv(c, 192)
        self.pool = pool

    def forward(self, x):
        threes, twice = self.branch3x3_1(x), chain(self, "branch3x3dbl_", x, "12")
        outputs = [self.branch1x1(x), self.branch3x3_2a(threes), self.branch3x3_2b(threes), self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([*outputs, self.branch_pool(self.pool(x))], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3 = Conv(3, 32, 3, 2), Conv(32, 32, 3), Conv(32, 64, 3, 1, 1)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Conv(64, 80), Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = A(192, 32), A(256, 64), A(288, 64)
        self.Mixed_6a = B(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = C(768, 128), C(768, 160), C(768, 160), C(768, 192)
        self.Mixed_7a = D(768)
        self.Mixed_7b, self.Mixed_7c = E(1280, average), E(2048, lambda x: F.max_pool2d(x, 3, 1, 1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x):
        x = F.max_pool2d(chain(self, "Conv2d_", x, ["1a_3x3", "2a_3x3", "2b_3x3"]), 3, 2)
        x = F.max_pool2d(chain(self, "Conv2d_", x, ["3b_1x1", "4a_3x3"]), 3, 2)
        return chain(self, "Mixed_", x, ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]).mean((2, 3))


def value(name, shape):
    """parameter() of inception-weights.ts."""
    if len(shape) > 1:
        return numbers(name, shape) * numpy.float32(math.sqrt(6 / math.prod(shape[1:])))
    return numbers(name, shape) * numpy.float32(0.25) + (1 if name.endswith("running_var") or name.endswith("bn.weight") else 0)


def main():
    model = Inception().eval()
    state = {name: tensor if name.endswith("num_batches_tracked") else value(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    for line in sys.stdin:
        request = json.loads(line)
        if "save" in request:
            torch.save(state, request["save"], _use_new_zipfile_serialization=request["layout"] == "zip")
            print(json.dumps({"entries": len(state)}), flush=True)
            continue
        torch.set_num_threads(request["threads"])
        images = numbers("images", request["shape"])
        start = time.perf_counter()
        with torch.no_grad():
            features = model(images)
        ms = (time.perf_counter() - start) * 1e3
        print(json.dumps({"torch": torch.__version__, "ms": ms, "features": features.flatten().tolist()}), flush=True)


if __name__ == "__main__":
    main()
