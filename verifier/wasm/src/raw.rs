//! Plain exports for hosts without JavaScript, such as wasmtime or a chain's virtual machine. The module imports nothing.
//!
//! | export | gives |
//! |---|---|
//! | `avouch_alloc(length)` | the address of a new buffer, which the host fills; 0 if it is too long |
//! | `avouch_free(address)` | nothing; forgets the buffer |
//! | `avouch_admit(key, trust)` | a handle of the admitted key; 0 if it is refused |
//! | `avouch_release(handle)` | nothing; forgets the key |
//! | `avouch_verify(handle, proof, demands)` | 0 accepted, 1 rejected, 2 error |
//! | `avouch_answer()`, `avouch_answer_length()` | address and length of the last answer: JSON |
//!
//! Arguments other than handles and lengths are addresses that `avouch_alloc` gave; 0 stands for no bytes. `trust` and
//! `demands` are the JSON of [`Trust`](crate::Trust) and [`Demands`](crate::Demands); an answer is a key's manifest, or as
//! from `avouch verify --json`. It stays in its place until the next `avouch_admit` or `avouch_verify`.
//!
//! There is no pointer arithmetic here: an address is looked up among the buffers, and any other is an error.
#![expect(unsafe_code, reason = "the names of exports are attributes that are called unsafe; there is no unsafe block")]

use std::{cell::RefCell, collections::BTreeMap};

use avouch_verifier::{AcceptedKey, json};

use crate::{
    MAX_KEY, Refusal,
    verdict::{self, usage},
};

const ACCEPTED: u32 = 0;
const REJECTED: u32 = 1;
const ERROR: u32 = 2;

/// Everything that lives between two calls.
#[derive(Default)]
struct Host {
    buffers: BTreeMap<usize, Vec<u8>>,
    keys: BTreeMap<u32, AcceptedKey>,
    last_handle: u32,
    answer: Vec<u8>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

impl Host {
    fn buffer(&self, address: usize) -> Result<&[u8], Refusal> {
        match address {
            0 => Ok(&[]),
            _ => self.buffers.get(&address).map(Vec::as_slice).ok_or_else(|| usage("no buffer is at this address")),
        }
    }

    fn text(&self, address: usize) -> Result<&str, Refusal> {
        core::str::from_utf8(self.buffer(address)?).map_err(usage)
    }

    fn admit(&mut self, key: usize, trust: usize) -> Result<u32, Refusal> {
        let key = verdict::admit(self.buffer(key)?, self.text(trust)?)?;
        let handle = self.last_handle.checked_add(1).ok_or_else(|| usage("too many keys"))?;
        self.last_handle = handle;
        self.answer = json::manifest(key.key()).to_string().into();
        self.keys.insert(handle, key);
        Ok(handle)
    }

    fn verify(&self, handle: u32, proof: usize, demands: usize) -> Result<Vec<u8>, Refusal> {
        let key = self.keys.get(&handle).ok_or_else(|| usage("no key has this handle"))?;
        Ok(verdict::verify(key, self.buffer(proof)?, self.text(demands)?)?.to_string().into())
    }
}

/// The address of a new buffer of `length` bytes; 0 if it is longer than any key, or empty.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_alloc(length: u32) -> usize {
    let mut buffer = Vec::new();
    let Ok(size) = usize::try_from(length) else { return 0 };
    if length == 0 || length > MAX_KEY || buffer.try_reserve_exact(size).is_err() {
        return 0;
    }
    buffer.resize(size, 0);
    // The host writes behind the address.
    let address = buffer.as_ptr().expose_provenance();
    HOST.with_borrow_mut(|host| host.buffers.insert(address, buffer));
    address
}

/// Forgets a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_free(address: usize) {
    HOST.with_borrow_mut(|host| host.buffers.remove(&address));
}

/// Reads a key and decides whether to trust it: its handle, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_admit(key: usize, trust: usize) -> u32 {
    HOST.with_borrow_mut(|host| {
        host.admit(key, trust).unwrap_or_else(|refusal| {
            host.answer = refusal.json().to_string().into();
            0
        })
    })
}

/// Forgets a key.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_release(handle: u32) {
    HOST.with_borrow_mut(|host| host.keys.remove(&handle));
}

/// Verifies a proof file, and holds its claim against the demands: 0 accepted, 1 rejected, 2 error.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_verify(handle: u32, proof: usize, demands: usize) -> u32 {
    HOST.with_borrow_mut(|host| match host.verify(handle, proof, demands) {
        Ok(answer) => {
            host.answer = answer;
            ACCEPTED
        }
        Err(refusal) => {
            host.answer = refusal.json().to_string().into();
            if refusal.is_error() { ERROR } else { REJECTED }
        }
    })
}

/// The address of the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_answer() -> usize {
    HOST.with_borrow(|host| host.answer.as_ptr().expose_provenance())
}

/// Bytes of the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn avouch_answer_length() -> usize {
    HOST.with_borrow(|host| host.answer.len())
}
