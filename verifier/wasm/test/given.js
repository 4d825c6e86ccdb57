// A key and a proof that are given: accepted under the pinned digest, refused without it, and refused with another output.
// node test/given.js SYSTEM KEY PROOF DIGEST
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [system, keyFile, proofFile, expect_vk] = process.argv.slice(2);
const packages = process.env.AVOUCH_WASM_PACKAGES;
assert.ok(packages && expect_vk, "AVOUCH_WASM_PACKAGES or an argument is missing");
const name = system.startsWith("halo2") ? "verifier-halo2" : "verifier";
const { verify } = await import(join(packages, name, "node.js"));
const [vk, proof] = [keyFile, proofFile].map((path) => new Uint8Array(readFileSync(path)));

const { claim } = await verify(vk, proof, { expect_vk });
assert.equal(claim.vk_digest, expect_vk);
assert.equal(claim.key_provenance, "pinned");
for (const trust of [{}, { allow_dev_setup: true }]) {
  await assert.rejects(verify(vk, proof, trust), (e) => e.kind === "key_refused");
}
const tampered = proof.slice();
// The last byte of the last slot: docs/formats.md.
tampered[6 + 8 * 32 - 1] ^= 1;
await assert.rejects(verify(vk, tampered, { expect_vk }), (e) => e.kind === "rejected");
console.log(`accepted under ${expect_vk.slice(0, 16)}…, refused otherwise`);
