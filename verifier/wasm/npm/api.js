// What both entries share: objects and typed errors around the WebAssembly module.

/** Why there is no claim. */
export class AvouchError extends Error {
  constructor({ kind, message, hint = "" }, verdict, options) {
    super(message, options);
    this.name = "AvouchError";
    this.kind = kind;
    this.hint = hint;
    this.verdict = verdict;
  }
}

const usage = (message) => new AvouchError({ kind: "usage", message, hint: "see the types of the package" });

/** A plain object as JSON. No condition may get lost on the way: neither an undefined nor an inherited one. */
function request(what, object) {
  const prototype = object === null || typeof object !== "object" ? undefined : Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw usage(`${what}: a plain object is expected`);
  return JSON.stringify(object, (name, value) => {
    if (["undefined", "function", "symbol", "bigint"].includes(typeof value)) {
      throw usage(`${what}: ${name} is ${typeof value}; leave it out if it is not demanded`);
    }
    return value;
  });
}

/** Bytes of no more than a limit: they are copied into the module's memory. */
function bytes(what, value, limit, kind) {
  if (Object.prototype.toString.call(value) !== "[object Uint8Array]") throw usage(`${what}: a Uint8Array is expected`);
  if (value.length > limit) {
    throw new AvouchError({ kind, message: `${what}: ${value.length} bytes, but at most ${limit} are read` });
  }
  return value;
}

/** Calls the module, which throws errors as JSON text. Anything else that it throws is a defect of the module. */
function call(f) {
  try {
    return f();
  } catch (e) {
    if (e instanceof AvouchError) throw e;
    if (typeof e === "string") {
      const { error, ...verdict } = JSON.parse(e);
      throw new AvouchError(error, "claim" in verdict ? verdict : undefined);
    }
    const hint = "start the process or the page anew, and report it";
    throw new AvouchError({ kind: "internal", message: `the verifier stopped: ${e}`, hint }, undefined, { cause: e });
  }
}

function timed(f) {
  const start = performance.now();
  const value = call(f);
  return [value, (performance.now() - start) / 1000];
}

const secret = Symbol();

/** The package's functions over a module of wasm-bindgen, which `load` makes ready. */
export function bind(wasm, load) {
  let loading;
  const ready = () => {
    loading ??= load().catch((e) => {
      loading = undefined;
      throw new AvouchError({ kind: "internal", message: `the verifier cannot be loaded: ${e}` }, undefined, { cause: e });
    });
    return loading;
  };

  class Key {
    #key;

    constructor(pass, key, times) {
      if (pass !== secret) throw usage("Key: only Key.admit makes one");
      this.#key = key;
      this.manifest = JSON.parse(key.manifest());
      this.provenance = key.provenance();
      this.times = times;
    }

    static async admit(verifyingKey, trust, parameters) {
      const text = request("trust", trust);
      await ready();
      let parametersTime = 0;
      if (parameters !== undefined) {
        if (!wasm.load_parameters) throw usage("parameters: this package has no system with parameters");
        const file = bytes("parameters", parameters, wasm.max_key(), "parameters");
        [, parametersTime] = timed(() => wasm.load_parameters(file));
      }
      const file = bytes("verifying key", verifyingKey, wasm.max_key(), "malformed_key");
      const [key, keyTime] = timed(() => wasm.Key.admit(file, text));
      return new Key(secret, key, { parameters_s: parametersTime, key_s: keyTime });
    }

    verify(proofFile, acceptance) {
      const text = request("acceptance", acceptance);
      const file = bytes("proof file", proofFile, wasm.max_proof(), "malformed_proof");
      const [verdict, time] = timed(() => this.#key.verify(file, text));
      return { ...JSON.parse(verdict), times: { verify_s: time } };
    }

    free() {
      this.#key.free();
    }
  }

  async function verify(verifyingKey, proofFile, acceptance) {
    request("acceptance", acceptance);
    const { expect_vk, allow_dev_setup, ...demands } = acceptance;
    const trust = {};
    if (expect_vk !== undefined) trust.expect_vk = expect_vk;
    if (allow_dev_setup !== undefined) trust.allow_dev_setup = allow_dev_setup;
    const key = await Key.admit(verifyingKey, trust);
    try {
      return key.verify(proofFile, demands);
    } finally {
      key.free();
    }
  }

  return { Key, verify };
}
