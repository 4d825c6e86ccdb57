//! The policy: parameters that are witness values, hashed to `policy_id`.
//!
//! `policy_id` is the chain, under [`tags::POLICY`], of these eight elements; small fields are packed from the least
//! significant bit up:
//!
//! | element | fields (bits) |
//! |---|---|
//! | 0, 1 | SHA-256 of the policy document: last and first 16 bytes (128 each) |
//! | 2 | controller |
//! | 3 | schema |
//! | 4 | scope |
//! | 5 | purposes (32), categories (32), feature mask (64), device classes (32), consent flag (1), geofence flag (1), max age (40) |
//! | 6 | lat min, lat max, lon min, lon max (32 each), epoch length (40), item: 0 batch, 1 epoch (1) |
//! | 7 | four predicates: used (1), feature (6), at least (1), value + 2^31 (33); all zero where unused |

use alloc::{format, string::String, vec::Vec};

use super::{
    COORDINATE_BITS, FormatError, MASK_BITS, MAX_FEATURES, MAX_PREDICATES, Schema, TIME_BITS, pack, registry::halves,
    tags,
};
use crate::r1cs::{
    Fr,
    poseidon::{chain, tag},
};

/// Bits of the index of a feature.
pub const FEATURE_INDEX_BITS: u32 = 6;
/// Bits of a predicate's value plus [`Predicate::OFFSET`].
pub const PREDICATE_BITS: u32 = 33;

/// A rectangle of coordinates as records have them, its edges included. It does not cross the antimeridian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Least and greatest latitude.
    pub lat: [u32; 2],
    /// Least and greatest longitude.
    pub lon: [u32; 2],
}

/// A threshold that every record's feature has to reach, or to stay below or at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Which feature of the schema; not a masked one.
    pub feature: u8,
    /// `feature ≥ value` if set, else `feature ≤ value`.
    pub at_least: bool,
    /// Compared with the integer, −2^31 to 2^32 − 1.
    pub value: i64,
}

impl Predicate {
    /// Added to a value before it is packed.
    pub const OFFSET: i64 = 1 << 31;

    /// Whether a value of the feature satisfies it.
    pub fn holds(&self, v: i64) -> bool {
        if self.at_least { v >= self.value } else { v <= self.value }
    }
}

/// What a nullifier stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Item {
    /// A batch: one proof for each batch of records.
    #[default]
    Batch,
    /// An epoch: one proof for each device and epoch. Without an epoch length that is one proof for ever.
    Epoch,
}

/// A data policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// SHA-256 of the policy document in canonical form (RFC 8785).
    pub document: [u8; 32],
    /// Who processes the data.
    pub controller: Fr,
    /// [`Schema::id`] of the records' schema.
    pub schema: Fr,
    /// Purposes of the processing, a bit each.
    pub purposes: u32,
    /// Categories of the data, a bit each.
    pub categories: u32,
    /// Bit i: feature i reaches the model. Where it is 0 the model gets the fill value.
    pub features: u64,
    /// Bit i: devices of class i are allowed.
    pub classes: u32,
    /// Whether a consent in the registry has to cover the records.
    pub consent: bool,
    /// Where records have to come from, if that matters.
    pub area: Option<Area>,
    /// Most seconds from a record to the end of the window.
    pub max_age: u64,
    /// What nullifiers are unique in: given by who verifies.
    pub scope: Fr,
    /// Seconds of an epoch; 0: the window may span any time.
    pub epoch_length: u64,
    /// What a nullifier stands for.
    pub item: Item,
    /// Thresholds on features, at most [`MAX_PREDICATES`].
    pub predicates: Vec<Predicate>,
}

impl Policy {
    /// Checks all ranges, those that depend on the schema among them.
    ///
    /// # Errors
    /// Names the first field that breaks a rule.
    pub fn check(&self, schema: &Schema) -> Result<(), FormatError> {
        self.check_widths()?;
        self.check_features(schema)
    }

    /// Checks what holds under every schema: the widths of all fields.
    ///
    /// # Errors
    /// Names the first field that breaks a rule.
    pub fn check_widths(&self) -> Result<(), FormatError> {
        let err = |place: &str, message: String| Err(FormatError::new(format!("policy, {place}"), message));
        for (name, value) in [("max age", self.max_age), ("epoch length", self.epoch_length)] {
            if value >> TIME_BITS != 0 {
                return err(name, format!("{value} is not below 2^{TIME_BITS}"));
            }
        }
        if self.predicates.len() > MAX_PREDICATES {
            return err("predicates", format!("{}: at most {MAX_PREDICATES} are possible", self.predicates.len()));
        }
        for (i, p) in self.predicates.iter().enumerate() {
            let place = format!("predicate {i}");
            if usize::from(p.feature) >= MAX_FEATURES {
                return err(&place, format!("there is no feature {}", p.feature));
            }
            if !(-Predicate::OFFSET..1 << 32).contains(&p.value) {
                return err(&place, format!("the value {} is not in -2^31 to 2^32 - 1", p.value));
            }
        }
        Ok(())
    }

    /// Checks that mask and predicates speak of the schema's features, and no predicate of a masked one.
    pub(super) fn check_features(&self, schema: &Schema) -> Result<(), FormatError> {
        let count = schema.features.len();
        if count < MAX_FEATURES && self.features >> count != 0 {
            let message = format!("it has a bit of a feature that does not exist: the schema has {count}");
            return Err(FormatError::new("policy, feature mask", message));
        }
        match self.predicates.iter().position(|p| !self.admits(p.feature.into())) {
            Some(i) => {
                let message = "its feature is masked or does not exist; a predicate would tell of it";
                Err(FormatError::new(format!("policy, predicate {i}"), message))
            }
            None => Ok(()),
        }
    }

    /// Whether a feature reaches the model.
    pub fn admits(&self, feature: usize) -> bool {
        feature < MAX_FEATURES && self.features >> feature & 1 == 1
    }

    /// The epoch of a time; 0 without an epoch length.
    pub fn epoch(&self, time: u64) -> u64 {
        time.checked_div(self.epoch_length).unwrap_or(0)
    }

    /// What the nullifier is made of besides keys and names: 2b for the batch b, 2·epoch + 1 for an epoch.
    pub fn item(&self, batch: u64, epoch: u64) -> u64 {
        match self.item {
            Item::Batch => batch.saturating_mul(2),
            Item::Epoch => epoch.saturating_mul(2).saturating_add(1),
        }
    }

    /// The elements that `policy_id` is the chain of.
    pub fn elements(&self) -> [Fr; 8] {
        let [lo, hi] = halves(&self.document);
        let area = self.area.unwrap_or_default();
        let one = |fields: &[(u32, u64)]| pack(fields.iter().map(|&(bits, v)| (bits, v.into()))).into_iter().sum();
        let who = one(&[
            (MASK_BITS, self.purposes.into()),
            (MASK_BITS, self.categories.into()),
            (MAX_FEATURES as u32, self.features),
            (MASK_BITS, self.classes.into()),
            (1, self.consent.into()),
            (1, self.area.is_some().into()),
            (TIME_BITS, self.max_age),
        ]);
        let place = one(&[
            (COORDINATE_BITS, area.lat[0].into()),
            (COORDINATE_BITS, area.lat[1].into()),
            (COORDINATE_BITS, area.lon[0].into()),
            (COORDINATE_BITS, area.lon[1].into()),
            (TIME_BITS, self.epoch_length),
            (1, (self.item == Item::Epoch).into()),
        ]);
        let predicate = |p: &Predicate| {
            let value = p.value.wrapping_add(Predicate::OFFSET) as u64;
            [(1, 1), (FEATURE_INDEX_BITS, p.feature.into()), (1, p.at_least.into()), (PREDICATE_BITS, value)]
        };
        let predicates = one(&self.predicates.iter().flat_map(predicate).collect::<Vec<_>>());
        [lo, hi, self.controller, self.schema, self.scope, who, place, predicates]
    }

    /// Slot 2.
    pub fn id(&self) -> Fr {
        chain(tag(tags::POLICY), &self.elements())
    }
}
