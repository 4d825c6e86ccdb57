// Asks snarkjs about many proofs: reads [{ key, proof, public }] on stdin, and prints as many verdicts: true, false, or the
// text of an error.
import { readFileSync } from "node:fs";
import { groth16 } from "snarkjs";

const verdicts = [];
for (const { key, proof, public: inputs } of JSON.parse(readFileSync(0, "utf8"))) {
  verdicts.push(await groth16.verify(key, inputs, proof).catch((e) => `${e}`));
}
console.log(JSON.stringify(verdicts));
// Its workers would keep the process alive.
process.exit();
