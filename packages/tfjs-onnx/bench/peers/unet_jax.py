"""The networks of unet.ts in JAX, one jitted function a training step, timed on demand: JSON lines in, JSON lines out.

Images are NHWC and kernels HWIO, as flax has them: XLA's convolutions on CPUs are slower in PyTorch's layout.
"""
import math
import os

from peer_program import CONVOLUTION, CONVOLUTION_OPERATIONS, PRODUCT, PRODUCT_OPERATIONS, best_gflops, made_up, serve


def norm(x, axes, eps=1e-5):
    import jax.numpy as jnp
    from jax import lax

    mean = x.mean(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(jnp.square(x - mean).mean(axes, keepdims=True) + eps)


class UNet:
    """Reads its parameters by name through `p(name, shape)`, shapes in PyTorch's layout."""

    def __init__(self, config):
        self.config = config

    def linear(self, p, name, x, outputs, bias=True):
        y = x @ p(f"{name}.weight", (outputs, x.shape[-1]))
        return y + p(f"{name}.bias", (outputs,)) if bias else y

    def conv(self, p, name, x, outputs, kernel=3, stride=1):
        from jax import lax

        padding = (kernel - 1) // 2
        y = lax.conv_general_dilated(
            x,
            p(f"{name}.weight", (outputs, x.shape[-1], kernel, kernel)),
            (stride, stride),
            [(padding, padding)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return y + p(f"{name}.bias", (outputs,))

    def group_norm(self, p, name, x):
        n, h, w, c = x.shape
        grouped = norm(x.reshape(n, h * w, self.config["groups"], -1), (1, 3)).reshape(x.shape)
        return grouped * p(f"{name}.weight", (c,)) + p(f"{name}.bias", (c,))

    def layer_norm(self, p, name, x):
        return norm(x, -1) * p(f"{name}.weight", (x.shape[-1],)) + p(f"{name}.bias", (x.shape[-1],))

    def resnet(self, p, name, x, temb, outputs):
        from jax.nn import silu

        h = self.conv(p, f"{name}.conv1", silu(self.group_norm(p, f"{name}.norm1", x)), outputs)
        h = h + self.linear(p, f"{name}.time", temb, outputs)[:, None, None, :]
        h = self.conv(p, f"{name}.conv2", silu(self.group_norm(p, f"{name}.norm2", h)), outputs)
        return (x if x.shape[-1] == outputs else self.conv(p, f"{name}.skip", x, outputs, 1)) + h

    def attention(self, p, name, x, context):
        from jax.nn import softmax

        heads, width = self.config["heads"], x.shape[-1]

        def split(t):
            return t.reshape(t.shape[0], t.shape[1], heads, -1).transpose(0, 2, 1, 3)

        q, k, v = (split(self.linear(p, f"{name}.{which}", t, width, False)) for which, t in (("q", x), ("k", context), ("v", context)))
        out = softmax(q @ k.transpose(0, 1, 3, 2) / math.sqrt(q.shape[-1]), -1) @ v
        return self.linear(p, f"{name}.out", out.transpose(0, 2, 1, 3).reshape(x.shape), width)

    def transformer(self, p, name, x, context):
        n, h, w, c = x.shape
        y = self.linear(p, f"{name}.proj_in", self.group_norm(p, f"{name}.norm", x).reshape(n, h * w, c), c)
        normal = self.layer_norm(p, f"{name}.norm1", y)
        y = y + self.attention(p, f"{name}.self", normal, normal)
        y = y + self.attention(p, f"{name}.cross", self.layer_norm(p, f"{name}.norm2", y), context)
        return x + self.linear(p, f"{name}.proj_out", y, c).reshape(x.shape)

    def __call__(self, p, sample, time, context):
        import jax.numpy as jnp
        from jax.nn import silu

        config = self.config
        base, multipliers = config["base"], config["multipliers"]
        deepest = len(multipliers) - 1
        temb = silu(self.linear(p, "time_out", silu(self.linear(p, "time_in", time, 4 * base)), 4 * base))
        h = self.conv(p, "conv_in", sample, base)
        skips = [h]
        for level, multiplier in enumerate(multipliers):
            h = self.resnet(p, f"down.{level}.resnet", h, temb, base * multiplier)
            if level in config["attentionLevels"]:
                h = self.transformer(p, f"down.{level}.attention", h, context)
            skips.append(h)
            if level < deepest:
                h = self.conv(p, f"down.{level}.resample", h, base * multiplier, 3, 2)
                skips.append(h)
        width = base * multipliers[deepest]
        h = self.resnet(p, "mid.resnet1", h, temb, width)
        h = self.transformer(p, "mid.attention", h, context)
        h = self.resnet(p, "mid.resnet2", h, temb, width)
        for level in range(deepest, -1, -1):
            for j in (1, 2):
                h = self.resnet(p, f"up.{level}.resnet{j}", jnp.concatenate([h, skips.pop()], -1), temb, base * multipliers[level])
            if level in config["attentionLevels"]:
                h = self.transformer(p, f"up.{level}.attention", h, context)
            if level > 0:
                doubled = jnp.repeat(jnp.repeat(h, 2, 1), 2, 2)
                h = self.conv(p, f"up.{level}.resample", doubled, base * multipliers[level])
        return self.conv(p, "conv_out", silu(self.group_norm(p, "norm_out", h)), config["channels"])


def starting_value(name, shape):
    """initialParameters() of unet.ts, turned into JAX's layout."""
    import numpy

    if len(shape) == 1:
        return numpy.full(shape, 1 if name.endswith(".weight") else 0, numpy.float32)
    value = made_up(name, shape, math.sqrt(3 / math.prod(shape[1:])))
    return value.transpose(2, 3, 1, 0) if len(shape) == 4 else value.T


class Case:
    def __init__(self, config, batch, learning_rate):
        import jax
        import jax.numpy as jnp

        unet = UNet(config)
        image = (batch, config["channels"], config["size"], config["size"])
        unit = math.sqrt(3)
        inputs = (
            made_up("sample", image, unit).transpose(0, 2, 3, 1),
            made_up("time", (batch, config["base"]), unit),
            made_up("context", (batch, config["contextLength"], config["contextWidth"]), unit),
        )
        noise = made_up("noise", image, unit).transpose(0, 2, 3, 1)
        found = {}

        def declare(name, shape):
            found[name] = starting_value(name, shape)
            return jnp.zeros(found[name].shape)

        jax.eval_shape(lambda *given: unet(declare, *given), *inputs)
        self.params = {name: jnp.asarray(value) for name, value in found.items()}
        self.m, self.v = (jax.tree.map(jnp.zeros_like, self.params) for _ in range(2))
        self.count = 0

        def loss(params):
            return jnp.square(unet(lambda name, _: params[name], *inputs) - noise).mean()

        def step(params, m, v, t):
            value, grads = jax.value_and_grad(loss)(params)
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)

            def update(p, m, v):
                slope = (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
                return p * (1 - learning_rate * 0.01) - learning_rate * slope

            return value, jax.tree.map(update, params, m, v), m, v

        self.jitted = jax.jit(step, donate_argnums=(0, 1, 2))
        self.predict = jax.jit(lambda params: unet(lambda name, _: params[name], *inputs))

    def steps(self, count):
        losses = []
        for _ in range(count):
            self.count += 1
            value, self.params, self.m, self.v = self.jitted(self.params, self.m, self.v, float(self.count))
            losses.append(float(value))
        return losses

    def forward(self):
        import jax.numpy as jnp

        return float(jnp.square(self.predict(self.params)).mean())


def ceilings():
    import jax
    import jax.numpy as jnp
    from jax import lax

    batch, channels, size = CONVOLUTION["batch"], CONVOLUTION["channels"], CONVOLUTION["size"]
    a = jnp.ones((PRODUCT, PRODUCT))
    product = jax.jit(lambda a: a @ a)
    image, kernel = jnp.ones((batch, size, size, channels)), jnp.ones((3, 3, channels, channels))
    convolve = jax.jit(lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
    return {
        "matmul": best_gflops(lambda: product(a).block_until_ready(), PRODUCT_OPERATIONS),
        "convolution": best_gflops(lambda: convolve(image, kernel).block_until_ready(), CONVOLUTION_OPERATIONS),
    }


def make(config, batch, threads, learningRate, mode):
    # Read when the library is first used.
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    case = Case(config, batch, learningRate)
    return case, {
        "library": f"JAX {jax.__version__}",
        "instructions": None,
        "threads": threads,
        "optimizer": "AdamW, in the same function",
        "ceiling": ceilings(),
        "parameters": sum(p.size for p in case.params.values()),
    }


serve(make, lambda case, count: case.steps(count), lambda case: case.forward())
