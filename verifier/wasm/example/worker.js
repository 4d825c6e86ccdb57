// Verifies beside the page: deriving a transparent key takes seconds.

/** The key, by the package that knows its proof system. */
async function admit(file, trust) {
  let refusal;
  for (const name of ["verifier", "verifier-halo2"]) {
    const { Key } = await import(`./${name}/browser.js`);
    try {
      return await Key.admit(file, trust);
    } catch (e) {
      if (!/unknown proof system/.test(e.message)) throw e;
      refusal = e;
    }
  }
  throw refusal;
}

/** A result as somebody types it, for a key that discloses it in a certain way. */
function result(text, { kind, index, threshold }) {
  const word = text.toLowerCase();
  switch (kind) {
    case "raw":
      return { kind, integers: text.split(/[\s,;]+/).filter(Boolean).map(Number) };
    case "argmax":
      return { kind, class: Number(text) };
    case "threshold":
      if (!["yes", "no", "1", "0"].includes(word)) {
        throw Object.assign(new Error(`The result ${text}: yes or no is expected`), { kind: "usage" });
      }
      return { kind, index, threshold, reached: word === "yes" || word === "1" };
    default:
      return { kind, commitment: text };
  }
}

addEventListener("message", async ({ data: { key: keyFile, proof, trust, demands, expectedResult } }) => {
  const pinned = "expect_vk" in trust;
  try {
    const key = await admit(keyFile, trust);
    const output = expectedResult && { expect_output: result(expectedResult, key.manifest.disclosure) };
    const verdict = key.verify(proof, { ...demands, ...output });
    postMessage({ verdict: { ...verdict, times: { ...key.times, ...verdict.times } }, pinned });
  } catch ({ kind = "internal", message, hint = "", verdict }) {
    postMessage({ error: { kind, message, hint }, verdict, pinned });
  }
});
