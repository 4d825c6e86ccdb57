//! What the contract stores.

use cosmwasm_std::{StdError, StdResult, Storage, from_json, to_json_vec};

use crate::message::Terms;

const TERMS: &[u8] = b"terms";
const KEY: &[u8] = b"key";
const ROOT: &[u8] = b"root/";
const NULLIFIER: &[u8] = b"nullifier/";

fn get(storage: &dyn Storage, key: &[u8]) -> StdResult<Vec<u8>> {
    storage.get(key).ok_or_else(|| StdError::msg("the contract was never instantiated"))
}

pub(crate) fn set(storage: &mut dyn Storage, terms: &Terms, key: &[u8]) -> StdResult<()> {
    storage.set(TERMS, &to_json_vec(terms)?);
    storage.set(KEY, key);
    Ok(())
}

pub(crate) fn terms(storage: &dyn Storage) -> StdResult<Terms> {
    from_json(get(storage, TERMS)?)
}

/// The key file.
pub(crate) fn key(storage: &dyn Storage) -> StdResult<Vec<u8>> {
    get(storage, KEY)
}

/// Until when the registry stands by a root: 0 if it never did.
pub(crate) fn valid_until(storage: &dyn Storage, root: &[u8; 32]) -> u64 {
    let until = storage.get(&[ROOT, root].concat());
    until.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?))).unwrap_or_default()
}

pub(crate) fn set_root(storage: &mut dyn Storage, root: &[u8; 32], until: u64) {
    storage.set(&[ROOT, root].concat(), &until.to_be_bytes());
}

pub(crate) fn is_used(storage: &dyn Storage, nullifier: &[u8; 32]) -> bool {
    storage.get(&[NULLIFIER, nullifier].concat()).is_some()
}

pub(crate) fn set_used(storage: &mut dyn Storage, nullifier: &[u8; 32]) {
    storage.set(&[NULLIFIER, nullifier].concat(), &[1]);
}
