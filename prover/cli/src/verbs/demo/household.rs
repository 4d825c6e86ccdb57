//! A household with a meter, its neighbour, a registry, and a policy that the grid's operator wrote.

use avouch_circuits::{
    graph::TensorInfo,
    policy::{Device, Evaluation, Feature, Inputs, Policy, Schema, Source, Violation, evaluate},
};
use avouch_prover::policy::{Compiled, ConsentOpening, DeviceKey, Grant, Hex as _, Readings, Registry, Sources};
use serde_json::{Value, json};

use crate::failure::Failure;

/// What the data-protection officer of the grid's operator reads, but for the names of the pixels.
const DOCUMENT: &str = include_str!("policy.json");

/// Where the meter hangs: degrees north and east.
const HOME: [f64; 2] = [48.2082, 16.3738];
const ANOTHER_TOWN: [f64; 2] = [47.0707, 15.4395];
/// Seconds.
const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
/// Steps of a pixel's brightness.
const STEPS: f32 = 16.0;

/// A variation of the story, and why its records are refused.
pub(super) struct Refusal {
    pub(super) case: &'static str,
    pub(super) clause: &'static str,
    pub(super) reason: String,
}

/// What the records of a story are made of.
#[derive(Clone)]
struct Reading<'a> {
    device: &'a DeviceKey,
    consent: &'a ConsentOpening,
    registry: &'a Registry,
    about: &'a ConsentOpening,
    time: u64,
    place: [f64; 2],
}

/// All that the story is made of.
pub(super) struct Household {
    pub(super) schema: Schema,
    pub(super) policy: Policy,
    registry: Registry,
    meter: DeviceKey,
    consent: ConsentOpening,
    neighbour: ConsentOpening,
    pixels: Vec<i64>,
    now: u64,
}

fn failed(e: impl ToString) -> Failure {
    Failure::new("demo", "", e)
}

/// One record of a pixel for each element of the model's input.
pub(super) fn schema(input: &TensorInfo) -> Schema {
    let pixel = |i: usize| Feature {
        name: format!("pixel-{i}"),
        bits: 5,
        signed: false,
        scale: 1.0 / STEPS,
        offset: 0.0,
        fill: 0,
    };
    let source = |feature| Source::Feature { record: 0, feature };
    Schema {
        records: 1,
        features: (0..input.elements()).map(pixel).collect(),
        inputs: (0..input.elements() as u16).map(source).collect(),
    }
}

impl Household {
    /// The meter takes this image, and everyone has agreed to everything.
    pub(super) fn new(schema: Schema, image: &[i16], input: &TensorInfo, now: u64) -> Result<Self, Failure> {
        let mut document: Value = serde_json::from_str(DOCUMENT).map_err(failed)?;
        document["features"] = schema.features.iter().map(|f| f.name.clone()).collect();
        let policy = Compiled::of(document, &schema).map_err(failed)?.policy;
        let valid = [now - DAY, now + DAY];
        let consent = || {
            let Policy { controller, purposes, categories, .. } = policy;
            let grant = Grant { subject: None, controller, purposes, categories, valid, notice: [0x5a; 32] };
            ConsentOpening::fresh(&grant).map_err(failed)
        };
        let (consent, neighbour) = (consent()?, consent()?);
        let meter = DeviceKey::fresh(None)?;
        let key = meter.public().map_err(failed)?;
        let device = Device {
            key: key.point(),
            class: 1,
            valid_from: valid[0],
            valid_to: valid[1],
            nullifier_key_hash: meter.nullifier_key_hash(),
        };
        let mut registry = Registry::default();
        registry.add_device(key, device, false).map_err(failed)?;
        for c in [&consent, &neighbour] {
            registry.add_consent(c.consent.leaf()).map_err(failed)?;
        }
        let pixel = |&v: &i16| {
            let real = (f32::from(v) - input.quant.zero_point as f32) * input.quant.scale;
            (real * STEPS).round() as i64
        };
        Ok(Self { schema, policy, registry, meter, consent, neighbour, pixels: image.iter().map(pixel).collect(), now })
    }

    fn reading(&self) -> Reading<'_> {
        let Self { meter: device, consent, registry, now, .. } = self;
        Reading { device, consent, registry, about: consent, time: now - MINUTE, place: HOME }
    }

    /// The signed reading, with what a proof about it is made from.
    fn sources(&self, reading: &Reading<'_>) -> Result<Sources, Failure> {
        let [latitude, longitude] = reading.place;
        let readings = json!({
            "subject": reading.about.consent.subject.to_hex(),
            "seq": 1_204,
            "readings": [
                { "time": reading.time, "latitude": latitude, "longitude": longitude, "features": self.pixels },
            ],
        });
        let readings: Readings = serde_json::from_value(readings).map_err(failed)?;
        Ok(Sources {
            policy: self.policy.clone(),
            schema: self.schema.clone(),
            batch: readings.sign(&self.schema, reading.device).map_err(failed)?,
            registry: reading.registry.clone(),
            nullifier_key: reading.device.nullifier_key,
            consent: Some(reading.consent.consent.clone()),
        })
    }

    /// What the proof is made from. Its records are signed anew each time, with other salts.
    pub(super) fn inputs(&self) -> Result<Inputs, Failure> {
        Ok(self.sources(&self.reading())?.inputs(self.now, None)?)
    }

    /// The story gone wrong, each time in another way.
    pub(super) fn refusals(&self) -> Result<Vec<Refusal>, Failure> {
        let mut withdrawn = self.registry.clone();
        withdrawn.revoke_consent(self.consent.consent.leaf()).map_err(failed)?;
        let stranger = DeviceKey::fresh(None)?;
        let story = || self.reading();
        let cases = [
            ("the household withdraws its consent", Reading { registry: &withdrawn, ..story() }),
            ("a device signs that nobody registered", Reading { device: &stranger, ..story() }),
            ("the reading is three hours old", Reading { time: self.now - DAY / 8, ..story() }),
            ("the meter is in another town", Reading { place: ANOTHER_TOWN, ..story() }),
            ("it is the neighbour's reading", Reading { about: &self.neighbour, ..story() }),
        ];
        let refusal = |(case, reading): (&'static str, Reading<'_>)| {
            let inputs = self.sources(&reading)?.inputs(self.now, None);
            match inputs.and_then(|inputs| evaluate(&inputs)) {
                Err(Violation { clause, message, .. }) => Ok(Refusal { case, clause: clause.name(), reason: message }),
                Ok(Evaluation { .. }) => Err(failed(format!("{case}, and it is accepted: do not use this build"))),
            }
        };
        cases.into_iter().map(refusal).collect()
    }
}
