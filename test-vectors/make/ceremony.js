// Writes small files of phase 1, with npm's snarkjs, and what it says of them. snarkjs's secrets are random; here they come
// from a seed, so that the files are the same on every run: nobody may use them.

import { createHash } from "node:crypto";
import crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { blake2b } from "@noble/hashes/blake2b";
import { ChaCha, buildBn128 } from "ffjavascript";
import { powersOfTau } from "snarkjs";

const FOLDER = new URL("../ceremony/v1/", import.meta.url);
const POWER = 4;
const BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const ITERATIONS = 10;
const NAMES = ["first", "second contribution, with ünïcode", "beacon"];

let drawn = 0;
crypto.randomFillSync = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at += 32) {
    const block = createHash("sha256").update(`avouch/ceremony-vectors/${drawn++}`).digest();
    bytes.set(block.subarray(0, Math.min(32, bytes.length - at)), at);
  }
  return array;
};

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const digest = (bytes) => hex(blake2b(bytes, { dkLen: 64 }));
const file = (name) => new URL(name, FOLDER).pathname;
const curve = await buildBn128(true);

const memory = Array.from({ length: 5 }, () => ({ type: "mem" }));
const [empty, first, second, final, prepared] = memory;
const challenges = [hex(await powersOfTau.newAccumulator(curve, POWER, empty))];
const responses = [
  await powersOfTau.contribute(empty, first, NAMES[0], "text"),
  await powersOfTau.contribute(first, second, NAMES[1], "another text"),
  await powersOfTau.beacon(second, final, NAMES[2], BEACON, ITERATIONS),
].map(hex);
await powersOfTau.preparePhase2(final, prepared);

const files = [
  ["powers.ptau", final],
  ["prepared.ptau", prepared],
];
for (const [name, { data }] of files) writeFileSync(file(name), data);

// The list is the last section of a file that is not prepared.
const POINTS = 448;
const KEY = 768;
const list = Buffer.from(final.data.slice(final.data.length - contributionsLength(final.data)));

/** Length of section 7, whose header is found by going from section to section. */
function contributionsLength(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 12; ; ) {
    const length = Number(view.getBigUint64(at + 4, true));
    if (view.getUint32(at, true) === 7) return length;
    at += 12 + length;
  }
}

const point = (group, bytes) => {
  const out = new Uint8Array(bytes.length);
  curve[group].toRprUncompressed(out, 0, new Uint8Array(bytes));
  return out;
};

/** The point in G2 on which a secret is shown. */
const base = (tag, challenge, pair) => {
  const hash = blake2b(Buffer.concat([Buffer.of(tag), Buffer.from(challenge, "hex"), pair]), { dkLen: 64 });
  const words = new DataView(hash.buffer, hash.byteOffset, 32);
  const seed = Array.from({ length: 8 }, (_, i) => words.getUint32(4 * i));
  return hex(point("G2", curve.G2.toAffine(curve.G2.fromRng(new ChaCha(seed)))));
};

const contributions = [];
let at = 4;
for (const [i, name] of NAMES.entries()) {
  const key = list.subarray(at + POINTS, at + POINTS + KEY);
  const next = hex(list.subarray(at + POINTS + KEY + 216, at + POINTS + KEY + 280));
  const parameters = list.readUInt32LE(at + POINTS + KEY + 284);
  const bases = ["tau", "alpha", "beta"].map((secret, j) => {
    const [s, sx] = [0, 64].map((k) => point("G1", key.subarray(128 * j + k, 128 * j + k + 64)));
    return [secret, { s: hex(s), sx: hex(sx), base: base(j, challenges[i], Buffer.concat([s, sx])) }];
  });
  contributions.push({
    name,
    beacon: name === "beacon" ? { value: BEACON, iterations: ITERATIONS } : null,
    challenge: challenges[i],
    response_hash: responses[i],
    next_challenge: next,
    ...Object.fromEntries(bases),
  });
  challenges.push(next);
  at += POINTS + KEY + 288 + parameters;
}
const vectors = {
  power: POWER,
  files: Object.fromEntries(files.map(([name, { data }]) => [name, digest(data)])),
  contributions,
};
writeFileSync(file("phase1.json"), JSON.stringify(vectors, null, 2) + "\n");
process.exit(0);
