//! All clauses of the policy, natively: the meaning that the circuit is held against, and the reason before any proving.

use alloc::{format, string::String, vec::Vec};

use super::{
    Consent, Device, FormatError, MASK_BITS, Path, Policy, Record, Schema, Signature, TIME_BITS, TREE_DEPTH,
    batch_hash, eddsa, nullifier_key_hash, pack, registry_root, tags,
};
use crate::r1cs::{
    Fr,
    poseidon::{hash, tag},
};

/// Seconds between which all records of a proof lie, both included. The verifier sees it and decides whether it is
/// recent enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First second, below 2^40.
    pub lo: u64,
    /// Last second, below 2^40.
    pub hi: u64,
}

impl Window {
    /// The widest window that a policy allows for records of the epoch of `time`: it ends now, or with the epoch, and begins
    /// with the epoch or the oldest record allowed. It tells least of the records' times.
    pub fn widest(policy: &Policy, time: u64, now: u64) -> Self {
        let start = policy.epoch(time).saturating_mul(policy.epoch_length);
        let end = match policy.epoch_length {
            0 => u64::MAX,
            length => start.saturating_add(length - 1),
        };
        let hi = now.min(end);
        Self { lo: hi.saturating_sub(policy.max_age).max(start), hi }
    }
}

/// Roots of the two trees that `registry_root` is the hash of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Root of the device tree.
    pub devices: Fr,
    /// Root of the consent tree.
    pub consents: Fr,
}

/// All that a proof about records is made from, besides the network.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What has to be satisfied.
    pub policy: Policy,
    /// The circuit's schema.
    pub schema: Schema,
    /// Roots of the registry that the proof is about.
    pub roots: Roots,
    /// The device that signed.
    pub device: Device,
    /// Its place in the device tree.
    pub device_path: Path,
    /// The device's nullifier key: a uniform nonzero secret.
    pub nullifier_key: Fr,
    /// The consent that covers the records; the default under a policy that asks for none.
    pub consent: Consent,
    /// Its place in the consent tree; the default under a policy that asks for none.
    pub consent_path: Path,
    /// The batch, in order.
    pub records: Vec<Record>,
    /// The device's signature on the batch.
    pub signature: Signature,
    /// What the verifier is told about times.
    pub window: Window,
}

/// What follows from [`Inputs`] that satisfy their policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Slots 2 to 5: `policy_id`, `registry_root`, `window`, `nullifier`.
    pub slots: [Fr; 4],
    /// Features of all records, record after record, with the fill value where the policy masks one:
    /// [`Schema::model_input`] makes the model's input of them.
    pub features: Vec<i64>,
}

/// A clause of the data policy, in the order in which they are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clause {
    /// The policy's fields are within their widths.
    Policy,
    /// Schema and policy agree: the policy is of this schema, and the records are hashed under it.
    Schema,
    /// The feature mask speaks of the schema's features only, and no predicate of a masked one.
    FeatureMask,
    /// There are exactly R records.
    RecordCount,
    /// Every feature is in the range of its width.
    FeatureRange,
    /// Times and sequence numbers of records are within 40 bits.
    RecordWidth,
    /// Both ends of the window are within 40 bits.
    WindowWidth,
    /// R divides the first sequence number.
    BatchNumber,
    /// Sequence numbers rise by one.
    Sequence,
    /// Times do not fall.
    TimeOrder,
    /// Every time lies in the window.
    Window,
    /// No record is older than the policy allows at the window's end.
    MaxAge,
    /// Both ends of the window lie in one epoch.
    Epoch,
    /// The device signed the batch.
    Signature,
    /// The device's leaf is in the device tree.
    DeviceTree,
    /// The nullifier key is the one that the device is registered with.
    NullifierKey,
    /// The device's class is allowed.
    DeviceClass,
    /// The device is valid at every record.
    DeviceValidity,
    /// The consent's leaf is in the consent tree.
    ConsentTree,
    /// The consent was given to the policy's controller.
    ConsentController,
    /// The policy's purposes are some, and all consented to.
    ConsentPurposes,
    /// The policy's categories are some, and all consented to.
    ConsentCategories,
    /// The consent is valid at every record and at the window's end.
    ConsentValidity,
    /// Every record is about the person who consented.
    Subject,
    /// Every position is in the policy's area.
    Geofence,
    /// Every record satisfies the threshold predicates.
    Predicate,
}

impl Clause {
    /// All clauses.
    pub const ALL: [Self; 26] = [
        Self::Policy,
        Self::Schema,
        Self::FeatureMask,
        Self::RecordCount,
        Self::FeatureRange,
        Self::RecordWidth,
        Self::WindowWidth,
        Self::BatchNumber,
        Self::Sequence,
        Self::TimeOrder,
        Self::Window,
        Self::MaxAge,
        Self::Epoch,
        Self::Signature,
        Self::DeviceTree,
        Self::NullifierKey,
        Self::DeviceClass,
        Self::DeviceValidity,
        Self::ConsentTree,
        Self::ConsentController,
        Self::ConsentPurposes,
        Self::ConsentCategories,
        Self::ConsentValidity,
        Self::Subject,
        Self::Geofence,
        Self::Predicate,
    ];

    /// The name used in messages and JSON; constraints of the clause begin with `policy.` and this.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Schema => "schema",
            Self::FeatureMask => "feature_mask",
            Self::RecordCount => "record_count",
            Self::FeatureRange => "feature_range",
            Self::RecordWidth => "record_width",
            Self::WindowWidth => "window_width",
            Self::BatchNumber => "batch_number",
            Self::Sequence => "sequence",
            Self::TimeOrder => "time_order",
            Self::Window => "window",
            Self::MaxAge => "max_age",
            Self::Epoch => "epoch",
            Self::Signature => "signature",
            Self::DeviceTree => "device_tree",
            Self::NullifierKey => "nullifier_key",
            Self::DeviceClass => "device_class",
            Self::DeviceValidity => "device_validity",
            Self::ConsentTree => "consent_tree",
            Self::ConsentController => "consent_controller",
            Self::ConsentPurposes => "consent_purposes",
            Self::ConsentCategories => "consent_categories",
            Self::ConsentValidity => "consent_validity",
            Self::Subject => "subject",
            Self::Geofence => "geofence",
            Self::Predicate => "predicate",
        }
    }
}

/// A clause that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", clause.name(), record.map_or_else(String::new, |i| format!(", record {i}")))]
pub struct Violation {
    /// Which clause.
    pub clause: Clause,
    /// Which record, from 0; none for what holds of all together.
    pub record: Option<usize>,
    /// How it fails, and by how much.
    pub message: String,
}

type Checked = Result<(), Violation>;

fn require(holds: bool, clause: Clause, message: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { clause, record: None, message: message() }) }
}

/// The same for each item of a list, which the violation then names.
fn for_each<T>(items: &[T], clause: Clause, check: impl Fn(usize, &T) -> Result<(), String>) -> Checked {
    items
        .iter()
        .enumerate()
        .try_for_each(|(i, item)| check(i, item).map_err(|message| Violation { clause, record: Some(i), message }))
}

/// Evaluates every clause of the policy.
///
/// # Errors
/// The first clause that does not hold, in the order of [`Clause`].
pub fn evaluate(inputs: &Inputs) -> Result<Evaluation, Violation> {
    inputs.check_formats()?;
    inputs.check_batch()?;
    inputs.check_window()?;
    inputs.check_device()?;
    if inputs.policy.consent {
        inputs.check_consent()?;
    }
    inputs.check_readings()?;
    Ok(Evaluation { slots: inputs.slots(), features: inputs.features() })
}

impl Inputs {
    /// Slots 2 to 5, whether or not the policy is satisfied.
    pub fn slots(&self) -> [Fr; 4] {
        let schema = self.schema.id();
        let first = self.records.first().map_or(0, |r| r.seq);
        let batch = first.checked_div(self.schema.records.into()).unwrap_or(0);
        let item = self.policy.item(batch, self.policy.epoch(self.window.lo));
        let Policy { controller, scope, .. } = self.policy;
        let window = [(TIME_BITS, self.window.lo), (TIME_BITS, self.window.hi), (16, self.schema.records.into())];
        [
            self.policy.id(),
            registry_root(self.roots.devices, self.roots.consents),
            pack(window.map(|(bits, v)| (bits, v.into()))).into_iter().sum(),
            hash(&[tag(tags::NULLIFIER), self.nullifier_key, controller, scope, schema, item.into()]),
        ]
    }

    /// Features of all records with the fill value where the policy masks one.
    pub fn features(&self) -> Vec<i64> {
        let masked = |r: &Record| {
            let values = self.schema.features.iter().zip(&r.features).enumerate();
            values.map(|(i, (f, &v))| if self.policy.admits(i) { v } else { f.fill }).collect::<Vec<_>>()
        };
        self.records.iter().flat_map(masked).collect()
    }

    fn check_formats(&self) -> Checked {
        let Self { policy, schema, .. } = self;
        let violation = |clause| move |e: FormatError| Violation { clause, record: None, message: format!("{e}") };
        policy.check_widths().map_err(violation(Clause::Policy))?;
        schema.check().map_err(violation(Clause::Schema))?;
        require(policy.schema == schema.id(), Clause::Schema, || {
            format!("the policy is for the schema {}, this one is {}", policy.schema, schema.id())
        })?;
        policy.check_features(schema).map_err(violation(Clause::FeatureMask))
    }

    fn check_batch(&self) -> Checked {
        let (records, count) = (&self.records[..], self.schema.records);
        require(records.len() == usize::from(count), Clause::RecordCount, || {
            format!("{} records, a proof under this schema covers exactly {count}", records.len())
        })?;
        for_each(records, Clause::FeatureRange, |_, r| r.check_features(&self.schema).map_err(|e| format!("{e}")))?;
        for_each(records, Clause::RecordWidth, |_, r| r.check_widths().map_err(|e| format!("{e}")))?;
        for (name, time) in [("begins", self.window.lo), ("ends", self.window.hi)] {
            require(time >> TIME_BITS == 0, Clause::WindowWidth, || {
                format!("the window {name} at {time}, which is not below 2^{TIME_BITS}")
            })?;
        }
        let first = records.first().map_or(0, |r| r.seq);
        require(first % u64::from(count) == 0, Clause::BatchNumber, || {
            format!("the batch begins at sequence number {first}, which {count} does not divide")
        })?;
        for_each(records, Clause::Sequence, |i, r| {
            let due = first.saturating_add(i as u64);
            if r.seq == due { Ok(()) } else { Err(format!("sequence number {}, due is {due}", r.seq)) }
        })?;
        for_each(records, Clause::TimeOrder, |i, r| match i.checked_sub(1).and_then(|i| records.get(i)) {
            Some(before) if before.time > r.time => {
                Err(format!("it is {} seconds earlier than the one before", before.time - r.time))
            }
            _ => Ok(()),
        })
    }

    fn check_window(&self) -> Checked {
        let (Window { lo, hi }, policy) = (self.window, &self.policy);
        for_each(&self.records, Clause::Window, |_, r| match r.time {
            time if time < lo => Err(format!("its time {time} is {} seconds before the window", lo - time)),
            time if time > hi => Err(format!("its time {time} is {} seconds behind the window", time - hi)),
            _ => Ok(()),
        })?;
        for_each(&self.records, Clause::MaxAge, |_, r| {
            let (age, most) = (hi - r.time, policy.max_age);
            if age <= most {
                Ok(())
            } else {
                Err(format!("it is {age} seconds old at the window's end, allowed are {most}"))
            }
        })?;
        let epochs = [lo, hi].map(|t| policy.epoch(t));
        require(epochs[0] == epochs[1], Clause::Epoch, || {
            format!(
                "the window begins in epoch {} and ends in epoch {}; an epoch has {} seconds",
                epochs[0], epochs[1], policy.epoch_length
            )
        })
    }

    fn check_device(&self) -> Checked {
        let device = &self.device;
        eddsa::verify(&device.key, batch_hash(&self.schema, &self.records), &self.signature)
            .map_err(|e| Violation { clause: Clause::Signature, record: None, message: format!("{e}") })?;
        check_path(Clause::DeviceTree, "device", device.leaf(), &self.device_path, self.roots.devices)?;
        require(nullifier_key_hash(self.nullifier_key) == device.nullifier_key_hash, Clause::NullifierKey, || {
            "the device is registered with another nullifier key".into()
        })?;
        let class = u32::from(device.class);
        require(class < MASK_BITS && self.policy.classes >> class & 1 == 1, Clause::DeviceClass, || {
            format!("the device is of class {class}, which the policy does not allow")
        })?;
        for_each(&self.records, Clause::DeviceValidity, |_, r| {
            check_validity("the device's registration", r.time, device.valid_from, device.valid_to)
        })
    }

    fn check_consent(&self) -> Checked {
        let (policy, consent) = (&self.policy, &self.consent);
        check_path(Clause::ConsentTree, "consent", consent.leaf(), &self.consent_path, self.roots.consents)?;
        require(consent.controller == policy.controller, Clause::ConsentController, || {
            "the consent was given to another controller".into()
        })?;
        for (clause, what, asked, given) in [
            (Clause::ConsentPurposes, "purpose", policy.purposes, consent.purposes),
            (Clause::ConsentCategories, "category", policy.categories, consent.categories),
        ] {
            require(asked != 0, clause, || format!("the policy states no {what}, and consent is to a stated one"))?;
            let missing = asked & !given;
            require(missing == 0, clause, || {
                format!("the consent does not cover the policy's {what} of bit {}", missing.trailing_zeros())
            })?;
        }
        let valid = |time| check_validity("the consent", time, consent.valid_from, consent.valid_to);
        for_each(&self.records, Clause::ConsentValidity, |_, r| valid(r.time))?;
        valid(self.window.hi).map_err(|message| Violation {
            clause: Clause::ConsentValidity,
            record: None,
            message: format!("at the window's end: {message}"),
        })?;
        for_each(&self.records, Clause::Subject, |_, r| {
            if r.subject == consent.subject {
                Ok(())
            } else {
                Err("it is about another person than the one who consented".into())
            }
        })
    }

    fn check_readings(&self) -> Checked {
        if let Some(area) = &self.policy.area {
            for_each(&self.records, Clause::Geofence, |_, r| {
                for (name, v, [lo, hi]) in [("latitude", r.lat, area.lat), ("longitude", r.lon, area.lon)] {
                    if !(lo..=hi).contains(&v) {
                        return Err(format!("its {name} {v} is outside {lo} to {hi}"));
                    }
                }
                Ok(())
            })?;
        }
        for_each(&self.records, Clause::Predicate, |_, r| {
            for p in &self.policy.predicates {
                let feature = usize::from(p.feature);
                let (Some(f), Some(&v)) = (self.schema.features.get(feature), r.features.get(feature)) else {
                    continue;
                };
                if !p.holds(v) {
                    let relation = if p.at_least { "at least" } else { "at most" };
                    return Err(format!("{} is {v}, the policy wants {relation} {}", f.name, p.value));
                }
            }
            Ok(())
        })
    }
}

fn check_path(clause: Clause, what: &str, leaf: Fr, path: &Path, root: Fr) -> Checked {
    require(path.index >> TREE_DEPTH == 0 && path.root(leaf) == root, clause, || {
        format!(
            "the {what}'s leaf is not at place {} of the {what} tree with the root {root}: it was removed or changed, or the \
             path is of another state of the registry",
            path.index
        )
    })
}

fn check_validity(what: &str, time: u64, from: u64, to: u64) -> Result<(), String> {
    match time {
        _ if (from | to) >> TIME_BITS != 0 => Err(format!("an end of {what} is not below 2^{TIME_BITS}")),
        _ if time < from => Err(format!("{what} begins {} seconds later", from - time)),
        _ if time > to => Err(format!("{what} ended {} seconds before", time - to)),
        _ => Ok(()),
    }
}
