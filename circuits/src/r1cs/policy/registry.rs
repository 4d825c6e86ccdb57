//! What the registry says of the device and of the consent: their leaves, and the clauses on their fields.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::{
    super::builder::{Builder, Lc, Num, Sink},
    Hints,
    curve::Point,
    integer::{at_most, integer, names},
    parameters::Policy,
    records::Reading,
    tagged, tree, witnesses,
};
use crate::policy::{MASK_BITS, TIME_BITS, halves, tags};

/// Constrains `public` to be the registry root, and gives the roots of the trees of devices and consents.
pub(super) fn roots<S: Sink>(b: &mut Builder<'_, S>, h: Hints<'_>, public: Num) -> [Lc; 2] {
    let roots = witnesses(b, h.of(|i| [i.roots.devices, i.roots.consents]));
    let root = tagged(b, tags::REGISTRY, roots.clone());
    let public = b.var(public);
    b.enforce_equal("statement.registry_root", &root, &public);
    roots
}

/// The device's clauses. Gives its key, and its nullifier key.
pub(super) fn device<S: Sink>(
    b: &mut Builder<'_, S>,
    h: Hints<'_>,
    policy: &Policy,
    root: &Lc,
    [first, last]: [&Reading; 2],
) -> (Point, Lc) {
    let key = Point::witness(b, h.of(|i| [i.device.key.x, i.device.key.y]));
    let class = class(b, h.of(|i| i.device.class), &policy.classes);
    const VALIDITY: [&str; 2] = names!("device_validity");
    let [from, to] = h.of(|i| [i.device.valid_from, i.device.valid_to]).map(|t| {
        let time = integer(b, VALIDITY, t.into(), TIME_BITS);
        b.var(time)
    });
    at_most(b, VALIDITY, &from, &first.time, TIME_BITS);
    at_most(b, VALIDITY, &last.time, &to, TIME_BITS);
    let [nullifier_key, key_hash] = witnesses(b, h.of(|i| [i.nullifier_key, i.device.nullifier_key_hash]));
    let zero = b.lc();
    let hash = tagged(b, tags::NULLIFIER_KEY, [nullifier_key.clone(), zero]);
    b.enforce_equal("policy.nullifier_key", &hash, &key_hash);
    let leaf = tagged(b, tags::DEVICE, [key.x.clone(), key.y.clone(), class, from, to, key_hash]);
    let path = h.of(|i| i.device_path);
    let reached = tree::root(b, names!("device_tree"), leaf, &path);
    b.enforce_equal("policy.device_tree", &reached, root);
    (key, nullifier_key)
}

/// A class by one bit of many, which is one of the allowed.
fn class<S: Sink>(b: &mut Builder<'_, S>, value: u8, allowed: &[Num]) -> Lc {
    const NAMES: [&str; 2] = names!("device_class");
    let (mut class, mut count, mut hits) = (b.lc(), b.lc(), b.lc());
    for (i, &bit) in allowed.iter().enumerate() {
        let is_this = b.boolean(NAMES[0], usize::from(value) == i);
        class.push(Fr::from(i as u64), is_this);
        count.push(Fr::one(), is_this);
        let (this, bit) = (b.var(is_this), b.var(bit));
        let hit = b.product(NAMES[1], &this, &bit);
        hits.push(Fr::one(), hit);
    }
    let one = b.constant(Fr::one());
    b.enforce_equal(NAMES[1], &count, &one);
    b.enforce_equal(NAMES[1], &hits, &one);
    class
}

/// The consent's clauses, each switched off by the policy alone. A consent that is not asked for still has fields in
/// range: zeros, say.
pub(super) fn consent<S: Sink>(
    b: &mut Builder<'_, S>,
    h: Hints<'_>,
    policy: &Policy,
    root: &Lc,
    readings: &[Reading],
    [first, window_end]: [&Lc; 2],
) {
    let asked = b.var(policy.consent);
    let zero = b.lc();
    let equal = |b: &mut Builder<'_, S>, name, x: &Lc, y: &Lc| {
        let difference = x.clone().add_lc(-Fr::one(), y);
        b.enforce(name, &difference, &asked, &zero);
    };
    let [subject, controller, salt] = witnesses(b, h.of(|i| [i.consent.subject, i.consent.controller, i.consent.salt]));
    let [notice_lo, notice_hi] = witnesses(b, h.of(|i| halves(&i.consent.notice)));
    equal(b, "policy.consent_controller", &controller, &policy.controller);
    for (i, reading) in readings.iter().enumerate() {
        b.enter_element(i);
        equal(b, "policy.subject", &reading.subject, &subject);
    }
    b.enter_element(0);
    let purposes = subset(b, names!("consent_purposes"), &policy.purposes, h.of(|i| i.consent.purposes), &asked);
    let categories =
        subset(b, names!("consent_categories"), &policy.categories, h.of(|i| i.consent.categories), &asked);

    const VALIDITY: [&str; 2] = names!("consent_validity");
    let [from, to] = h.of(|i| [i.consent.valid_from, i.consent.valid_to]).map(|t| {
        let time = integer(b, VALIDITY, t.into(), TIME_BITS);
        b.var(time)
    });
    // No record is behind the window's end.
    for (low, high) in [(&from, first), (window_end, &to)] {
        let room = high.clone().add_lc(-Fr::one(), low);
        let room = b.product(VALIDITY[1], &room, &asked);
        let room = b.var(room);
        b.range(VALIDITY, &room, TIME_BITS as usize);
    }

    let leaf =
        tagged(b, tags::CONSENT, [subject, controller, purposes, categories, from, to, notice_lo, notice_hi, salt]);
    let path = h.of(|i| i.consent_path);
    let reached = tree::root(b, names!("consent_tree"), leaf, &path);
    equal(b, "policy.consent_tree", &reached, root);
}

/// `bits` are some, and all among those of `given`, if that is asked for. Gives `given`, in range.
fn subset<S: Sink>(b: &mut Builder<'_, S>, names: [&'static str; 2], bits: &[Num], given: u32, asked: &Lc) -> Lc {
    let given = b.bits(names[0], given.into(), MASK_BITS as usize);
    let (mut missing, zero) = (b.weighted(bits), b.lc());
    let mut weight = Fr::one();
    for (&bit, &other) in bits.iter().zip(&given) {
        let (bit, other) = (b.var(bit), b.var(other));
        let common = b.product(names[1], &bit, &other);
        missing.push(-weight, common);
        weight += weight;
    }
    b.enforce(names[1], &missing, asked, &zero);
    let all = b.weighted(bits);
    let none = b.is_zero([names[1]; 3], &all);
    let none = b.var(none);
    b.enforce(names[1], &none, asked, &zero);
    b.weighted(&given)
}
