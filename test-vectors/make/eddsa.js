// Writes the vectors of EdDSA over BabyJubjub with circomlibjs and zk-kit and fixed seeds, and lets both verify the
// signatures that Avouch made (../policy/v1/signed.json).

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { buildBabyjub, buildEddsa } from "circomlibjs";

// The package's entries for ES modules name files that it does not have.
const require = createRequire(import.meta.url);
const blake1 = require("@zk-kit/eddsa-poseidon");
const blake2b = require("@zk-kit/eddsa-poseidon/blake-2b");

const FOLDER = new URL("../policy/v1/", import.meta.url);
const P = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const curve = await buildBabyjub();
const eddsa = await buildEddsa();
const F = curve.F;
const ORDER = BigInt(curve.subOrder);

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const seeded = (seed) => createHash("sha256").update(seed).digest();
const element = (seed) => BigInt(`0x${hex(seeded(seed))}${hex(seeded(`${seed}'`))}`) % P;
const plain = (point) => point.map((c) => BigInt(F.toObject(c)));
const field = (point) => point.map((c) => F.e(c));
const littleEndian = (n) => hex(Buffer.from(n.toString(16).padStart(64, "0"), "hex").reverse());

/** A vector: coordinates, and the packed forms where packing is possible. */
const vector = (name, notes, flags, { key, message, R8, S, secret }, expected) => ({
  name,
  notes,
  flags,
  inputs: {
    ...(secret ? { secret: hex(secret) } : {}),
    key,
    message,
    r8: R8,
    s: S,
    packed_key: hex(curve.packPoint(field(key))),
    packed_signature: hex(curve.packPoint(field(R8))) + littleEndian(S),
  },
  expected,
});

function verifies({ key, message, R8, S }) {
  const js = eddsa.verifyPoseidon(F.e(message), { R8: field(R8), S }, field(key));
  const kit = blake1.verifySignature(message, { R8, S }, key);
  if (js !== kit) throw new Error("circomlibjs and zk-kit disagree");
  return js;
}

/** Signed by circomlibjs, whose keys come from BLAKE-512. */
function circomlib(seed, message) {
  const secret = seeded(seed);
  const { R8, S } = eddsa.signPoseidon(secret, F.e(message));
  return { key: plain(eddsa.prv2pub(secret)), message, R8: plain(R8), S: BigInt(S) };
}

function kit(scheme, seed, message) {
  const secret = seeded(seed);
  const { R8, S } = scheme.signMessage(secret, message);
  return { key: scheme.derivePublicKey(secret), message, R8, S, secret };
}

const messages = (seed) => [0n, 1n, P - 1n, ...Array.from({ length: 5 }, (_, i) => element(`${seed}/message/${i}`))];

function valid() {
  const schemes = {
    circomlibjs: circomlib,
    "zk-kit, blake-1": (seed, message) => ({ ...kit(blake1, seed, message), secret: undefined }),
    "zk-kit, blake-2b": (seed, message) => kit(blake2b, seed, message),
  };
  return Object.entries(schemes).flatMap(([name, sign]) =>
    messages(name).map((message, i) => {
      const signed = sign(`${name}/${i}`, message);
      if (!verifies(signed)) throw new Error(`${name} ${i}: not verified where it was made`);
      return vector(`${name} ${i}`, "", ["valid"], signed, "verifies");
    }),
  );
}

function invalid() {
  const base = circomlib("invalid", element("invalid/message"));
  const [x, y] = base.key;
  const generator = plain(curve.Generator);
  const torsion = plain(curve.mulPointEscalar(curve.Generator, curve.subOrder));
  const half = [0n, P - 1n];
  const plus = (a, b) => plain(curve.addPoint(field(a), field(b)));
  // S = r + h·s with another key in h: what the holder of s could make for A plus a point of small order.
  const forKey = (key) => {
    const s = element("torsion/s") % ORDER;
    const A = plus(plain(curve.mulPointEscalar(curve.Base8, s)), key);
    const r = element("torsion/r") % ORDER;
    const R8 = plain(curve.mulPointEscalar(curve.Base8, r));
    const h = BigInt(F.toObject(eddsa.poseidon([...field(R8), ...field(A), F.e(base.message)])));
    return { key: A, message: base.message, R8, S: (r + 8n * h * s) % ORDER };
  };
  const withR8 = (R8) => ({ ...base, R8 });
  const cases = [
    ["S plus the order", "", { ...base, S: base.S + ORDER }, "response"],
    ["S of p − 1", "", { ...base, S: P - 1n }, "response"],
    ["S of the order", "", { ...base, S: ORDER }, "response"],
    ["another message", "", { ...base, message: base.message + 1n }, "equation"],
    ["S of zero", "", { ...base, S: 0n }, "equation"],
    ["S plus one", "", { ...base, S: base.S + 1n }, "equation"],
    ["another key", "", { ...base, key: circomlib("other", 1n).key }, "equation"],
    ["the negated key", "", { ...base, key: [P - x, y] }, "equation"],
    ["the negated R8", "", withR8([P - base.R8[0], base.R8[1]]), "equation"],
    ["R8 plus the point of order 2", "", withR8(plus(base.R8, half)), "equation"],
    ["R8 plus a point of order 8", "", withR8(plus(base.R8, torsion)), "equation"],
    ["R8 off the curve", "", withR8([base.R8[0], base.R8[1] + 1n]), "nonce"],
    ["R8 of zeros", "", withR8([0n, 0n]), "nonce"],
    ["the key off the curve", "", { ...base, key: [x, y + 1n] }, "key"],
    ["the key of zeros", "", { ...base, key: [0n, 0n] }, "key"],
    ["the identity as key", "every message has this signature", { ...base, key: [0n, 1n], R8: plain(curve.Base8), S: 1n }, "key"],
    ["the point of order 2 as key", "", { ...base, key: half, R8: plain(curve.Base8), S: 1n }, "key"],
    ["a point of order 8 as key", "", { ...base, key: torsion, R8: plain(curve.Base8), S: 1n }, "key"],
    ["the generator of the whole curve as key", "", { ...base, key: generator }, "key"],
    ["a key with a part of order 2", "signed by who knows the rest", forKey(half), "key"],
    ["a key with a part of order 8", "signed by who knows the rest", forKey(torsion), "key"],
  ];
  return cases.map(([name, notes, signed, expected]) => {
    const accepted = verifies(signed);
    return vector(name, notes, accepted ? ["invalid", "circomlibjs_accepts"] : ["invalid"], signed, expected);
  });
}

function write(kind, stem, notes, vectors) {
  const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);
  const lines = vectors.map((v) => `  ${JSON.stringify(v, text)}`).join(",\n");
  const head = `{"kind": ${JSON.stringify(kind)}, "notes": ${JSON.stringify(notes)}, "vectors": [\n`;
  writeFileSync(new URL(`${stem}.json`, FOLDER), `${head}${lines}\n]}\n`);
}

write(
  "eddsa",
  "eddsa",
  "EdDSA over BabyJubjub with Poseidon, signed by circomlibjs and zk-kit; expected is the part that is refused, or verifies",
  [...valid(), ...invalid()],
);

// The other direction.
const signed = JSON.parse(readFileSync(new URL("signed.json", FOLDER), "utf8"));
for (const { name, inputs, expected } of signed.vectors) {
  const bytes = (digits) => new Uint8Array(Buffer.from(digits, "hex"));
  const { R8, S } = eddsa.unpackSignature(bytes(expected.signature));
  const key = plain(curve.unpackPoint(bytes(expected.key)));
  if (!verifies({ key, message: BigInt(inputs.message), R8: plain(R8), S: BigInt(S) })) {
    throw new Error(`signed by Avouch, ${name}: not verified`);
  }
}
console.log(`verified ${signed.vectors.length} signatures made by Avouch`);
