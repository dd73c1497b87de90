#!/usr/bin/env python3
"""Runs `unlike bench speed` and the same work in PyTorch in turn on this machine, and prints a table of ratios.

    cargo build --release && python3 scripts/speed/compare.py target/release/unlike

Needs nothing but Python: PyTorch (and, with --onnx, ONNX Runtime and OpenVINO) go into a virtual environment of their
own, --env, made on the first run. Each case runs in a process of its own, PyTorch and unlike by turns, --rounds times;
medians over the rounds are compared, with the best variant of PyTorch. Memory is the peak of the whole process
(resident set, as the kernel reports it when the process ends).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).parent
CASES = (
    "ganomaly32_train ganomaly32_score64 ganomaly32_score1 ganomaly64_train egbad28_train egbad28_score100 "
    "egbadkdd_train egbadkdd_score anogan28_search64 anogan28_search1"
).split()


def python_with(packages, folder):
    """A Python in `folder` that has these packages."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "packages.txt"
    if not done.exists() or done.read_text() != " ".join(packages):
        if not python.exists():
            venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stdout=sys.stderr)
        done.write_text(" ".join(packages))
    return python


def run(command):
    """The lines of JSON that a process printed, and its peak memory in MiB."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    return output, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unlike", help="the binary")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--variants", default="plain,channels-last", help="of PyTorch; `compile` is the third")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnx", action="store_true", help="also ONNX Runtime and OpenVINO, where they have a case")
    parser.add_argument("--env", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "unlike-speed")
    parser.add_argument("--python", help="one that has the packages already, instead of --env")
    options = parser.parse_args()
    packages = ["torch", "numpy"] + ["onnx", "onnxscript", "onnxruntime", "openvino"] * options.onnx
    python = options.python or python_with(packages, options.env)

    found = {}  # (case, who) -> values
    memory = {}  # (case, who) -> MiB
    units = {}

    def note(output, case, peak, ours):
        for line in output.splitlines():
            result = json.loads(line)
            if result["case"] != case:
                continue
            who = "unlike" if ours else result["variant"]
            found.setdefault((case, who), []).append(result["value"])
            units[case] = result["unit"]
            memory.setdefault((case, who), []).append(peak)

    cases = options.cases.split(",")
    for turn in range(options.rounds):
        for case in cases:
            print(f"round {turn + 1} of {options.rounds}: {case}", file=sys.stderr)
            for variant in options.variants.split(","):
                output, peak = run([python, HERE / "pytorch.py", "--cases", case, "--variants", variant])
                note(output, case, peak, ours=False)
            output, peak = run([options.unlike, "bench", "speed", "--json", "--cases", case])
            lines = "\n".join(json.dumps(result) for result in json.loads(output)["results"])
            note(lines, case, peak, ours=True)
        if options.onnx and any(case.startswith("ganomaly32_score") for case in cases):
            output, peak = run([python, HERE / "runtimes.py"])
            for case in cases:
                note(output, case, peak, ours=False)

    others = options.variants.split(",")
    print("| case | unlike | best PyTorch | ratio | memory | PyTorch's |" + " best of ONNX Runtime, OpenVINO |" * options.onnx)
    print("| --- | ---: | ---: | ---: | ---: | ---: |" + " ---: |" * options.onnx)
    for case in cases:
        unit = units[case]
        better = min if unit == "ms" else max
        median = lambda who: statistics.median(found[case, who])
        ours = median("unlike")
        theirs = better(median(who) for who in others)
        ratio = theirs / ours if unit == "ms" else ours / theirs
        least = min(statistics.median(memory[case, who]) for who in others)
        digits = 3 if unit == "ms" else 0
        row = [
            case,
            f"{ours:,.{digits}f} {unit}",
            f"{theirs:,.{digits}f}",
            f"{ratio:.2f}×",
            f"{statistics.median(memory[case, 'unlike']):.0f} MiB",
            f"{least:.0f} MiB",
        ]
        if options.onnx:
            runtimes = [who for who in ("onnxruntime", "openvino") if (case, who) in found]
            best = better((median(who) for who in runtimes), default=None)
            row.append("" if best is None else f"{best:,.{digits}f}")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
