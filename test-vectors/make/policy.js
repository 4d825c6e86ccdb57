// Computes what follows from the valid statements of ../policy/v1/statements.json once more, with circomlibjs's Poseidon
// and EdDSA and JavaScript's arithmetic, and fails where the file says something else.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { buildEddsa, buildPoseidonReference } from "circomlibjs";

const poseidon = await buildPoseidonReference();
const eddsa = await buildEddsa();
const hash = (elements) => BigInt(poseidon.F.toString(poseidon(elements.map(BigInt))));

const integer = (bytes) => [...bytes].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const tag = (text) => integer(Buffer.from(text, "ascii"));
const sha256 = (...parts) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();

function chain(name, elements) {
  let a = hash([tag(name), BigInt(elements.length), 0n]);
  for (let i = 0; i < elements.length; i += 11) {
    const next = elements.slice(i, i + 11);
    a = hash([a, ...next, ...Array(11 - next.length).fill(0n)]);
  }
  return a;
}

/** [bits, value] from the least significant bit up, 248 bits an element. */
function pack(fields) {
  const elements = [];
  let used = 248;
  for (const [bits, value] of fields) {
    if (used + bits > 248) {
      elements.push(0n);
      used = 0;
    }
    elements[elements.length - 1] += BigInt(value) << BigInt(used);
    used += bits;
  }
  return elements;
}

const halves = (hex) => [hex.slice(32), hex.slice(0, 32)].map((digits) => BigInt(`0x${digits}`));
const least = (f) => (f.signed ? -(2n ** BigInt(f.bits - 1)) : 0n);

function schemaId({ records, features, inputs }) {
  const number = (write, size, value) => {
    const bytes = Buffer.alloc(size);
    bytes[write](value);
    return bytes;
  };
  const u8 = (v) => number("writeUInt8", 1, v);
  const u16 = (v) => number("writeUInt16LE", 2, v);
  const f32 = (v) => number("writeFloatLE", 4, v);
  const parts = [u16(records), u8(features.length)];
  for (const f of features) {
    parts.push(u8(f.name.length), Buffer.from(f.name, "ascii"), u8(f.bits), u8(f.signed ? 1 : 0), f32(f.scale));
    parts.push(f32(f.offset), number("writeBigInt64LE", 8, BigInt(f.fill)));
  }
  parts.push(number("writeUInt32LE", 4, inputs.length));
  for (const source of inputs) {
    if ("constant" in source) parts.push(u8(1), number("writeInt16LE", 2, source.constant));
    else parts.push(u8(0), u16(source.record), u16(source.feature));
  }
  return integer(sha256("avouch/schema/v1", ...parts).subarray(0, 31));
}

function policyId(p) {
  const area = p.area ?? { lat: [0, 0], lon: [0, 0] };
  const [who] = pack([
    [32, p.purposes], [32, p.categories], [64, p.features], [32, p.classes],
    [1, p.consent ? 1 : 0], [1, p.area ? 1 : 0], [40, p.max_age],
  ]);
  const [place] = pack([
    ...area.lat.map((v) => [32, v]), ...area.lon.map((v) => [32, v]),
    [40, p.epoch_length], [1, p.item === "epoch" ? 1 : 0],
  ]);
  const [predicates = 0n] = pack(
    p.predicates.flatMap((q) => [[1, 1], [6, q.feature], [1, q.at_least ? 1 : 0], [33, BigInt(q.value) + 2n ** 31n]]),
  );
  const elements = [...halves(p.document), p.controller, p.schema, p.scope, who, place, predicates];
  return chain("avouch/policy/v1", elements.map(BigInt));
}

const root = (leaf, { index, siblings }) =>
  siblings.reduce((node, s, height) => hash((index >> height) & 1 ? [s, node] : [node, s]), leaf);

function recordHash(schema, id, r) {
  const packed = pack(schema.features.map((f, i) => [f.bits, BigInt(r.features[i]) - least(f)]));
  const features = chain("avouch/features/v1", packed);
  return hash([tag("avouch/record/v1"), id, r.subject, r.time, r.lat, r.lon, r.seq, r.salt, features]);
}

/** Round half to even, of a binary32 number. */
function rint(x) {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** QuantizeLinear to uint8, scale 0.5, zero point 100, of the real number that the feature's integer stands for. */
function quantize(f, v) {
  const f32 = Math.fround;
  const real = f32(f32(f.offset) + f32(f32(f.scale) * f32(v)));
  return Math.min(Math.max(rint(f32(real / 0.5)) + 100, 0), 255);
}

function evaluate(s) {
  const id = schemaId(s.schema);
  const equal = (a, b, what) => {
    if (BigInt(a) !== BigInt(b)) throw new Error(`${what}: ${a} is not ${b}`);
  };
  equal(s.policy.schema, id, "schema");
  const hashes = s.records.map((r) => recordHash(s.schema, id, r));
  const first = s.records[0].seq;
  const batch = hash([tag("avouch/batch/v1"), id, s.schema.records, first, chain("avouch/records/v1", hashes)]);
  const field = (pair) => pair.map((c) => eddsa.F.e(BigInt(c)));
  const signature = { R8: field(s.signature.r8), S: BigInt(s.signature.s) };
  if (!eddsa.verifyPoseidon(eddsa.F.e(batch), signature, field(s.device.key))) throw new Error("signature");

  const d = s.device;
  equal(hash([tag("avouch/nullifier-key/v1"), s.nullifier_key, 0n]), d.nullifier_key_hash, "nullifier key");
  const device = hash([tag("avouch/device/v1"), ...d.key, d.class, d.valid_from, d.valid_to, d.nullifier_key_hash]);
  equal(root(device, s.device_path), s.roots.devices, "device root");
  if (s.policy.consent) {
    const c = s.consent;
    const leaf = hash([
      tag("avouch/consent/v1"), c.subject, c.controller, c.purposes, c.categories, c.valid_from, c.valid_to,
      ...halves(c.notice), c.salt,
    ]);
    equal(root(leaf, s.consent_path), s.roots.consents, "consent root");
  }

  const epoch = s.policy.epoch_length ? Math.floor(s.window.lo / s.policy.epoch_length) : 0;
  const item = s.policy.item === "epoch" ? 2 * epoch + 1 : 2 * Math.floor(first / s.schema.records);
  const [window] = pack([[40, s.window.lo], [40, s.window.hi], [16, s.schema.records]]);
  const slots = [
    policyId(s.policy),
    hash([tag("avouch/registry/v1"), s.roots.devices, s.roots.consents]),
    window,
    hash([tag("avouch/nullifier/v1"), s.nullifier_key, s.policy.controller, s.policy.scope, id, item]),
  ];
  const admitted = (i) => (BigInt(s.policy.features) >> BigInt(i)) & 1n;
  const features = s.records.flatMap((r) => s.schema.features.map((f, i) => (admitted(i) ? r.features[i] : f.fill)));
  const value = ({ record, feature }) => features[record * s.schema.features.length + feature];
  const model_input = s.schema.inputs.map((source) =>
    "constant" in source ? source.constant : quantize(s.schema.features[source.feature], value(source)),
  );
  return { features, model_input, slots: slots.map(String) };
}

const file = JSON.parse(readFileSync(new URL("../policy/v1/statements.json", import.meta.url), "utf8"));
const sorted = (object) => JSON.stringify(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
const valid = file.vectors.filter((v) => v.flags.includes("valid"));
for (const { name, base, expected } of valid) {
  const found = evaluate(file.bases[base]);
  if (sorted(found) !== sorted(expected)) throw new Error(`${name}: ${sorted(found)} is not ${sorted(expected)}`);
}
console.log(`evaluated ${valid.length} valid statements with the same results`);
