// The verdict vectors of test-vectors/proofs: what every platform has to say of the same bytes.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PROOFS = new URL("../../../test-vectors/proofs/", import.meta.url).pathname;
/** Where verdicts are written, for `cargo xtask verdicts`. */
const VERDICTS = process.env.AVOUCH_VERDICTS;

/** Every system's vectors, with its keys. */
export const SUITES = readdirSync(PROOFS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => {
    const folder = join(PROOFS, name, "v1");
    const file = JSON.parse(readFileSync(join(folder, "vectors.json"), "utf8"));
    const names = [...new Set(file.vectors.map(({ key }) => key))];
    return { ...file, keys: names.map((key) => [key, readFileSync(join(folder, key)).toString("hex")]) };
  });

/** What a package says of proof files. Runs in Node and in a page, so it uses nothing from outside. */
export async function ask({ module, trust, keys, questions }) {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const { Key } = await import(module);
  const admitted = {};
  for (const [name, key] of keys) admitted[name] = await Key.admit(bytes(key), trust);
  return questions.map(({ key, file, demands }) => {
    try {
      return { verdict: "accepted", statement: admitted[key].verify(bytes(file), demands).claim.statement };
    } catch (e) {
      return { verdict: e.kind ?? `${e}` };
    }
  });
}

/** Asks a platform about all that applies to it, holds the verdicts against the vectors, and writes them. */
export async function check(platform, answer) {
  const verdicts = {};
  const wrong = [];
  for (const { system, trust, keys, vectors, not_applicable } of SUITES) {
    if (platform in not_applicable) continue;
    const questions = vectors.filter(({ id, file, not_applicable = {} }) => {
      assert.equal(file === undefined, platform in not_applicable, id);
      return file !== undefined;
    });
    const answers = await answer(system, { trust, keys, questions });
    assert.equal(answers.length, questions.length);
    questions.forEach(({ id, result, kind, claim }, i) => {
      const { verdict, statement } = answers[i];
      verdicts[`${system} ${id}`] = verdict;
      if (verdict !== (kind ?? result)) wrong.push(`${system} ${id}: ${verdict}, not ${kind ?? result}`);
      if (claim && statement) assert.equal(statement.nullifier, claim.nullifier, id);
    });
  }
  assert.ok(VERDICTS, "AVOUCH_VERDICTS is not set: run cargo xtask wasm");
  mkdirSync(VERDICTS, { recursive: true });
  writeFileSync(join(VERDICTS, `${platform}.json`), JSON.stringify(verdicts, undefined, 2));
  assert.deepEqual(wrong, []);
}
