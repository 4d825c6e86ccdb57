/** 32 bytes as 64 hexadecimal digits; what is given may begin with `0x`. */
export type Hex = string;

/**
 * Which key is trusted. A Groth16 key from a ceremony is admitted only by its pinned digest, one from a development setup
 * only if that is allowed, and a transparent one because it is derived again from its model.
 */
export interface Trust {
  /** The only digest that is admitted. It admits no development key by itself. */
  readonly expect_vk?: Hex;
  /** Admits keys whose maker can forge proofs. For tests. */
  readonly allow_dev_setup?: boolean;
}

/** What is demanded of a claim. Whatever is left out is not checked, and listed in `not_checked`. */
export interface Demands {
  readonly expect_model?: Hex;
  /** The whole context digest, of which a proof holds the first 31 bytes. */
  readonly expect_context?: Hex;
  readonly expect_policy?: Hex;
  readonly expect_root?: Hex;
  readonly expect_output?: ExpectedOutput;
  /** Whole seconds; `now` is the verifier's Unix time. */
  readonly freshness?: { readonly now: number; readonly max_delay: number; readonly skew?: number };
}

export interface Acceptance extends Trust, Demands {}

export type ExpectedOutput =
  | { readonly kind: "raw"; readonly integers: readonly number[] }
  | { readonly kind: "argmax"; readonly class: number }
  | { readonly kind: "threshold"; readonly index: number; readonly threshold: number; readonly reached: boolean }
  | { readonly kind: "commit"; readonly commitment: Hex };

export type Output =
  | {
      readonly kind: "raw";
      readonly integers: readonly number[];
      /** The real numbers that the integers stand for. */
      readonly outputs: readonly number[];
    }
  | { readonly kind: "argmax"; readonly class: number }
  | { readonly kind: "threshold"; readonly index: number; readonly threshold: number; readonly reached: boolean }
  | { readonly kind: "commit"; readonly commitment: Hex };

export type System = "groth16-bn254:v1" | "groth16-lookup-bn254:v1" | "halo2-ipa-pasta:v1";

/** Why a key is trusted. Under `pinned` and `dev` the model is only claimed by the key. */
export type Provenance = "rederived" | "transcript_checked" | "pinned" | "dev";

export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: "int8" | "uint8";
  readonly scale: number;
  readonly zero_point: number;
}

/** What a verifying key says. */
export interface Manifest {
  readonly system: System;
  readonly setup: "dev" | "ceremony" | "transparent";
  readonly vk_digest: Hex;
  readonly model_id: Hex;
  /** 31 bytes. */
  readonly circuit_id: string;
  readonly disclosure:
    | { readonly kind: "raw" | "argmax" | "commit" }
    | { readonly kind: "threshold"; readonly index: number; readonly threshold: number };
  readonly input_tensor: Tensor;
  readonly output_tensor: Tensor;
  /** For people; proves nothing. */
  readonly label: string;
}

/** What a verified proof says. */
export interface Claim extends Manifest {
  readonly key_provenance: Provenance;
  readonly records: number;
  /** 31 bytes. */
  readonly schema_digest: string;
  readonly context_bound: boolean;
  readonly statement: {
    readonly context: Hex;
    readonly circuit_id: Hex;
    readonly policy_id: Hex;
    readonly registry_root: Hex;
    readonly window: Hex;
    readonly nullifier: Hex;
    readonly input_commitment: Hex;
    readonly output: Hex;
  };
  readonly output: Output;
}

export type ConditionName = "model" | "context" | "policy" | "registry_root" | "output" | "freshness";

export interface Condition {
  readonly condition: ConditionName;
  readonly met: boolean;
  readonly expected: string;
  readonly found: string;
}

/** Something that neither the proof nor the demands establish. */
export interface NotChecked {
  readonly name:
    | "setup"
    | "model_claimed_by_key"
    | "model"
    | "context_unbound"
    | "context"
    | "input_origin"
    | "policy"
    | "registry_root"
    | "freshness"
    | "reuse"
    | "sensor_truth";
  /** In plain English. */
  readonly meaning: string;
}

/** What `avouch verify --json` prints, too. */
export interface Verdict {
  readonly accepted: boolean;
  readonly claim: Claim;
  readonly acceptance: { readonly conditions: readonly Condition[]; readonly not_checked: readonly NotChecked[] };
}

export interface Accepted extends Verdict {
  readonly accepted: true;
  readonly times: { readonly verify_s: number };
}

/**
 * - `usage`: the arguments are not what they should be
 * - `malformed_key`, `parameters`: not a key file; not the parameters that are pinned
 * - `key_refused`: a key that is not trusted
 * - `malformed_proof`: not a proof file
 * - `other_key`: a proof for another key
 * - `rejected`: the proof does not hold
 * - `unmet`: the proof holds, but a demand is not met; `verdict` says which
 * - `internal`: a defect of the verifier, or it could not be loaded
 */
export type ErrorKind =
  | "usage"
  | "malformed_key"
  | "parameters"
  | "key_refused"
  | "malformed_proof"
  | "other_key"
  | "rejected"
  | "unmet"
  | "internal";

/** Why there is no accepted claim. */
export declare class AvouchError extends Error {
  private constructor();
  readonly name: "AvouchError";
  readonly kind: ErrorKind;
  /** What to do about it; may be empty. */
  readonly hint: string;
  /** Claim and conditions, if `kind` is `unmet`. */
  readonly verdict?: Verdict & { readonly accepted: false };
}

/** A key that was admitted once and verifies many proofs. */
export declare class Key {
  private constructor();
  /**
   * Reads a key file and decides whether to trust it; throws an `AvouchError`. A transparent key is derived from its model
   * here, once, which blocks for seconds: do it in a worker. `parameters` is the file of that name, which saves part of
   * that time; it is believed only if it is the one that is pinned in the verifier.
   */
  static admit(verifyingKey: Uint8Array, trust: Trust, parameters?: Uint8Array): Promise<Key>;
  readonly manifest: Manifest;
  readonly provenance: Provenance;
  /** Seconds: reading the parameters, and reading the key, or deriving it. */
  readonly times: { readonly parameters_s: number; readonly key_s: number };
  /** Verifies a proof file and holds its claim against the demands; throws an `AvouchError`. */
  verify(proofFile: Uint8Array, demands: Demands): Accepted;
  /** Gives the memory back; the key verifies nothing any more. */
  free(): void;
}

/** Admits a key and verifies one proof file with it; throws an `AvouchError`. */
export declare function verify(verifyingKey: Uint8Array, proofFile: Uint8Array, acceptance: Acceptance): Promise<Accepted>;
