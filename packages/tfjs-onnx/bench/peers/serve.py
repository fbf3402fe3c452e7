"""What the peers share: the numbers of unet.ts, a ceiling, and the conversation on stdin and stdout."""
import json
import math
import sys
import time

import numpy


def numbers(name, shape, bound):
    """numbers() of unet.ts: the same bytes."""
    seed = 0
    for character in name.encode():
        seed = (seed * 31 + character) & 0xFFFFFFFF
    z = numpy.arange(math.prod(shape), dtype=numpy.uint32) ^ numpy.uint32(seed)
    z = (z ^ (z >> 16)) * numpy.uint32(0x85EBCA6B)
    z = (z ^ (z >> 13)) * numpy.uint32(0xC2B2AE35)
    z = z ^ (z >> 16)
    return ((z / 2.0**31 - 1) * bound).astype(numpy.float32).reshape(shape)


def gflops(work, operations, runs=5):
    """Best of a few runs after one that is not timed."""
    work()
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return round(operations / best / 1e9, 1)


def serve(make, steps, predict):
    """
    Answers JSON lines: `make` builds a case, `step` trains for `count` steps, `forward` predicts once.
    make(**settings) -> (case, description); steps(case, count) -> losses; predict(case) -> mean square of the prediction.
    """
    case = None
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("command")
        start = time.perf_counter()
        if command == "make":
            case, reply = make(**request)
        elif command == "step":
            losses = steps(case, request["count"])
            reply = {"ms": (time.perf_counter() - start) * 1e3, "values": losses}
        else:
            value = predict(case)
            reply = {"ms": (time.perf_counter() - start) * 1e3, "values": [value]}
        print(json.dumps(reply), flush=True)
