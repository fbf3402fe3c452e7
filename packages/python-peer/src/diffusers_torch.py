"""diffusers' own U-Net, alone or under its own ControlNet, in PyTorch (eager or compiled) or OpenVINO. Started by diffusers-peer.ts.

Weights are stretches of one file of float32 numbers; what is not named there is all ones.
"""
import inspect

import numpy
import torch
from diffusers import ControlNetModel, UNet2DConditionModel, UNetSpatioTemporalConditionModel
from torch.nn import functional as F

from peer_program import serve


def build(cls, config, weights):
    """A model without drawing initial values, which would take longer than everything else."""
    for layer in (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear):
        layer.reset_parameters = lambda self: None
    known = inspect.signature(cls.__init__).parameters
    model = cls(**{key: value for key, value in config.items() if key in known and value is not None})
    pool = torch.from_numpy(numpy.memmap(weights["file"], dtype=numpy.float32, mode="c"))
    parameters, starts = dict(model.named_parameters()), weights["starts"]
    if parameters.keys() != starts.keys():
        raise ValueError(f"{cls.__name__}: parameters differ: {sorted(parameters.keys() ^ starts.keys())[:5]}")
    with torch.no_grad():
        for name, p in parameters.items():
            start = starts[name]
            p.fill_(1) if start is None else p.copy_(pool[start : start + p.numel()].view(p.shape))
    return model


class Predictor(torch.nn.Module):
    """The prediction for our inputs, by their names."""

    def __init__(self, unet, control):
        super().__init__()
        self.unet, self.control = unet, control

    def forward(self, sample, timesteps, context, condition=None, textEmbeds=None, timeIds=None):
        if isinstance(self.unet, UNetSpatioTemporalConditionModel):
            return self.unet(sample, timesteps, context, added_time_ids=timeIds).sample
        added = {} if textEmbeds is None else {"added_cond_kwargs": {"text_embeds": textEmbeds, "time_ids": timeIds}}
        if self.control is not None:
            down, mid = self.control(sample, timesteps, context, condition, return_dict=False, **added)
            added |= {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        return self.unet(sample, timesteps, context, **added).sample


def openvino_predict(model, inputs):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(openvino.convert_model(model.eval(), example_input=inputs), "CPU", settings)
    arrays = {name: t.numpy() for name, t in inputs.items()}
    return lambda: torch.from_numpy(compiled(arrays)[0])


class Case:
    def __init__(self, unet, control, inputs, mode, training):
        tensors = {name: torch.tensor(t["data"], dtype=torch.float32).view(t["shape"]) for name, t in inputs.items()}
        self.target = tensors.pop("target", None)
        video = unet["config"].get("_class_name") == "UNetSpatioTemporalConditionModel"
        base = build(UNetSpatioTemporalConditionModel if video else UNet2DConditionModel, **unet).requires_grad_(control is None and training is not None)
        trained = None if control is None else build(ControlNetModel, **control)
        if training is not None and training["recompute"]:
            for network in filter(None, (base.train(), trained and trained.train())):
                network.enable_gradient_checkpointing()
        model = Predictor(base, trained)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        run = torch.compile(model) if mode == "compile" else model
        self.predict = openvino_predict(model, tensors) if mode == "openvino" else lambda: run(**tensors)
        if training is not None:
            settings = {"lr": training["learningRate"], "weight_decay": training["weightDecay"]}
            self.optimizer = torch.optim.AdamW(self.parameters, foreach=True, **settings)
            self.ema = training["ema"]
            self.averages = None if self.ema is None else [p.detach().clone() for p in self.parameters]

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.mse_loss(self.predict(), self.target)
        loss.backward()
        self.optimizer.step()
        if self.averages is not None:
            with torch.no_grad():
                torch._foreach_mul_(self.averages, self.ema)
                torch._foreach_add_(self.averages, self.parameters, alpha=1 - self.ema)
        return loss.item()

    def forward(self):
        with torch.no_grad():
            return self.predict().square().mean().item()


def library(mode):
    import diffusers

    versions = f"diffusers {diffusers.__version__}, PyTorch {torch.__version__}"
    if mode != "openvino":
        return versions
    import openvino

    return f"OpenVINO {openvino.__version__.split('-')[0]} of {versions}"


def make(unet, control, inputs, threads, mode, training):
    torch.set_num_threads(threads)
    case = Case(unet, control, inputs, mode, training)
    return case, {
        "library": library(mode),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "trainable": sum(p.numel() for p in case.parameters),
    }


serve(make, lambda case, count: [case.step() for _ in range(count)], lambda case: case.forward())
