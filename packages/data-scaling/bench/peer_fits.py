"""Fits of Chinchilla's law by other libraries: one JSON request a line, one JSON reply a line."""

import importlib.util
import json
import sys
import tempfile
import time

import numpy as np


def objective(runs, E, A, alpha, B, beta):
    r = np.log(E + A / runs["N"] ** alpha + B / runs["D"] ** beta) - np.log(runs["loss"])
    size = np.abs(r)
    return float(np.sum(np.where(size <= 1e-3, 0.5 * r * r, 1e-3 * (size - 5e-4))))


def fit_chinchilla(runs):
    from chinchilla import Chinchilla
    from chinchilla._metrics import log_huber

    grid = dict(E=[1.0, 2.0], a=[0.0, 10.0, 20.0], b=[0.0, 10.0, 20.0], alpha=[0.0, 0.5, 1.0], beta=[0.0, 0.5, 1.0])
    grid = {name: np.array(values) for name, values in grid.items()}
    with tempfile.TemporaryDirectory() as folder:
        model = Chinchilla(folder, param_grid=grid, loss_fn=lambda y, p: log_huber(y, p, 1e-3), log_level=40)
        for N, D, loss in zip(runs["N"], runs["D"], runs["loss"]):
            model.database.append(C=6 * N * D, N=N, D=D, loss=loss)
        start = time.process_time()
        model.fit(parallel=False)
        return [float(getattr(model, name)) for name in ("E", "A", "alpha", "B", "beta")], time.process_time() - start


def fit_vpnls(runs):
    import vpnls

    start = time.process_time()
    found = vpnls.fit_vpnls(runs["N"], runs["D"], runs["loss"])
    return [float(getattr(found, name)) for name in ("E", "A", "alpha", "B", "beta")], time.process_time() - start


for line in sys.stdin:
    request = json.loads(line)
    runs = {name: np.array(values) for name, values in request["runs"].items()}
    name = request["library"]
    if importlib.util.find_spec(name) is None:
        print(json.dumps({"reason": f"this Python has no {name}"}), flush=True)
        continue
    try:
        parameters, seconds = {"chinchilla": fit_chinchilla, "vpnls": fit_vpnls}[name](runs)
        print(json.dumps({"objective": objective(runs, *parameters), "parameters": parameters, "cpuSeconds": seconds}), flush=True)
    except Exception as error:  # A library's own failure is a result of the comparison.
        print(json.dumps({"reason": f"{type(error).__name__}: {error}"}), flush=True)
