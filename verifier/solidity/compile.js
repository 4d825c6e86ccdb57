// Compiles the contracts of this folder, and those given as { "path": "source" } on stdin. Prints their code: { "name":
// "hex" }. The settings are those that contracts are to be deployed with.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import solc from "solc";

const CONTRACTS = new URL("contracts/", import.meta.url).pathname;

const sources = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(0, "utf8"))).map(([path, content]) => [path, { content }]),
);
for (const path of readdirSync(CONTRACTS, { recursive: true }).filter((path) => path.endsWith(".sol"))) {
  sources[path] = { content: readFileSync(join(CONTRACTS, path), "utf8") };
}

const input = {
  language: "Solidity",
  sources,
  settings: {
    viaIR: true,
    optimizer: { enabled: true, runs: 10000 },
    evmVersion: "shanghai",
    metadata: { bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
if (output.errors?.length) {
  // Warnings too.
  console.error(output.errors.map((e) => e.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = Object.values(output.contracts).flatMap(Object.entries);
console.log(JSON.stringify(Object.fromEntries(contracts.map(([name, { evm }]) => [name, evm.bytecode.object]))));
