//! Records: their fields, their hashes, and the clauses that hold for each of them.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{One as _, Zero as _};

use super::{
    super::{
        builder::{Builder, Lc, Num, Sink, fr},
        poseidon::{chain_gadget, tag},
    },
    Hints,
    integer::{at_most, names},
    pack,
    parameters::{Policy, Predicate},
    tagged, witnesses,
};
use crate::{
    circuit::RecordFeature,
    policy::{COORDINATE_BITS, PREDICATE_BITS, Record, TIME_BITS, tags},
};

/// What other clauses read of a record.
pub(super) struct Reading {
    pub(super) subject: Lc,
    pub(super) time: Lc,
    /// Whether the policy masks them or not.
    features: Vec<Num>,
    pub(super) hash: Lc,
}

impl Reading {
    /// Record `i`, its fields in range and its sequence number `seq`: the first one's is a multiple of R, the others follow.
    pub(super) fn new<S: Sink>(
        b: &mut Builder<'_, S>,
        h: Hints<'_>,
        i: usize,
        schema: Fr,
        features: &[RecordFeature],
        due: &Lc,
        policy: &Policy,
    ) -> Self {
        let field = |f: fn(&Record) -> Fr| h.of(|inputs| inputs.records.get(i).map_or(Fr::zero(), f));
        let fields = [
            field(|r| r.subject),
            field(|r| r.time.into()),
            field(|r| r.lat.into()),
            field(|r| r.lon.into()),
            field(|r| r.seq.into()),
            field(|r| r.salt),
        ];
        let [subject, time, lat, lon, seq, salt] = witnesses(b, fields);
        b.enforce_equal(if i == 0 { "policy.batch_number" } else { "policy.sequence" }, &seq, due);
        // The area's ends are below 2^32: a coordinate that is not below the one nor above the other is, too.
        for (coordinate, [lo, hi]) in [&lat, &lon].into_iter().zip(&policy.area) {
            at_most(b, names!("geofence"), lo, coordinate, COORDINATE_BITS);
            at_most(b, names!("geofence"), coordinate, hi, COORDINATE_BITS);
        }
        let value =
            |k: usize| h.of(|inputs| inputs.records.get(i).and_then(|r| r.features.get(k).copied()).unwrap_or(0));
        let values: Vec<Num> = (0..features.len()).map(|k| b.witness(fr(value(k)))).collect();
        let offsets: Vec<(u32, Lc)> = features
            .iter()
            .zip(&values)
            .map(|(f, &v)| {
                let offset = b.var(v).plus(fr(-f.range.lo));
                b.range(names!("feature_range"), &offset, f.bits as usize);
                (f.bits, offset)
            })
            .collect();
        let packed = pack(b, offsets);
        let chain = chain_gadget(b, tag(tags::FEATURES), &packed);
        let elements = [b.constant(schema), subject.clone(), time.clone(), lat, lon, seq, salt, chain];
        let hash = tagged(b, tags::RECORD, elements);
        policy.predicates.iter().for_each(|p| p.enforce(b, &values));
        Self { subject, time, features: values, hash }
    }

    /// The features, with the fill value where the policy masks one.
    pub(super) fn masked<S: Sink>(&self, b: &mut Builder<'_, S>, features: &[RecordFeature], mask: &[Num]) -> Vec<Num> {
        let select = |((f, &v), &is_shown): ((&RecordFeature, &Num), &Num)| {
            let (value, fill, is_shown) = (b.var(v), b.constant(fr(f.fill)), b.var(is_shown));
            b.select("policy.feature_mask", &is_shown, &value, &fill)
        };
        features.iter().zip(&self.features).zip(mask).map(select).collect()
    }
}

impl Predicate {
    /// A record's features satisfy it: the chosen one less the threshold, or the threshold less it, is not negative. Both
    /// are from −2^31 to 2^32 − 1.
    fn enforce<S: Sink>(&self, b: &mut Builder<'_, S>, features: &[Num]) {
        const NAMES: [&str; 2] = names!("predicate");
        let mut excess = self.threshold.clone().scale(-Fr::one());
        for (&choice, &feature) in self.choice.iter().zip(features) {
            let (choice, feature) = (b.var(choice), b.var(feature));
            let chosen = b.product(NAMES[1], &feature, &choice);
            excess.push(Fr::one(), chosen);
        }
        let sign = b.lc().add(Fr::from(2u64), self.at_least).plus(-Fr::one());
        let margin = b.product(NAMES[1], &excess, &sign);
        let margin = b.var(margin);
        b.range(NAMES, &margin, PREDICATE_BITS as usize);
    }
}

/// The batch that a device signs: H(tag, schema, R, first sequence number, chain of the records' hashes).
pub(super) fn batch_hash<S: Sink>(b: &mut Builder<'_, S>, schema: Fr, first: Lc, hashes: &[Lc]) -> Lc {
    let chain = chain_gadget(b, tag(tags::RECORDS), hashes);
    let elements = [b.constant(schema), b.constant(fr(hashes.len() as i64)), first, chain];
    tagged(b, tags::BATCH, elements)
}

/// Times do not fall, so that bounds on the first and the last hold for all.
pub(super) fn in_order<S: Sink>(b: &mut Builder<'_, S>, readings: &[Reading]) {
    for (i, pair) in readings.windows(2).enumerate() {
        b.enter_element(i + 1);
        at_most(b, names!("time_order"), &pair[0].time, &pair[1].time, TIME_BITS);
    }
    b.enter_element(0);
}
