//! The data policy's clauses: what [`evaluate`](crate::policy::evaluate) says of records, as constraints.
//!
//! | file | holds | constraints |
//! |---|---|---|
//! | `parameters` | the policy's fields, `policy_id` | about 1,100 by bits, 830 by lookups |
//! | `window` | window, epoch, batch number, nullifier | about 700; 420 |
//! | `records` | a record: ranges, hash, area, predicates, mask | about 1,600; 1,100 |
//! | `registry`, `tree` | leaves of device and consent and their paths, and what the leaves say | about 11,500; 11,250 |
//! | `eddsa`, `curve` | the signature on the batch | 4,262; 4,204 |
//! | `integer` | comparisons | |
//!
//! Constraints of a clause begin with `policy.` and the clause's [`name`](crate::policy::Clause::name); those that bind
//! public inputs with `statement.`. Where a clause has more parts than one, the part's name follows.
//!
//! Every flag that switches a clause off is a field of the policy, whose hash is public input 2. Times of records do not
//! fall, so their bounds are checked on the first and the last alone.
//!
//! `evaluate` also refuses what no constraint has to: paths and lists that have no form here; a predicate's value that no
//! feature reaches; and a key with a part of small order, which a registry does not admit, and which signs for no one but
//! the holder of the secret.

mod curve;
mod eddsa;
mod integer;
mod parameters;
mod records;
mod registry;
mod tree;
mod window;

use alloc::{vec, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{One as _, PrimeField as _};

use self::{
    curve::Point,
    eddsa::{BaseTable, Signature},
    integer::{at_most, names},
    parameters::Policy,
    records::{Reading, batch_hash, in_order},
};
use super::{
    builder::{Builder, Lc, Num, Sink, power},
    poseidon::{hash_gadget, tag},
};
use crate::{
    circuit,
    policy::{Inputs, PACKED_BITS, TIME_BITS},
};

/// The private values of a data policy's clauses, where they are known.
#[derive(Clone, Copy)]
struct Hints<'a>(Option<&'a Inputs>);

impl<'a> Hints<'a> {
    fn of<T: Default>(self, value: impl FnOnce(&'a Inputs) -> T) -> T {
        self.0.map(value).unwrap_or_default()
    }
}

/// The gadget of the records of a data policy.
pub(super) struct Records<'c> {
    relation: &'c circuit::Records,
    table: BaseTable,
    schema: Fr,
}

impl<'c> Records<'c> {
    pub(super) fn new(relation: &'c circuit::Records) -> Self {
        Self { relation, table: BaseTable::new(), schema: Fr::from_be_bytes_mod_order(&relation.schema) }
    }

    /// Constrains the records to satisfy the policy, and public inputs 2 to 5 to be the policy's. Gives the masked
    /// features, record after record.
    pub(super) fn synthesize<S: Sink>(
        &self,
        b: &mut Builder<'_, S>,
        inputs: Option<&Inputs>,
        [policy_id, registry_root, window, nullifier]: [Num; 4],
    ) -> Vec<Num> {
        let (h, schema, features) = (Hints(inputs), self.schema, &self.relation.features[..]);
        let count = self.relation.count;
        let policy = Policy::new(b, h, schema, features.len(), policy_id);
        let ends = window::window(b, h.of(|i| [i.window.lo, i.window.hi]), count, window);
        let epoch = window::epoch(b, &policy, &ends);
        let first_number = h.of(|i| i.records.first().map_or(0, |r| r.seq));
        let [batch, first_number] = window::batch(b, first_number, count);
        let last_number = first_number.clone().plus(Fr::from(count) - Fr::one());
        b.range(names!("record_width"), &last_number, TIME_BITS as usize);

        let readings: Vec<Reading> = (0..usize::from(count))
            .map(|i| {
                b.enter_element(i);
                let due = first_number.clone().plus(Fr::from(i as u64));
                Reading::new(b, h, i, schema, features, &due, &policy)
            })
            .collect();
        in_order(b, &readings);
        // Circuits are made of schemas with records.
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return Vec::new() };
        let [lo, hi] = &ends;
        at_most(b, names!("window"), lo, &first.time, TIME_BITS);
        at_most(b, names!("window"), &last.time, hi, TIME_BITS);
        let oldest = first.time.clone().add_lc(Fr::one(), &policy.max_age);
        at_most(b, names!("max_age"), hi, &oldest, TIME_BITS);

        let [devices, consents] = registry::roots(b, h, registry_root);
        let (key, nullifier_key) = registry::device(b, h, &policy, &devices, [first, last]);
        registry::consent(b, h, &policy, &consents, &readings, [&first.time, hi]);
        window::nullifier(b, &policy, schema, &nullifier_key, [&batch, &epoch], nullifier);

        let hashes: Vec<Lc> = readings.iter().map(|r| r.hash.clone()).collect();
        let message = batch_hash(b, schema, first_number, &hashes);
        let r8 = Point::witness(b, h.of(|i| [i.signature.r8.x, i.signature.r8.y]));
        let signature = Signature { r8, s: h.of(|i| i.signature.s) };
        eddsa::verify(b, &self.table, &key, &signature, message);

        let masked = |(i, reading): (usize, &Reading)| {
            b.enter_element(i);
            reading.masked(b, features, &policy.features)
        };
        readings.iter().enumerate().flat_map(masked).collect()
    }
}

/// Fresh witnesses.
fn witnesses<S: Sink, const N: usize>(b: &mut Builder<'_, S>, values: [Fr; N]) -> [Lc; N] {
    values.map(|value| {
        let num = b.witness(value);
        b.var(num)
    })
}

/// `H(tag, elements)`.
fn tagged<S: Sink, const N: usize>(b: &mut Builder<'_, S>, name: &str, elements: [Lc; N]) -> Lc {
    let mut all = vec![b.constant(tag(name))];
    all.extend(elements);
    hash_gadget(b, &all)
}

/// The gadget of [`policy::pack`](crate::policy::pack): widths and values.
fn pack<S: Sink>(b: &Builder<'_, S>, fields: impl IntoIterator<Item = (u32, Lc)>) -> Vec<Lc> {
    let mut elements: Vec<Lc> = Vec::new();
    let mut used = 0;
    for (bits, value) in fields {
        match elements.last_mut() {
            Some(last) if used + bits <= PACKED_BITS => {
                *last = core::mem::take(last).add_lc(power(used as usize), &value);
            }
            Some(_) | None => {
                used = 0;
                elements.push(b.lc().add_lc(Fr::one(), &value));
            }
        }
        used += bits;
    }
    elements
}
