"""What every Python program beside ours needs, whatever library it uses: our made-up numbers, a ceiling, and the conversation."""
import contextlib
import json
import math
import sys
import time

import numpy


def made_up(name, shape, bound=1.0):
    """madeUpNumbers of made-up-numbers.ts: the same bytes."""
    seed = 0
    for character in name.encode():
        seed = (seed * 31 + character) & 0xFFFFFFFF
    z = numpy.arange(math.prod(shape), dtype=numpy.uint32) ^ numpy.uint32(seed)
    z = (z ^ (z >> 16)) * numpy.uint32(0x85EBCA6B)
    z = (z ^ (z >> 13)) * numpy.uint32(0xC2B2AE35)
    z = z ^ (z >> 16)
    return ((z / 2.0**31 - 1) * bound).astype(numpy.float32).reshape(shape)


def best_gflops(work, operations, runs=5):
    """Of the fastest of a few runs, after one that is not timed."""
    work()
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return round(operations / best / 1e9, 1)


# The ceiling of a peer: a square product, and a 3 x 3 convolution of 16 pictures of 32 x 32 from 128 channels to 128 (bench/ceiling.ts).
PRODUCT = 1024
CONVOLUTION = {"batch": 16, "channels": 128, "size": 32}
PRODUCT_OPERATIONS = 2 * PRODUCT**3
CONVOLUTION_OPERATIONS = 2 * CONVOLUTION["batch"] * CONVOLUTION["channels"] ** 2 * 9 * CONVOLUTION["size"] ** 2


def peak_bytes():
    """The most memory that this process has held; None where the system does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next((1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM")), None)
    return None


def serve(make, steps, predict):
    """
    Answers JSON lines: `make` builds a case, `step` trains for `count` steps, `forward` predicts once. What fails is the answer, {"error": ...}:
    a peer that cannot do a case is not measured, and the others go on.
    make(**settings) -> (case, description); steps(case, count) -> losses; predict(case) -> mean square of the prediction.
    """
    case = None
    answers = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("command")
        start = time.perf_counter()
        try:
            # Libraries print to stdout as they like.
            with contextlib.redirect_stdout(sys.stderr):
                if command == "make":
                    case, reply = make(**request)
                elif command == "step":
                    values = steps(case, request["count"])
                    reply = {"ms": (time.perf_counter() - start) * 1e3, "values": values, "peakBytes": peak_bytes()}
                else:
                    value = predict(case)
                    reply = {"ms": (time.perf_counter() - start) * 1e3, "values": [value], "peakBytes": peak_bytes()}
        except Exception as error:  # noqa: BLE001: whatever a library throws
            reply = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"}
        print(json.dumps(reply), file=answers, flush=True)
