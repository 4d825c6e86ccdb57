//! Statements about signed records: valid ones from a seed, and ways to break every clause.

use ark_ff::{PrimeField as _, Zero as _};
use avouch_circuits::{
    policy::{
        Area, Clause, Consent, Device, Feature, Inputs, Item, Point, Policy, Predicate, Record, Roots, Scalar, Schema,
        SecretKey, Source, Tree, Window, batch_hash, nullifier_key_hash,
    },
    r1cs::Fr,
};

use crate::random::Choices;

/// Everything that a statement is made from, the device's key included, so that what is changed can be signed anew.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) secret: SecretKey,
    pub(crate) nullifier_key: Fr,
    pub(crate) policy: Policy,
    pub(crate) schema: Schema,
    pub(crate) device: Device,
    pub(crate) device_index: u32,
    pub(crate) consent: Consent,
    pub(crate) consent_index: u32,
    pub(crate) records: Vec<Record>,
    pub(crate) window: Window,
}

/// What a case is to be like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) records: u16,
    pub(crate) features: usize,
    pub(crate) consent: bool,
    pub(crate) area: bool,
    pub(crate) predicates: usize,
    pub(crate) epoch_length: u64,
    pub(crate) item: Item,
}

impl Shape {
    /// Every clause switched on.
    pub(crate) const FULL: Self = Self {
        records: 3,
        features: 4,
        consent: true,
        area: true,
        predicates: 4,
        epoch_length: 86_400,
        item: Item::Batch,
    };

    pub(crate) fn random(c: &mut Choices) -> Self {
        Self {
            records: 1 + c.below(4) as u16,
            features: 1 + c.below(6),
            consent: c.below(4) > 0,
            area: c.below(4) > 0,
            predicates: c.below(5),
            epoch_length: c.pick(&[0, 86_400, 604_800]),
            item: c.pick(&[Item::Batch, Item::Epoch]),
        }
    }
}

fn element(c: &mut Choices) -> Fr {
    let bytes: Vec<u8> = (0..6).flat_map(|_| c.next().to_le_bytes()).collect();
    Fr::from_le_bytes_mod_order(&bytes)
}

fn within(c: &mut Choices, lo: i64, hi: i64) -> i64 {
    lo + (c.next() % (hi - lo + 1) as u64) as i64
}

fn feature(c: &mut Choices, i: usize) -> Feature {
    let bits = 2 + c.below(31) as u8;
    let mut f = Feature {
        name: format!("f{i}"),
        bits,
        signed: c.below(2) == 0,
        scale: 2f32.powi(-(c.below(12) as i32)) * (1.0 + c.below(1000) as f32 * 1e-3),
        offset: if c.below(2) == 0 { 0.0 } else { c.below(1000) as f32 - 499.5 },
        fill: 0,
    };
    let range = f.range();
    f.fill = within(c, range.lo, range.hi);
    f
}

/// The least and the greatest of a feature in the records.
fn extremes(records: &[Record], feature: usize) -> [i64; 2] {
    let values = || records.iter().map(|r| r.features[feature]);
    [values().min().unwrap(), values().max().unwrap()]
}

impl Case {
    /// A valid statement.
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        let c = &mut Choices(seed);
        let mut secret = [0; 32];
        secret.chunks_mut(8).for_each(|part| part.copy_from_slice(&c.next().to_le_bytes()));
        let secret = SecretKey::from_bytes(secret);
        let nullifier_key = element(c);
        let features: Vec<Feature> = (0..shape.features).map(|i| feature(c, i)).collect();
        let source = |c: &mut Choices| match c.below(5) {
            0 => Source::Constant(within(c, 0, 127) as i16),
            _ => Source::Feature {
                record: c.below(shape.records.into()) as u16,
                feature: c.below(shape.features) as u16,
            },
        };
        let inputs = (0..8).map(|_| source(c)).collect();
        let schema = Schema { records: shape.records, features, inputs };

        // In the middle of an epoch of any length, so that all records fit into it.
        let now = 604_800 * (2_800 + c.below(100) as u64) + 40_000;
        let first = u64::from(shape.records) * c.below(1 << 20) as u64;
        let (subject, controller, scope) = (element(c), element(c), element(c));
        let [lat, lon] = [1_382_000_000, 1_963_000_000].map(|v: u32| v + c.below(1_000_000) as u32);
        let mut time = now - 1_800;
        let record = |i| {
            time += 1 + c.below(300) as u64;
            Record {
                subject,
                time,
                lat: lat + c.below(1000) as u32,
                lon: lon + c.below(1000) as u32,
                seq: first + i,
                salt: element(c),
                features: schema.features.iter().map(|f| within(c, f.range().lo, f.range().hi)).collect(),
            }
        };
        let records: Vec<Record> = (0..u64::from(shape.records)).map(record).collect();
        let admitted = (c.next() | 1) & ((1 << shape.features) - 1);
        let admitted_features: Vec<u8> = (0..shape.features as u8).filter(|i| admitted >> i & 1 == 1).collect();
        let predicates = (0..shape.predicates).map(|i| {
            let feature = c.pick(&admitted_features);
            let [lo, hi] = extremes(&records, feature.into());
            let at_least = i % 2 == 0;
            Predicate { feature, at_least, value: if at_least { lo } else { hi } }
        });
        let predicates = predicates.collect();
        let mut bytes = || {
            let mut bytes = [0; 32];
            bytes.chunks_mut(8).for_each(|part| part.copy_from_slice(&c.next().to_le_bytes()));
            bytes
        };
        let (document, notice) = (bytes(), bytes());
        let class = c.below(32) as u8;
        let policy = Policy {
            document,
            controller,
            schema: schema.id(),
            purposes: 0b0110,
            categories: 0b1000_0001,
            features: admitted,
            classes: 1 << class | c.next() as u32,
            consent: shape.consent,
            area: shape.area.then(|| Area { lat: [lat - 500, lat + 1000], lon: [lon, lon + 5000] }),
            max_age: 3_600,
            scope,
            epoch_length: shape.epoch_length,
            item: shape.item,
            predicates,
        };
        let consent = Consent {
            subject,
            controller,
            purposes: 0b0110 | c.next() as u32,
            categories: 0b1000_0001 | c.next() as u32,
            valid_from: now - 100_000,
            valid_to: now + 100_000,
            notice,
            salt: element(c),
        };
        let device = Device {
            key: secret.public().unwrap().point(),
            class,
            valid_from: now - 1_000_000,
            valid_to: now + 1_000_000,
            nullifier_key_hash: nullifier_key_hash(nullifier_key),
        };
        let window = Window::widest(&policy, records[0].time, now);
        let [device_index, consent_index] = [0, 0].map(|_: u32| c.below(1 << 20) as u32);
        let (device_index, consent_index) = (device_index & !1, consent_index & !1);
        Self { secret, nullifier_key, policy, schema, device, device_index, consent, consent_index, records, window }
    }

    /// Signs the records, and puts device and consent into trees beside others.
    pub(crate) fn inputs(&self) -> Inputs {
        let other = |index: u32| (index ^ 1, Fr::from(7u64));
        let mut devices = Tree::new([other(self.device_index)]).unwrap();
        devices.insert(self.device_index, self.device.leaf()).unwrap();
        let mut consents = Tree::new([other(self.consent_index)]).unwrap();
        consents.insert(self.consent_index, self.consent.leaf()).unwrap();
        Inputs {
            policy: self.policy.clone(),
            schema: self.schema.clone(),
            roots: Roots { devices: devices.root(), consents: consents.root() },
            device: self.device,
            device_path: devices.path(self.device_index).unwrap(),
            nullifier_key: self.nullifier_key,
            consent: self.consent.clone(),
            consent_path: consents.path(self.consent_index).unwrap(),
            records: self.records.clone(),
            signature: self.secret.sign(batch_hash(&self.schema, &self.records)).unwrap(),
            window: self.window,
        }
    }

    /// The same under another schema, which the policy then names.
    fn set_schema(&mut self, schema: Schema) {
        self.policy.schema = schema.id();
        self.schema = schema;
    }
}

/// A way to break one clause of a statement of [`Shape::FULL`], or of any with several records and all clauses on.
#[derive(Clone, Copy)]
pub(crate) enum Break {
    /// Before signing.
    Before(fn(&mut Case, &mut Choices)),
    /// After.
    After(fn(&mut Inputs, &mut Choices)),
}

/// A valid statement of the seed, broken.
pub(crate) fn broken(shape: Shape, seed: u64, by: Break) -> Inputs {
    let c = &mut Choices(!seed);
    let mut case = Case::new(shape, seed);
    match by {
        Before(change) => {
            change(&mut case, c);
            case.inputs()
        }
        After(change) => {
            let mut inputs = case.inputs();
            change(&mut inputs, c);
            inputs
        }
    }
}

use Break::{After, Before};

/// Some record.
fn any(case: &mut Case, c: &mut Choices) -> usize {
    c.below(case.records.len())
}

fn small(c: &mut Choices) -> u64 {
    1 + c.below(1000) as u64
}

const LATEST: u64 = (1 << 40) - 1;

/// At least three ways to break every clause.
pub(crate) const BREAKS: &[(Clause, &str, Break)] = &[
    (Clause::Policy, "max age of 41 bits", Before(|x, _| x.policy.max_age |= 1 << 40)),
    (Clause::Policy, "epoch length of 41 bits", Before(|x, _| x.policy.epoch_length = 1 << 40)),
    (Clause::Policy, "predicate value of 33 bits", Before(|x, _| x.policy.predicates[0].value = 1 << 32)),
    (Clause::Policy, "predicate on feature 64", Before(|x, _| x.policy.predicates[1].feature = 64)),
    (Clause::Policy, "five predicates", Before(|x, _| x.policy.predicates.push(x.policy.predicates[0]))),
    (Clause::Schema, "policy of another schema", Before(|x, c| x.policy.schema += Fr::from(small(c)))),
    (
        Clause::Schema,
        "another fill value",
        Before(|x, _| {
            let f = &mut x.schema.features[0];
            f.fill = if f.fill == 0 { 1 } else { 0 };
        }),
    ),
    (Clause::Schema, "another mapping", Before(|x, _| x.schema.inputs.push(Source::Constant(0)))),
    (Clause::Schema, "a feature renamed", Before(|x, _| x.schema.features[0].name.push('x'))),
    (
        Clause::FeatureMask,
        "a bit beyond the features",
        Before(|x, _| x.policy.features |= 1 << x.schema.features.len()),
    ),
    (Clause::FeatureMask, "the highest bit", Before(|x, _| x.policy.features |= 1 << 63)),
    (
        Clause::FeatureMask,
        "a predicate on a masked feature",
        Before(|x, _| {
            x.policy.features &= !(1 << x.policy.predicates[0].feature);
        }),
    ),
    (
        Clause::FeatureMask,
        "a predicate on a feature that does not exist",
        Before(|x, _| {
            x.policy.predicates[0].feature = x.schema.features.len() as u8;
        }),
    ),
    (
        Clause::RecordCount,
        "one too few",
        Before(|x, _| {
            x.records.pop();
        }),
    ),
    (
        Clause::RecordCount,
        "one too many",
        Before(|x, _| {
            let mut last = x.records[x.records.len() - 1].clone();
            last.seq += 1;
            x.records.push(last);
        }),
    ),
    (Clause::RecordCount, "none", After(|x, _| x.records.clear())),
    (
        Clause::FeatureRange,
        "one above",
        Before(|x, c| {
            let (i, j) = (any(x, c), c.below(x.schema.features.len()));
            x.records[i].features[j] = x.schema.features[j].range().hi + 1;
        }),
    ),
    (
        Clause::FeatureRange,
        "one below",
        Before(|x, c| {
            let (i, j) = (any(x, c), c.below(x.schema.features.len()));
            x.records[i].features[j] = x.schema.features[j].range().lo - 1;
        }),
    ),
    (
        Clause::FeatureRange,
        "far outside",
        Before(|x, c| {
            let i = any(x, c);
            x.records[i].features[0] = i64::MIN;
        }),
    ),
    (
        Clause::FeatureRange,
        "a feature missing",
        Before(|x, c| {
            let i = any(x, c);
            x.records[i].features.pop();
        }),
    ),
    (
        Clause::RecordWidth,
        "a time of 41 bits",
        Before(|x, _| {
            let last = x.records.len() - 1;
            x.records[last].time |= 1 << 40;
        }),
    ),
    (
        Clause::RecordWidth,
        "a sequence number of 41 bits",
        Before(|x, _| {
            for r in &mut x.records {
                r.seq += u64::from(x.schema.records) << 40;
            }
        }),
    ),
    (
        Clause::RecordWidth,
        "the greatest time",
        Before(|x, c| {
            let i = any(x, c);
            x.records[i].time = u64::MAX;
        }),
    ),
    (Clause::WindowWidth, "an end of 41 bits", Before(|x, _| x.window.hi |= 1 << 40)),
    (Clause::WindowWidth, "a beginning of 41 bits", Before(|x, _| x.window.lo |= 1 << 40)),
    (Clause::WindowWidth, "the greatest end", Before(|x, _| x.window.hi = u64::MAX)),
    (Clause::BatchNumber, "one later", Before(|x, _| x.records.iter_mut().for_each(|r| r.seq += 1))),
    (
        Clause::BatchNumber,
        "one earlier",
        Before(|x, _| {
            let count = u64::from(x.schema.records);
            x.records.iter_mut().for_each(|r| r.seq += 2 * count - 1);
        }),
    ),
    (
        Clause::BatchNumber,
        "the batch overlaps the next",
        Before(|x, c| {
            let count = u64::from(x.schema.records);
            let by = 1 + c.below(count as usize - 1) as u64;
            x.records.iter_mut().for_each(|r| r.seq += by);
        }),
    ),
    (
        Clause::BatchNumber,
        "the same numbers cut by another R",
        Before(|x, _| {
            // Records 3b + 3 .. 3b + 7: R = 4 divides none of the two beginnings that contain them.
            let mut schema = x.schema.clone();
            schema.records += 1;
            x.set_schema(schema);
            let count = u64::from(x.schema.records);
            let mut next = x.records[x.records.len() - 1].clone();
            next.seq += 1;
            x.records.push(next);
            let first = x.records[0].seq / count * count + count - 1;
            for (i, r) in x.records.iter_mut().enumerate() {
                r.seq = first + i as u64;
            }
        }),
    ),
    (
        Clause::Sequence,
        "a gap",
        Before(|x, _| {
            let last = x.records.len() - 1;
            x.records[last].seq += 1;
        }),
    ),
    (
        Clause::Sequence,
        "a duplicate",
        Before(|x, _| {
            let last = x.records.len() - 1;
            x.records[last].seq -= 1;
        }),
    ),
    (
        Clause::Sequence,
        "falling numbers",
        Before(|x, _| {
            let first = x.records[0].seq + 2 * u64::from(x.schema.records);
            for (i, r) in x.records.iter_mut().enumerate() {
                r.seq = first - i as u64;
            }
        }),
    ),
    (
        Clause::Sequence,
        "one record twice",
        Before(|x, _| {
            let last = x.records.len() - 1;
            x.records[last] = x.records[last - 1].clone();
        }),
    ),
    (
        Clause::TimeOrder,
        "two times exchanged",
        Before(|x, _| {
            let (a, b) = (x.records[0].time, x.records[1].time);
            (x.records[0].time, x.records[1].time) = (b, a);
        }),
    ),
    (
        Clause::TimeOrder,
        "the last a second before",
        Before(|x, _| {
            let last = x.records.len() - 1;
            x.records[last].time = x.records[last - 1].time - 1;
        }),
    ),
    (Clause::TimeOrder, "the second long before", Before(|x, _| x.records[1].time = x.records[0].time - 1_000)),
    (Clause::Window, "the first record before", Before(|x, _| x.window.lo = x.records[0].time + 1)),
    (Clause::Window, "the last record behind", Before(|x, _| x.window.hi = x.records[x.records.len() - 1].time - 1)),
    (Clause::Window, "an empty window", Before(|x, _| (x.window.lo, x.window.hi) = (x.window.hi, x.window.lo))),
    (
        Clause::Window,
        "all records behind",
        Before(|x, c| {
            x.window.hi = x.records[0].time - small(c);
            x.window.lo = x.window.hi;
        }),
    ),
    (Clause::MaxAge, "a second too old", Before(|x, _| x.policy.max_age = x.window.hi - x.records[0].time - 1)),
    (Clause::MaxAge, "no age allowed", Before(|x, _| x.policy.max_age = 0)),
    (
        Clause::MaxAge,
        "a stale first record",
        Before(|x, c| {
            x.records[0].time = x.window.hi - x.policy.max_age - small(c);
            x.window.lo = x.records[0].time;
        }),
    ),
    (
        Clause::Epoch,
        "the window begins an epoch earlier",
        Before(|x, _| {
            x.window.lo = x.window.lo / x.policy.epoch_length * x.policy.epoch_length - 1;
        }),
    ),
    (
        Clause::Epoch,
        "the window ends with the next epoch's first second",
        Before(|x, _| {
            let length = x.policy.epoch_length;
            x.window.hi = (x.window.hi / length + 1) * length;
            x.policy.max_age = LATEST;
        }),
    ),
    (
        Clause::Epoch,
        "records of two epochs",
        Before(|x, _| {
            let boundary = x.records[1].time;
            x.policy.epoch_length = boundary;
            x.window.lo = x.records[0].time;
        }),
    ),
    (Clause::Signature, "a record changed after signing", After(|x, _| x.records[0].features[0] ^= 1)),
    (Clause::Signature, "a salt changed after signing", After(|x, _| x.records[0].salt += Fr::from(1u64))),
    (Clause::Signature, "a position changed after signing", After(|x, _| x.records[0].lat -= 1)),
    (
        Clause::Signature,
        "another device's",
        Before(|x, c| {
            x.secret = SecretKey::from_bytes([c.below(256) as u8; 32]);
        }),
    ),
    (
        Clause::Signature,
        "S plus the order",
        After(|x, _| {
            x.signature.s += Fr::from_bigint(Scalar::MODULUS).unwrap();
        }),
    ),
    (Clause::Signature, "S plus one", After(|x, _| x.signature.s += Fr::from(1u64))),
    (Clause::Signature, "R8 off the curve", After(|x, _| x.signature.r8.y += Fr::from(1u64))),
    (Clause::Signature, "R8 negated", After(|x, _| x.signature.r8 = -x.signature.r8)),
    (Clause::Signature, "the identity as key", Before(|x, _| x.device.key = Point::zero())),
    (Clause::DeviceTree, "an unregistered device", After(|x, _| x.roots.devices = Tree::default().root())),
    (Clause::DeviceTree, "another place", After(|x, _| x.device_path.index ^= 1)),
    (
        Clause::DeviceTree,
        "a sibling changed",
        After(|x, c| {
            x.device_path.siblings[c.below(20)] += Fr::from(1u64);
        }),
    ),
    (
        Clause::DeviceTree,
        "a class that it is not registered with",
        After(|x, _| {
            x.device.class ^= 1;
            x.policy.classes = u32::MAX;
        }),
    ),
    (Clause::DeviceTree, "a place beyond the tree", After(|x, _| x.device_path.index |= 1 << 20)),
    (Clause::NullifierKey, "another key", After(|x, c| x.nullifier_key += Fr::from(small(c)))),
    (Clause::NullifierKey, "zero", After(|x, _| x.nullifier_key = Fr::zero())),
    (Clause::NullifierKey, "its hash instead", After(|x, _| x.nullifier_key = x.device.nullifier_key_hash)),
    (Clause::DeviceClass, "the class not allowed", Before(|x, _| x.policy.classes &= !(1 << x.device.class))),
    (Clause::DeviceClass, "no class allowed", Before(|x, _| x.policy.classes = 0)),
    (
        Clause::DeviceClass,
        "a class that does not exist",
        Before(|x, _| {
            x.device.class = 32;
            x.policy.classes = u32::MAX;
        }),
    ),
    (Clause::DeviceClass, "class 255", Before(|x, _| x.device.class = 255)),
    (
        Clause::DeviceValidity,
        "it ended a second before the last record",
        Before(|x, _| {
            x.device.valid_to = x.records[x.records.len() - 1].time - 1;
        }),
    ),
    (
        Clause::DeviceValidity,
        "it begins a second after the first record",
        Before(|x, _| {
            x.device.valid_from = x.records[0].time + 1;
        }),
    ),
    (Clause::DeviceValidity, "an end of 41 bits", Before(|x, _| x.device.valid_to |= 1 << 40)),
    (
        Clause::DeviceValidity,
        "never valid",
        Before(|x, _| {
            (x.device.valid_from, x.device.valid_to) = (x.device.valid_to, x.device.valid_from);
        }),
    ),
    (Clause::ConsentTree, "consent withdrawn", After(|x, _| x.roots.consents = Tree::default().root())),
    (Clause::ConsentTree, "another place", After(|x, _| x.consent_path.index ^= 1)),
    (
        Clause::ConsentTree,
        "a sibling changed",
        After(|x, c| {
            x.consent_path.siblings[c.below(20)] += Fr::from(1u64);
        }),
    ),
    (Clause::ConsentTree, "a longer validity than consented to", After(|x, _| x.consent.valid_to += 1)),
    (Clause::ConsentTree, "another notice", After(|x, _| x.consent.notice[0] ^= 1)),
    (Clause::ConsentTree, "a place beyond the tree", After(|x, _| x.consent_path.index |= 1 << 31)),
    (Clause::ConsentController, "the policy's is another", Before(|x, c| x.policy.controller += Fr::from(small(c)))),
    (Clause::ConsentController, "the consent's is another", Before(|x, c| x.consent.controller += Fr::from(small(c)))),
    (Clause::ConsentController, "none", Before(|x, _| x.consent.controller = Fr::zero())),
    (Clause::ConsentPurposes, "one not consented to", Before(|x, _| x.consent.purposes &= !0b10)),
    (Clause::ConsentPurposes, "none stated", Before(|x, _| x.policy.purposes = 0)),
    (Clause::ConsentPurposes, "consent to none", Before(|x, _| x.consent.purposes = 0)),
    (
        Clause::ConsentPurposes,
        "the highest not consented to",
        Before(|x, _| {
            x.policy.purposes |= 1 << 31;
            x.consent.purposes &= !(1 << 31);
        }),
    ),
    (Clause::ConsentCategories, "one not consented to", Before(|x, _| x.consent.categories &= !1)),
    (Clause::ConsentCategories, "none stated", Before(|x, _| x.policy.categories = 0)),
    (Clause::ConsentCategories, "consent to none", Before(|x, _| x.consent.categories = 0)),
    (
        Clause::ConsentCategories,
        "all stated, not all consented to",
        Before(|x, _| {
            x.policy.categories = u32::MAX;
            x.consent.categories &= !(1 << 30);
        }),
    ),
    (
        Clause::ConsentValidity,
        "it ended a second before the window",
        Before(|x, _| x.consent.valid_to = x.window.hi - 1),
    ),
    (
        Clause::ConsentValidity,
        "it ended a second before the last record",
        Before(|x, _| {
            x.consent.valid_to = x.records[x.records.len() - 1].time - 1;
        }),
    ),
    (
        Clause::ConsentValidity,
        "it begins a second after the first record",
        Before(|x, _| {
            x.consent.valid_from = x.records[0].time + 1;
        }),
    ),
    (Clause::ConsentValidity, "an end of 41 bits", Before(|x, _| x.consent.valid_to |= 1 << 40)),
    (
        Clause::ConsentValidity,
        "never valid",
        Before(|x, _| {
            (x.consent.valid_from, x.consent.valid_to) = (x.consent.valid_to, x.consent.valid_from);
        }),
    ),
    (
        Clause::Subject,
        "one record about another person",
        Before(|x, c| {
            let i = any(x, c);
            x.records[i].subject += Fr::from(1u64);
        }),
    ),
    (Clause::Subject, "another person's consent", Before(|x, _| x.consent.subject += Fr::from(1u64))),
    (Clause::Subject, "nobody's record", Before(|x, _| x.records[0].subject = Fr::zero())),
    (
        Clause::Geofence,
        "north of it",
        Before(|x, c| {
            let (i, area) = (any(x, c), x.policy.area.unwrap());
            x.records[i].lat = area.lat[1] + 1;
        }),
    ),
    (
        Clause::Geofence,
        "south of it",
        Before(|x, c| {
            let (i, area) = (any(x, c), x.policy.area.unwrap());
            x.records[i].lat = area.lat[0] - 1;
        }),
    ),
    (
        Clause::Geofence,
        "east of it",
        Before(|x, c| {
            let (i, area) = (any(x, c), x.policy.area.unwrap());
            x.records[i].lon = area.lon[1] + 1;
        }),
    ),
    (
        Clause::Geofence,
        "west of it",
        Before(|x, c| {
            let (i, area) = (any(x, c), x.policy.area.unwrap());
            x.records[i].lon = area.lon[0] - 1;
        }),
    ),
    (
        Clause::Geofence,
        "an empty area",
        Before(|x, _| {
            let area = x.policy.area.as_mut().unwrap();
            (area.lat[0], area.lat[1]) = (area.lat[1], area.lat[0]);
        }),
    ),
    (Clause::Predicate, "one below the least", Before(|x, _| x.policy.predicates[0].value += 1)),
    (Clause::Predicate, "one above the greatest", Before(|x, _| x.policy.predicates[1].value -= 1)),
    (Clause::Predicate, "the fourth", Before(|x, _| x.policy.predicates[3].value -= 1)),
    (
        Clause::Predicate,
        "the other way round",
        Before(|x, _| {
            let p = &mut x.policy.predicates[0];
            p.at_least = false;
            p.value = extremes(&x.records, p.feature.into())[0] - 1;
        }),
    ),
];
