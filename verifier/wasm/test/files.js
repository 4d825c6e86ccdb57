// The packages, and keys and proofs of the command line; `cargo xtask wasm` makes both.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const folder = (name) => {
  const path = process.env[name];
  assert.ok(path, `${name} is not set: run cargo xtask wasm`);
  return path;
};

export const PACKAGES = folder("AVOUCH_WASM_PACKAGES");
export const FILES = folder("AVOUCH_WASM_FILES");

/** The package that verifies a proof system. */
export const packageName = (system) => (system.startsWith("halo2") ? "verifier-halo2" : "verifier");
export const packageOf = (system) => import(join(PACKAGES, packageName(system), "node.js"));

/** A file of a proof system. */
export const read = (system, name) => new Uint8Array(readFileSync(join(FILES, system.replace(":", "-"), name)));

/** What `avouch verify --json` printed. */
export const native = (system) => JSON.parse(readFileSync(join(FILES, system.replace(":", "-"), "verdict.json"), "utf8"));

export const CONTEXT = "0x" + "5a".repeat(32);
export const GROTH16 = ["groth16-bn254:v1", "groth16-lookup-bn254:v1"];
export const HALO2 = "halo2-ipa-pasta:v1";
export const SYSTEMS = [...GROTH16, HALO2];

/** Where things are in a proof file: see docs/formats.md. */
export const SLOTS = 6;
export const ENVELOPE = SLOTS + 8 * 32;
export const VK_DIGEST = ENVELOPE + 22;
export const PROOF = ENVELOPE + 90;

/** The file with another context, and otherwise consistent: only the proof can say no. */
export function restated(file) {
  const copy = file.slice();
  copy[SLOTS + 31] ^= 1;
  const digest = createHash("sha256").update("avouch/statement/v1");
  digest.update(copy.subarray(ENVELOPE + 6, VK_DIGEST)).update(copy.subarray(SLOTS, ENVELOPE));
  copy.set(digest.digest(), VK_DIGEST + 32);
  return copy;
}
