#!/usr/bin/env python3
"""GANomaly's scoring with ONNX Runtime and OpenVINO: what one would deploy a PyTorch model with. Output as pytorch.py's.

    pip install torch onnx onnxscript onnxruntime openvino && python runtimes.py
"""
import json
import pathlib
import tempfile

import numpy as np
import onnxruntime
import openvino
import torch

from pytorch import Generator, seconds


def main():
    torch.manual_seed(0)
    network = Generator(32, 1).eval()
    for batch, case, repetitions, unit in ((1, "ganomaly32_score1", 60, "ms"), (64, "ganomaly32_score64", 15, "samples/s")):
        x = np.random.default_rng(0).uniform(-1, 1, (batch, 1, 32, 32)).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            file = str(pathlib.Path(folder, "ganomaly.onnx"))
            torch.onnx.export(network, (torch.from_numpy(x),), file, dynamo=True, external_data=False, verbose=False)
            session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
            name = session.get_inputs()[0].name
            hint = "LATENCY" if batch == 1 else "THROUGHPUT"
            settings = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": "f32"}
            compiled = openvino.Core().compile_model(file, "CPU", settings)
            runs = dict(onnxruntime=lambda: session.run(None, {name: x}), openvino=lambda: compiled(x))
            for variant, run in runs.items():
                took = seconds(run, repetitions)
                value = 1e3 * took if unit == "ms" else batch / took
                print(json.dumps(dict(case=case, variant=variant, value=value, unit=unit)), flush=True)


if __name__ == "__main__":
    main()
