// For Node: the module is read from beside this file.
import { readFile } from "node:fs/promises";
import init, * as wasm from "./avouch.js";
import { bind } from "./api.js";

export { AvouchError } from "./api.js";
export const { Key, verify } = bind(wasm, async () => {
  await init({ module_or_path: await readFile(new URL("avouch_bg.wasm", import.meta.url)) });
});
