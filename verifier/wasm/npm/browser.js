// For browsers and bundlers: the module is fetched from beside this file.
import init, * as wasm from "./avouch.js";
import { bind } from "./api.js";

export { AvouchError } from "./api.js";
export const { Key, verify } = bind(wasm, () => init({ module_or_path: new URL("avouch_bg.wasm", import.meta.url) }));
