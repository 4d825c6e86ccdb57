// The packages in Node: the same verdicts as the command line, and a typed error for everything else.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, describe, test } from "node:test";

import { CONTEXT, GROTH16, HALO2, PROOF, SLOTS, SYSTEMS, VK_DIGEST, native, packageOf, read, restated } from "./files.js";

/** What has to be allowed for the keys of `avouch setup`. */
const trust = (system) => (system === HALO2 ? {} : { allow_dev_setup: true });

/** The byte of a key file that says what setup it is from. */
const SETUP_KIND = 22;

const changed = (bytes, at, bit = 1) => {
  const copy = bytes.slice();
  copy[at] ^= bit;
  return copy;
};

const kind = (kind, words = /./) => (e) => {
  assert.equal(e.name, "AvouchError", String(e));
  assert.equal(e.kind, kind, e.message);
  assert.match(e.message, words);
  return true;
};

for (const system of SYSTEMS) {
  describe(system, () => {
    const vk = read(system, "verifying.key");
    const proof = read(system, "proof");
    let pkg, key;
    before(async () => {
      pkg = await packageOf(system);
      const parameters = system === HALO2 ? read(system, "parameters") : undefined;
      key = await pkg.Key.admit(vk, trust(system), parameters);
      const { parameters_s, key_s } = key.times;
      console.log(`${system}: key in ${(key_s * 1000).toFixed(1)} ms, parameters in ${(parameters_s * 1000).toFixed(1)} ms`);
    });

    test("the claim is the command line's", () => {
      const { times, ...verdict } = key.verify(proof, { expect_context: CONTEXT });
      const { times: _, ...expected } = native(system);
      assert.deepEqual(verdict, expected);
      assert.equal(verdict.claim.vk_digest, key.manifest.vk_digest);
      assert.ok(times.verify_s > 0);
    });

    test("one call does it all", async () => {
      const { vk_digest, model_id, output } = native(system).claim;
      const { outputs, ...expect_output } = output;
      const acceptance = { ...trust(system), expect_vk: vk_digest, expect_model: model_id, expect_output };
      const { claim, acceptance: report } = await pkg.verify(vk, proof, acceptance);
      assert.deepEqual(claim, native(system).claim);
      assert.deepEqual(report.conditions.map((c) => [c.condition, c.met]), [["model", true], ["output", true]]);
      assert.ok(report.not_checked.some((n) => n.name === "context"));
    });

    test("no changed byte of a proof file passes", () => {
      // Every byte of the statement and of the framing, and each stretch of the proof.
      const stride = proof.length > 1000 ? 97 : 1;
      let rejected = 0;
      for (let at = 0; at < proof.length; at += at < PROOF ? 1 : stride) {
        assert.throws(
          () => key.verify(changed(proof, at), {}),
          (e) => e.name === "AvouchError" && ["malformed_proof", "other_key", "rejected"].includes(e.kind),
          `byte ${at}`,
        );
        rejected++;
      }
      assert.ok(rejected >= PROOF);
      assert.throws(() => key.verify(changed(proof, SLOTS + 31), {}), kind("rejected", /statement/));
      assert.throws(() => key.verify(restated(proof), {}), kind("rejected", /does not verify/));
      assert.throws(() => key.verify(changed(proof, VK_DIGEST), {}), kind("other_key"));
      assert.throws(() => key.verify(proof.slice(0, -1), {}), kind("malformed_proof", /too early/));
      assert.throws(() => key.verify(new Uint8Array([...proof, 0]), {}), kind("malformed_proof", /too many/));
      assert.throws(() => key.verify(new Uint8Array(), {}), kind("malformed_proof"));
      assert.throws(() => key.verify(new Uint8Array(1 << 21), {}), kind("malformed_proof", /at most/));
      key.verify(proof, {});
    });

    test("another key is refused", async () => {
      const other = await pkg.Key.admit(read(system, "other.key"), trust(system), undefined);
      assert.throws(() => other.verify(proof, {}), kind("other_key", /is for the key/));
      await assert.rejects(pkg.verify(vk, proof, { ...trust(system), expect_vk: "00".repeat(32) }), kind("key_refused", /digest/));
    });

    test("malformed keys are errors", async () => {
      const admit = (bytes) => pkg.Key.admit(bytes, { allow_dev_setup: true });
      await assert.rejects(admit(new Uint8Array()), kind("malformed_key", /too early/));
      await assert.rejects(admit(proof), kind("malformed_key", /magic/));
      await assert.rejects(admit(vk.slice(0, -1)), kind("malformed_key"));
      await assert.rejects(admit(new Uint8Array([...vk, 0])), kind("malformed_key"));
      await assert.rejects(admit(changed(vk, SETUP_KIND, 3)), kind("malformed_key"));
      for (let at = 0; at < Math.min(vk.length, 300); at += 7) {
        // What decodes is another key, which the proof is not for; what does not is malformed.
        const attempt = admit(changed(vk, at, 0x80)).then((k) => k.verify(proof, {}));
        await assert.rejects(attempt, (e) => e.name === "AvouchError" && e.kind !== "internal", `byte ${at}`);
      }
    });

    test("unmet demands come with the claim", () => {
      assert.throws(
        () => key.verify(proof, { expect_context: "00".repeat(32) }),
        (e) => kind("unmet", /context/)(e) && e.verdict.accepted === false && e.verdict.claim.system === system,
      );
      assert.throws(() => key.verify(proof, { freshness: { now: 1, max_delay: 1 } }), kind("unmet", /no records/));
    });

    test("no demand gets lost", async () => {
      for (const demands of [
        undefined,
        null,
        [],
        "{}",
        { expect_context: undefined },
        { expect_context: null },
        { expect_contxt: CONTEXT },
        { expect_context: "5a" },
        { freshness: { now: Number.NaN, max_delay: 1 } },
        { freshness: { now: undefined, max_delay: 1 } },
        { freshness: { now: 1n, max_delay: 1 } },
        Object.create({ expect_context: CONTEXT }),
      ]) {
        assert.throws(() => key.verify(proof, demands), kind("usage"));
      }
      await assert.rejects(pkg.verify(vk, proof, { ...trust(system), expect_vk: undefined }), kind("usage"));
      await assert.rejects(pkg.Key.admit(vk), kind("usage"));
      await assert.rejects(pkg.Key.admit([...vk], {}), kind("usage", /Uint8Array/));
      assert.throws(() => new pkg.Key(), kind("usage"));
    });

    test("speed", () => {
      const runs = system === HALO2 ? 3 : 30;
      const times = Array.from({ length: runs }, () => key.verify(proof, {}).times.verify_s).sort((a, b) => a - b);
      console.log(`${system}: ${(times[runs >> 1] * 1000).toFixed(1)} ms a proof`);
    });
  });
}

describe("trust", () => {
  for (const system of GROTH16) {
    test(`${system}: development keys only if allowed, a pin is not enough`, async () => {
      const { verify } = await packageOf(system);
      const [vk, proof] = [read(system, "verifying.key"), read(system, "proof")];
      const { vk_digest } = native(system).claim;
      await assert.rejects(verify(vk, proof, {}), kind("key_refused", /development/));
      await assert.rejects(verify(vk, proof, { expect_vk: vk_digest }), kind("key_refused", /development/));
      const { acceptance } = await verify(vk, proof, { allow_dev_setup: true });
      assert.ok(acceptance.not_checked.some((n) => n.name === "setup"));
    });
  }

  test("a key of a ceremony only by its digest", async () => {
    // The development key as if from a ceremony, and the proof for it: plain Groth16 has no challenge that binds the key.
    const [system] = GROTH16;
    const { verify } = await packageOf(system);
    const dev = read(system, "verifying.key");
    const vk = new Uint8Array([...dev.slice(0, SETUP_KIND), 1, ...new Uint8Array(128), ...dev.slice(SETUP_KIND + 1)]);
    const digest = createHash("sha256").update("avouch/verifying-key/v1").update(vk).digest();
    const proof = read(system, "proof");
    proof.set(digest, VK_DIGEST);
    await assert.rejects(verify(vk, proof, {}), kind("key_refused", /not checked/));
    await assert.rejects(verify(vk, proof, { allow_dev_setup: true }), kind("key_refused", /not checked/));
    const { claim, acceptance } = await verify(vk, proof, { expect_vk: digest.toString("hex") });
    assert.equal(claim.key_provenance, "pinned");
    assert.equal(claim.setup, "ceremony");
    assert.ok(acceptance.not_checked.some((n) => n.name === "model_claimed_by_key"));
  });

  test("a transparent key that does not follow from its model is refused", async () => {
    const { Key } = await packageOf(HALO2);
    const vk = read(HALO2, "verifying.key");
    const graph = Buffer.from(vk).indexOf("AVGR");
    assert.ok(graph > 0);
    // The derived key's digest stands before the graph.
    await assert.rejects(Key.admit(changed(vk, graph - 1), {}), kind("key_refused", /does not follow/));
  });

  test("parameters other than the pinned are refused", async () => {
    const { Key } = await packageOf(HALO2);
    const parameters = read(HALO2, "parameters");
    const vk = read(HALO2, "verifying.key");
    await assert.rejects(Key.admit(vk, {}, changed(parameters, 100)), kind("parameters", /pinned/));
    await assert.rejects(Key.admit(vk, {}, parameters.slice(0, 3)), kind("parameters"));
    const { Key: other } = await packageOf(GROTH16[0]);
    await assert.rejects(other.admit(read(GROTH16[0], "verifying.key"), {}, parameters), kind("usage"));
  });

  test("each package knows its proof systems only", async () => {
    const { Key } = await packageOf(HALO2);
    const { Key: other } = await packageOf(GROTH16[0]);
    await assert.rejects(Key.admit(read(GROTH16[0], "verifying.key"), {}), kind("malformed_key", /unknown proof system/));
    await assert.rejects(other.admit(read(HALO2, "verifying.key"), {}), kind("malformed_key", /unknown proof system/));
  });
});
