// Compiled, never run: the types are as strict as they say.
import { AvouchError, Key, verify, type Accepted, type Claim, type ErrorKind } from "@avouch/verifier";

export async function reading(vk: Uint8Array, proof: Uint8Array): Promise<number> {
  const key: Key = await Key.admit(vk, { expect_vk: "00", allow_dev_setup: false });
  const accepted: Accepted = key.verify(proof, { expect_context: "00", freshness: { now: 1, max_delay: 2 } });
  const claim: Claim = accepted.claim;
  switch (claim.output.kind) {
    case "raw":
      return claim.output.outputs.length;
    case "argmax":
      return claim.output.class;
    case "threshold":
      return Number(claim.output.reached);
    case "commit":
      return claim.output.commitment.length;
  }
}

export async function problem(vk: Uint8Array, proof: Uint8Array): Promise<ErrorKind | undefined> {
  try {
    await verify(vk, proof, { expect_vk: "00", expect_output: { kind: "argmax", class: 7 } });
    return undefined;
  } catch (e) {
    if (e instanceof AvouchError) return e.kind;
    throw e;
  }
}

export async function wrong(vk: Uint8Array, proof: Uint8Array): Promise<void> {
  // @ts-expect-error: acceptance is not optional
  await verify(vk, proof);
  // @ts-expect-error: a misspelt demand
  await verify(vk, proof, { expect_contxt: "00" });
  // @ts-expect-error: trust is decided when the key is admitted
  (await Key.admit(vk, {})).verify(proof, { expect_vk: "00" });
  // @ts-expect-error: only Key.admit makes one
  new Key();
  // @ts-expect-error: a claim cannot be changed
  (await verify(vk, proof, {})).claim.label = "";
}
