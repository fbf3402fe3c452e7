"""What experiments/src/train/saved-by-diffusers.test.ts opens: ControlNets that diffusers made of a U-Net and saved itself.

python saved_by_diffusers.py FOLDER, where FOLDER/unet is the U-Net and FOLDER/widths.json the hint encoder's widths. Writes FOLDER/saved,
FOLDER/saved-f16 (its variant fp16), and FOLDER/residuals.json: what the first gives for made-up inputs.
"""

import json
import os
import sys

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from peer_program import made_up

folder = sys.argv[1]
unet = UNet2DConditionModel.from_pretrained(os.path.join(folder, "unet"), torch_dtype=torch.float32)
widths = json.load(open(os.path.join(folder, "widths.json")))
controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=tuple(widths))
with torch.no_grad():
    # What starts at zero would hide itself.
    for name, parameter in controlnet.named_parameters():
        if not parameter.any() or name.startswith("controlnet_cond_embedding"):
            parameter.copy_(torch.from_numpy(made_up(name, tuple(parameter.shape), 0.2)))
controlnet.save_pretrained(os.path.join(folder, "saved"))

side = 16
scale = 2 ** (len(widths) - 1)
with torch.no_grad():
    down, mid = controlnet(
        torch.from_numpy(made_up("sample", (1, unet.config.in_channels, side, side))),
        torch.tensor([321.0]),
        encoder_hidden_states=torch.from_numpy(made_up("context", (1, 5, unet.config.cross_attention_dim))),
        controlnet_cond=torch.from_numpy(made_up("condition", (1, 3, side * scale, side * scale))),
        return_dict=False,
    )
with open(os.path.join(folder, "residuals.json"), "w") as file:
    json.dump([residual.flatten().tolist() for residual in [*down, mid]], file)
controlnet.to(torch.float16).save_pretrained(os.path.join(folder, "saved-f16"), variant="fp16")
