//! The policy's fields, and `policy_id`.
//!
//! Fields are range-checked before they are packed, so that elements have one reading. What a flag switches off is zero:
//! the area without a geofence, a predicate that is not used.

use alloc::{vec, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, One as _};

use super::{
    super::{
        builder::{Builder, Lc, Num, Sink, fr},
        poseidon::{chain_gadget, tag},
    },
    Hints,
    integer::{integer, names},
    pack, witnesses,
};
use crate::policy;
use crate::policy::{
    COORDINATE_BITS, FEATURE_INDEX_BITS, Item, MASK_BITS, MAX_FEATURES, MAX_PREDICATES, PREDICATE_BITS, TIME_BITS, tags,
};

/// The fields that clauses read.
pub(super) struct Policy {
    pub(super) controller: Lc,
    pub(super) scope: Lc,
    /// Bits, lowest first.
    pub(super) purposes: Vec<Num>,
    pub(super) categories: Vec<Num>,
    /// One for each feature of the schema.
    pub(super) features: Vec<Num>,
    pub(super) classes: Vec<Num>,
    /// Whether a consent is asked for.
    pub(super) consent: Num,
    /// Least and greatest latitude, and longitude; all there are without a geofence.
    pub(super) area: [[Lc; 2]; 2],
    pub(super) max_age: Lc,
    /// Zero if there are no epochs.
    pub(super) epoch_length: Lc,
    /// Whether nullifiers are of epochs, not of batches.
    pub(super) per_epoch: Num,
    pub(super) predicates: Vec<Predicate>,
}

/// A threshold on one feature; without use, one that everything satisfies.
pub(super) struct Predicate {
    /// One for each feature: whether it is that. All zero without use.
    pub(super) choice: Vec<Num>,
    /// Whether the feature has to be at least the threshold, not at most.
    pub(super) at_least: Num,
    pub(super) threshold: Lc,
}

const BITS: [&str; 2] = names!("policy");
const FEATURE_MASK: &str = "policy.feature_mask";

impl Policy {
    /// Constrains `public` to be the id of the policy whose fields are returned.
    pub(super) fn new<S: Sink>(b: &mut Builder<'_, S>, h: Hints<'_>, schema: Fr, features: usize, public: Num) -> Self {
        let p = |f: fn(&policy::Policy) -> Fr| h.of(|i| f(&i.policy));
        let [document_lo, document_hi, controller, own_schema, scope, ..] = h.of(|i| i.policy.elements());
        let [document_lo, document_hi, controller, own_schema, scope] =
            witnesses(b, [document_lo, document_hi, controller, own_schema, scope]);
        let expected = b.constant(schema);
        b.enforce_equal("policy.schema", &own_schema, &expected);

        let purposes = b.bits(BITS[0], p(|p| p.purposes.into()), MASK_BITS as usize);
        let categories = b.bits(BITS[0], p(|p| p.categories.into()), MASK_BITS as usize);
        let mask_value = p(|p| p.features.into());
        let mask = b.witness(mask_value);
        let mask_bits = b.bits("policy.feature_mask.bit", mask_value, features);
        let (mask, of_bits) = (b.var(mask), b.weighted(&mask_bits));
        // No bit beyond the schema's features.
        b.enforce_equal(FEATURE_MASK, &mask, &of_bits);
        let classes = b.bits(BITS[0], p(|p| p.classes.into()), MASK_BITS as usize);
        let consent = b.boolean(BITS[0], h.of(|i| i.policy.consent));
        let geofence = b.boolean(BITS[0], h.of(|i| i.policy.area.is_some()));
        let max_age = integer(b, BITS, p(|p| p.max_age.into()), TIME_BITS);

        let area = h.of(|i| i.policy.area.unwrap_or_default());
        let area = [area.lat, area.lon].map(|ends| ends.map(|v| integer(b, BITS, v.into(), COORDINATE_BITS)));
        let mut sum = b.lc();
        area.as_flattened().iter().for_each(|&x| sum.push(Fr::one(), x));
        let (off, zero) = (not(b, geofence), b.lc());
        b.enforce("policy.policy.unused", &sum, &off, &zero);
        let epoch_length = integer(b, BITS, p(|p| p.epoch_length.into()), TIME_BITS);
        let per_epoch = b.boolean(BITS[0], h.of(|i| i.policy.item == Item::Epoch));

        let mut fields = Vec::with_capacity(4 * MAX_PREDICATES);
        let predicates: Vec<Predicate> =
            (0..MAX_PREDICATES).map(|k| Predicate::new(b, h, k, &mask_bits, &mut fields)).collect();

        let [max_age, epoch_length] = [max_age, epoch_length].map(|x| b.var(x));
        let who = [
            (MASK_BITS, b.weighted(&purposes)),
            (MASK_BITS, b.weighted(&categories)),
            (MAX_FEATURES as u32, mask),
            (MASK_BITS, b.weighted(&classes)),
            (1, b.var(consent)),
            (1, b.var(geofence)),
            (TIME_BITS, max_age.clone()),
        ];
        let place = area.as_flattened().iter().map(|&x| (COORDINATE_BITS, b.var(x)));
        let place: Vec<_> = place.chain([(TIME_BITS, epoch_length.clone()), (1, b.var(per_epoch))]).collect();
        let mut elements = vec![document_lo, document_hi, controller.clone(), own_schema, scope.clone()];
        elements.extend(pack(b, who));
        elements.extend(pack(b, place));
        elements.extend(pack(b, fields));
        let id = chain_gadget(b, tag(tags::POLICY), &elements);
        let public = b.var(public);
        b.enforce_equal("statement.policy_id", &id, &public);

        let everywhere = off.scale(fr((1 << COORDINATE_BITS) - 1));
        let area = area.map(|[lo, hi]| [b.var(lo), b.var(hi).add_lc(Fr::one(), &everywhere)]);
        Self {
            controller,
            scope,
            purposes,
            categories,
            features: mask_bits,
            classes,
            consent,
            area,
            max_age,
            epoch_length,
            per_epoch,
            predicates,
        }
    }
}

impl Predicate {
    /// The `k`-th, and its fields as they are packed.
    fn new<S: Sink>(b: &mut Builder<'_, S>, h: Hints<'_>, k: usize, mask: &[Num], fields: &mut Vec<(u32, Lc)>) -> Self {
        let given = h.of(|i| i.policy.predicates.get(k).copied());
        let value = given.map_or(Fr::ZERO, |p| fr(p.value) + fr(policy::Predicate::OFFSET));
        let used = b.boolean(BITS[0], given.is_some());
        let at_least = b.boolean(BITS[0], given.is_some_and(|p| p.at_least));
        let value = integer(b, BITS, value, PREDICATE_BITS);
        let (sum, off, zero) = (b.var(value).add(Fr::one(), at_least), not(b, used), b.lc());
        b.enforce("policy.policy.unused", &sum, &off, &zero);

        let index = b.witness(given.map_or(Fr::ZERO, |p| p.feature.into()));
        let is_chosen = |i: usize| given.is_some_and(|p| usize::from(p.feature) == i);
        let choice: Vec<Num> = (0..mask.len()).map(|i| b.boolean("policy.feature_mask.choice", is_chosen(i))).collect();
        let (mut count, mut position) = (b.lc(), b.lc());
        for (i, &c) in choice.iter().enumerate() {
            count.push(Fr::one(), c);
            position.push(Fr::from(i as u64), c);
        }
        let (used_lc, index) = (b.var(used), b.var(index));
        b.enforce_equal(FEATURE_MASK, &count, &used_lc);
        b.enforce_equal(FEATURE_MASK, &position, &index);
        // A predicate on a masked feature would tell of it.
        for (&c, &m) in choice.iter().zip(mask) {
            let (c, masked) = (b.var(c), not(b, m));
            b.enforce(FEATURE_MASK, &c, &masked, &zero);
        }
        let threshold = b.var(value).add(-fr(policy::Predicate::OFFSET), used);
        fields.extend([
            (1, used_lc),
            (FEATURE_INDEX_BITS, index),
            (1, b.var(at_least)),
            (PREDICATE_BITS, b.var(value)),
        ]);
        Self { choice, at_least, threshold }
    }
}

/// `1 − bit`.
pub(super) fn not<S: Sink>(b: &Builder<'_, S>, bit: Num) -> Lc {
    b.lc().add(-Fr::one(), bit).plus(Fr::one())
}
