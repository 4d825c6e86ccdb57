#!/usr/bin/env python3
"""Avouch and EZKL on the same models, on the same machine, in one run.

Makes a virtual environment beside this file, installs EZKL there, and runs itself again in it for each job of EZKL's: a
process of its own for each step, so that the peak of its memory is its own. See README.md.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ["ezkl==23.0.5", "onnx", "numpy"]
MODELS = ["mlp_digits", "accel_mlp", "accel_conv1d", "dense_256k", "lenet_mnist"]
SYSTEMS = ["groth16-bn254:v1", "groth16-lookup-bn254:v1", "halo2-ipa-pasta:v1"]
# Bytes that EZKL was seen to need, for --skip-above-memory: by models, not by settings.
EZKL_MEMORY_GB = {"mlp_digits": 0.5, "accel_mlp": 0.5, "accel_conv1d": 1.5, "dense_256k": 3, "lenet_mnist": 12}
# EZKL's settings: `run_args` other than its defaults, and the scales to calibrate with (none: not calibrated).
# By hand: legs of 128 instead of 16,384, so that a smaller domain is enough, and scales of 7, its defaults.
TUNED = {"decomp_base": 128, "decomp_legs": 4, "input_scale": 7, "param_scale": 7}
SETTINGS = {
    "default": {"run_args": {}},
    "calibrated": {"run_args": {}, "calibrate": {}},
    "tuned": {"run_args": TUNED, "calibrate": {"scales": [7]}},
}


def main():
    if sys.argv[1:2] == ["--step"]:
        return step(sys.argv[2], json.loads(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of model folders: float.onnx, calibration.npy, inputs.npy, int8_qop.onnx")
    parser.add_argument("--avouch", type=Path, required=True, help="the avouch program, built with --release")
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME", help="by default: " + " ".join(MODELS))
    parser.add_argument("--skip-above-memory", type=float, metavar="GB", help="leave out what EZKL needs more memory for")
    parser.add_argument("--runs", type=int, default=5, help="proofs whose median counts (EZKL: of those above 30 s, one)")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="EZKL's; by default all")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    parser.add_argument("--add", action="store_true", help="keep the output's rows that are not measured again")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs: at least one proof is needed")

    python = environment()
    results = []
    with tempfile.TemporaryDirectory(prefix="avouch-peers-") as work:
        for name in options.models:
            model = options.folder.resolve() / name
            at = Path(work) / name
            at.mkdir()
            reference = ask(python, "reference", {"model": str(model), "at": str(at)})["json"]
            for system in SYSTEMS:
                add(results, name, "avouch", system, lambda: avouch(options, model, at, system, reference))
            if options.skip_above_memory and EZKL_MEMORY_GB.get(name, 0) > options.skip_above_memory:
                print(f"{name}: EZKL left out, it needs about {EZKL_MEMORY_GB[name]} GB", flush=True)
                continue
            for settings in options.settings:
                add(results, name, "ezkl", settings, lambda: ezkl(options, python, model, at, settings, reference))

    if options.add and options.output.exists():
        key = lambda row: (row["model"], row["tool"], row["variant"])
        measured = {key(row) for row in results}
        results += [row for row in json.loads(options.output.read_text())["results"] if key(row) not in measured]
        order = [*MODELS, "avouch", "ezkl", *SYSTEMS, *SETTINGS]
        results.sort(key=lambda row: [order.index(part) if part in order else len(order) for part in key(row)])
    document = {"machine": machine(python, options.avouch), "runs": options.runs, "settings": SETTINGS, "results": results}
    options.output.write_text(json.dumps(document, indent=1) + "\n")
    options.output.with_suffix(".md").write_text(table(document))
    print(table(document))


def add(results, model, tool, variant, measure):
    """One row; a peer that fails at a model is a result too."""
    try:
        row = measure()
    except Failed as e:
        row = {"error": str(e)}
    results.append({"model": model, "tool": tool, "variant": variant, **row})
    print(f"{model}, {tool} {variant}: {json.dumps(row)}", flush=True)


class Failed(Exception):
    """A step that did not succeed, with the last line it said."""


def environment():
    """The Python of an environment that has EZKL."""
    venv = HERE / ".venv"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def called(command):
    """Runs a program that has to succeed, and gives the last line that it prints, which is JSON."""
    child = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace")
    if child.returncode != 0:
        said = [line for line in (child.stdout + child.stderr).splitlines() if line.strip()]
        raise Failed(f"ended with {child.returncode}: {said[-1][:300] if said else 'nothing said'}")
    return json.loads(child.stdout.splitlines()[-1])


def ask(python, name, arguments):
    """A step of EZKL's in a process of its own; the seconds are those of the step itself, imports not counted."""
    return called([python, __file__, "--step", name, json.dumps(arguments)])


def peak():
    """Largest resident memory of this process so far: the same figure that Avouch reports of itself."""
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def median_of(runs, once):
    """`once()` as often as asked; a proof above 30 s is made once."""
    made = [once()]
    while len(made) < runs and made[0]["seconds"] < 30:
        made.append(once())
    return made


def row(setup, proofs, verifications, sizes, error):
    return {
        "setup_s": setup["seconds"],
        "setup_peak_bytes": setup["peak_bytes"],
        "prove_s": statistics.median(p["seconds"] for p in proofs),
        "prove_all_s": [p["seconds"] for p in proofs],
        "prove_peak_bytes": max(p["peak_bytes"] for p in proofs),
        "verify_s": statistics.median(v["seconds"] for v in verifications),
        **sizes,
        "output_error": error,
    }


def avouch(options, model, at, system, reference):
    """Each proof in a process of its own; `load_s` is apart, as EZKL's seconds include its own loading of the key."""
    binary, keys, file = options.avouch.resolve(), at / system.replace(":", "-"), model / "int8_qop.onnx"

    def call(*arguments):
        answer = called([binary, *arguments, "--json"])
        return {"seconds": answer["times"].get("total_s"), "peak_bytes": answer.get("peak_memory_bytes"), "json": answer}

    setup = call("setup", file, "--system", system, "--keys", keys)
    proof = keys.with_suffix(".proof")

    def prove():
        made = call("prove", file, "--keys", keys, "--input", model / "inputs.npy", "--sample", "0", "--proof", proof)
        times = made["json"]["times"]
        return {**made, "seconds": times["total_s"] + times["load_s"], "proving_s": times["total_s"]}

    proofs = median_of(options.runs, prove)
    check = lambda: call("verify", "--key", keys, "--proof", proof, "--allow-dev-setup")
    checked = [check()["json"]["times"] for _ in range(options.runs)]
    verifications = [{"seconds": times["verify_s"]} for times in checked]
    made, proving_key = proofs[-1]["json"], keys / "proving.key"
    sizes = {
        # A transparent key is derived by each process, which is in `load_s` and `key_s`.
        "proving_key_bytes": proving_key.stat().st_size if proving_key.exists() else 0,
        "key_s": statistics.median(times["key_s"] for times in checked),
        "verifying_key_bytes": (keys / "verifying.key").stat().st_size,
        "proof_bytes": made["proof_bytes"],
        "load_s": statistics.median(p["json"]["times"]["load_s"] for p in proofs),
        "prove_without_load_s": statistics.median(p["proving_s"] for p in proofs),
    }
    claimed = made["claim"]["output"]["outputs"]
    return row(setup, proofs, verifications, sizes, worst(claimed, reference["outputs"]))


def ezkl(options, python, model, at, settings, reference):
    folder = at / settings
    folder.mkdir()
    common = {"model": str(model), "at": str(at), "folder": str(folder), "settings": SETTINGS[settings]}
    made = ask(python, "settings", common)
    setup = ask(python, "setup", common)
    witness = ask(python, "witness", common)
    proofs = median_of(options.runs, lambda: ask(python, "prove", common))
    # As for Avouch, a proof begins at the input: the witness's seconds are part of it.
    for p in proofs:
        p["seconds"] += witness["seconds"]
        p["peak_bytes"] = max(p["peak_bytes"], witness["peak_bytes"])
    verifications = [ask(python, "verify", common) for _ in range(options.runs)]
    sizes = {
        "proving_key_bytes": (folder / "pk").stat().st_size,
        "verifying_key_bytes": (folder / "vk").stat().st_size,
        "proof_bytes": proofs[-1]["json"]["proof_bytes"],
        "settings_s": made["seconds"],
        "witness_s": witness["seconds"],
        "run_args": made["json"]["run_args"],
    }
    shutil.rmtree(folder)
    return row(setup, proofs, verifications, sizes, worst(witness["json"]["outputs"], reference["outputs"]))


def worst(got, expected):
    """Largest difference to the float model, as a part of its largest output."""
    if len(got) != len(expected):
        raise Failed(f"{len(got)} outputs, the float model has {len(expected)}")
    return max(abs(a - b) for a, b in zip(got, expected)) / max(abs(b) for b in expected)


def step(name, a):
    """One step, in the environment."""
    model, at = Path(a["model"]), Path(a["at"])
    folder = Path(a.get("folder", at))
    paths = {n: str(folder / n) for n in ("settings.json", "circuit", "vk", "pk", "witness.json", "proof.json")}
    run_args = lambda: json.loads(Path(paths["settings.json"]).read_text())["run_args"]
    srs = lambda: str(at / f"srs-{run_args()['logrows']}")
    network, sample = str(at / "float.onnx"), str(at / "sample.json")
    start = time.perf_counter()
    answer = {}
    if name == "reference":
        answer = reference(model, at)
    else:
        import ezkl

        start = time.perf_counter()
        if name == "settings":
            arguments, settings = ezkl.PyRunArgs(), a["settings"]
            for key, value in settings["run_args"].items():
                setattr(arguments, key, value)
            assert ezkl.gen_settings(network, paths["settings.json"], py_run_args=arguments)
            if "calibrate" in settings:
                data = str(at / "calibration.json")
                ezkl.calibrate_settings(data, network, paths["settings.json"], "resources", **settings["calibrate"])
            assert ezkl.compile_circuit(network, paths["circuit"], paths["settings.json"])
            answer = {"run_args": run_args()}
            # The reference string is made here, not downloaded: for measurements only. Its seconds are nobody's.
            if not Path(srs()).exists():
                ezkl.gen_srs(srs(), run_args()["logrows"])
        elif name == "setup":
            assert ezkl.setup(paths["circuit"], paths["vk"], paths["pk"], srs())
        elif name == "witness":
            ezkl.gen_witness(sample, paths["circuit"], paths["witness.json"], paths["vk"], srs())
            witness = json.loads(Path(paths["witness.json"]).read_text())
            answer = {"outputs": [float(v) for v in witness["pretty_elements"]["rescaled_outputs"][0]]}
        elif name == "prove":
            ezkl.prove(paths["witness.json"], paths["circuit"], paths["pk"], paths["proof.json"], srs())
            answer = {"proof_bytes": len(json.loads(Path(paths["proof.json"]).read_text())["proof"])}
        elif name == "verify":
            assert ezkl.verify(paths["proof.json"], paths["settings.json"], paths["vk"], srs()) is True
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_bytes": peak(), "json": answer}))


def reference(model, at):
    """EZKL's inputs in its own form, and what the float model says of the sample."""
    import numpy as np
    import onnx

    network = onnx.load(model / "float.onnx")
    # EZKL takes static shapes only.
    for tensor in [*network.graph.input, *network.graph.output]:
        for dim in tensor.type.tensor_type.shape.dim:
            if not dim.dim_value:
                dim.dim_value = 1
    onnx.save(network, at / "float.onnx")
    inputs, calibration = np.load(model / "inputs.npy"), np.load(model / "calibration.npy")
    write = lambda name, rows: (at / name).write_text(json.dumps({"input_data": [r.reshape(-1).tolist() for r in rows]}))
    write("sample.json", inputs[:1])
    write("calibration.json", calibration[:1])
    return {"outputs": np.load(model / "out_float.npy")[0].reshape(-1).tolist()}


def machine(python, binary):
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    version = lambda command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_at_end": os.getloadavg()[0],
        "avouch": version([binary, "--version"]),
        "ezkl": version([python, "-c", "import importlib.metadata as m; print(m.version('ezkl'))"]),
        "python": platform.python_version(),
    }


def table(document):
    machine = document["machine"]
    size = lambda n: f"{n / 1e6:,.1f} MB" if n else "none"
    lines = [
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"{machine['avouch']}, EZKL {machine['ezkl']}. Medians of {document['runs']} (EZKL's proofs above 30 s: one).",
        "",
        "| model | prover | setup | prove | peak memory | proving key | proof | verify | output error |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in document["results"]:
        name = f"| {r['model']} | {r['tool']}, {r['variant']} |"
        if "error" in r:
            lines.append(f"{name} failed: {r['error'].replace('|', '/')} | | | | | | |")
            continue
        lines.append(
            f"{name} {r['setup_s']:.2f} s | {r['prove_s']:.2f} s | {size(r['prove_peak_bytes'])} | "
            f"{size(r['proving_key_bytes'])} | {r['proof_bytes']:,} B | {r['verify_s'] * 1e3:.1f} ms | {r['output_error']:.2%} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
