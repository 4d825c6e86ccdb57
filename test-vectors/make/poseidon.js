// Writes the vectors of Poseidon, its chain and the commitments, with circomlibjs's Poseidon and fixed seeds.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { buildPoseidonReference } from "circomlibjs";

const FOLDER = new URL("../vectors/", import.meta.url);
const P = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const poseidon = await buildPoseidonReference();
const hash = (elements) => BigInt(poseidon.F.toString(poseidon(elements)));

/** Bytes of a seed's own: SHA-256 of the seed and a counter. */
function* bytes(seed) {
  for (let i = 0; ; i++) yield* createHash("sha256").update(`${seed}/${i}`).digest();
}

const take = (source, n) => Array.from({ length: n }, () => source.next().value);
const integer = (bytes) => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const element = (source) => integer(take(source, 40)) % P;

const tag = (text) => integer([...Buffer.from(text, "ascii")]);
const padded = (list, n, zero) => [...list, ...Array(n - list.length).fill(zero)];
const pieces = (list, n) => Array.from({ length: Math.ceil(list.length / n) }, (_, i) => list.slice(i * n, (i + 1) * n));

const chain = (name, elements) =>
  pieces(elements, 11).reduce(
    (a, next) => hash([a, ...padded(next, 11, 0n)]),
    hash([tag(name), BigInt(elements.length), 0n]),
  );

const MINIMUM = { int8: -128, uint8: 0 };
const pack = (type, values) =>
  pieces(values.map((v) => v - MINIMUM[type]), 31).map((piece) => integer(padded(piece, 31, 0)));

const commitment = ({ role, salt, type, values }) =>
  hash([tag(`avouch/${role}/v1`), salt, chain(`avouch/${role}-chain/v1`, pack(type, values))]);

function write(kind, stem, notes, vectors) {
  const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);
  const lines = vectors.map((v) => `  ${JSON.stringify(v, text)}`).join(",\n");
  const head = `{"kind": ${JSON.stringify(kind)}, "notes": ${JSON.stringify(notes)}, "vectors": [\n`;
  writeFileSync(new URL(`${stem}.json`, FOLDER), `${head}${lines}\n]}\n`);
}

const vector = (name, flags, inputs, expected) => ({ name, notes: "", flags, inputs, expected });

function hashes() {
  const out = [];
  for (let n = 1; n <= 12; n++) {
    const source = bytes(`hash/${n}`);
    const lists = {
      zeros: Array(n).fill(0n),
      ones: Array(n).fill(1n),
      "p − 1": Array(n).fill(P - 1n),
      ascending: Array.from({ length: n }, (_, i) => BigInt(i)),
      random: Array.from({ length: n }, () => element(source)),
      "random, and 0, 1, p − 1 in turn": Array.from({ length: n }, (_, i) => [0n, 1n, P - 1n, element(source)][i % 4]),
    };
    for (const [name, elements] of Object.entries(lists)) {
      out.push(vector(`${n} inputs: ${name}`, name === "random" ? ["random"] : ["extreme"], { elements }, hash(elements)));
    }
  }
  return out;
}

function chains() {
  const source = bytes("chain");
  return [0, 1, 2, 10, 11, 12, 21, 22, 23, 50].flatMap((n) =>
    ["avouch/input-chain/v1", "avouch/output-chain/v1"].map((name) => {
      const elements = Array.from({ length: n }, () => element(source));
      return vector(`${n} elements under ${name}`, n % 11 ? ["padded"] : ["full"], { tag: name, elements }, chain(name, elements));
    }),
  );
}

function commitments() {
  const source = bytes("commitment");
  const out = [];
  for (const role of ["input", "output"]) {
    for (const type of ["int8", "uint8"]) {
      for (const n of [1, 10, 31, 32, 64, 341, 342, 784]) {
        const values = take(source, n).map((byte) => byte + MINIMUM[type]);
        const inputs = { role, salt: element(source), type, values };
        out.push(vector(`${role} of ${n} ${type}`, n % 31 ? ["padded"] : ["full"], inputs, commitment(inputs)));
      }
      for (const [name, value] of [["least", MINIMUM[type]], ["greatest", MINIMUM[type] + 255]]) {
        const inputs = { role, salt: P - 1n, type, values: Array(40).fill(value) };
        out.push(vector(`${role} of 40 times the ${name} ${type}`, ["extreme"], inputs, commitment(inputs)));
      }
    }
  }
  return out;
}

write("hash", "poseidon", "Poseidon over BN254 with circomlib's parameters", hashes());
write("chain", "chain", "the chain of a list of field elements", chains());
write("commitment", "commitment", "the commitments to a model's input and output", commitments());
