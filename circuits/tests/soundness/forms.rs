//! Arithmetic forms against the reference on every accumulator of a domain, not at thresholds alone.

use avouch_circuits::{
    arith::requantize,
    circuit::{Interval, StepFunction},
    r1cs::affine::{AffineStep, Parity, Ties},
};
use proptest::prelude::*;

/// One requantization and the accumulators it is asked for.
#[derive(Clone, Debug)]
struct Function {
    m: f32,
    zero: i32,
    clip: (i32, i32),
    domain: Interval,
}

impl Function {
    fn reference(&self, x: i64) -> i32 {
        requantize(x as i32, self.m, self.zero, self.clip.0, self.clip.1)
    }

    fn form(&self) -> AffineStep {
        let f = StepFunction::bisect(self.domain, self.m.into(), |x| self.reference(x));
        AffineStep::find(&f).unwrap_or_else(|e| panic!("{self:?}: {e}"))
    }

    fn assert_exact(&self) -> AffineStep {
        let form = self.form();
        for x in self.domain.lo..=self.domain.hi {
            assert_eq!(form.eval(x), self.reference(x), "{self:?} at {x}: {form:?}");
        }
        form
    }
}

fn multiplier() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => (-24f32..4.0).prop_map(f32::exp2),
        // Dense ties.
        4 => (-20i32..3).prop_map(|e| 2f32.powi(e)),
        4 => (1u8..64, -20i32..3).prop_map(|(odd, e)| f32::from(odd) * 2f32.powi(e - 5)),
        1 => prop_oneof![Just(f32::MIN_POSITIVE), Just(f32::MAX), Just(1e30), Just(1e-30), Just(1.0), Just(255.0)],
    ]
}

/// Domains around where the function changes, as far as there are such accumulators.
fn function() -> impl Strategy<Value = Function> {
    let bytes = -128i32..=127;
    let clip = prop_oneof![
        2 => Just((-128, 127)),
        1 => (bytes.clone(), bytes.clone()).prop_map(|(a, b)| (a.min(b), a.max(b))),
    ];
    (multiplier(), bytes, clip, -300f64..300.0, 0i64..1 << 15).prop_map(|(m, zero, clip, center, width)| {
        let center = (center / f64::from(m)).clamp(-2e9, 2e9) as i64;
        Function { m, zero, clip, domain: Interval::new(center - width, center + width) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn forms_are_the_reference_on_all_accumulators(f in function()) {
        f.assert_exact();
    }
}

/// A form changed in one place.
fn changes(form: &AffineStep, f: &StepFunction, at: i64) -> Vec<AffineStep> {
    let mut changed = Vec::new();
    let mut with = |change: &dyn Fn(&mut AffineStep)| {
        let mut form = form.clone();
        change(&mut form);
        changed.push(form);
    };
    let at = at.clamp(f.domain.lo, f.domain.hi);
    for d in [-1, 1] {
        with(&|form| form.multiplier += d);
        with(&|form| form.offset += d);
        with(&|form| form.offset += d * form.multiplier);
        with(&|form| form.offset += d << form.shift);
        with(&|form| form.first += d as i32);
        with(&|form| form.last += d as i32);
        with(&|form| match form.exceptions.binary_search_by_key(&at, |e| e.0) {
            Ok(i) => form.exceptions[i].1 += d as i32,
            Err(i) => form.exceptions.insert(i, (at, d as i32)),
        });
    }
    with(&|form| form.shift += 1);
    with(&|form| {
        form.exceptions.pop();
    });
    for bits in [0, form.shift / 2, form.shift.saturating_sub(1)] {
        for to in [Parity::Even, Parity::Odd] {
            with(&|form| form.ties = Some(Ties { to, bits }));
        }
    }
    with(&|form| form.ties = None);
    changed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What the certificate accepts is the function everywhere, and it refuses no form that is.
    #[test]
    fn certificates_are_given_to_exact_forms_only(f in function(), at in 0f64..1.0) {
        let domain = Interval::new(f.domain.lo, f.domain.hi.min(f.domain.lo + 4000));
        let f = Function { domain, ..f };
        let step = StepFunction::bisect(domain, f.m.into(), |x| f.reference(x));
        let at = domain.lo + (at * (domain.hi - domain.lo) as f64) as i64;
        let found = AffineStep::find(&step).unwrap();
        for form in changes(&found, &step, at) {
            let certified = form.certify(&step).is_ok();
            // Other clamps and empty ties are refused unseen.
            let own = (form.first, form.last) == (step.first, step.last())
                && form.multiplier > 0
                && form.ties.is_none_or(|ties| ties.bits < form.shift);
            let exact = own && (domain.lo..=domain.hi).all(|x| form.eval(x) == f.reference(x));
            prop_assert_eq!(certified, exact, "{:?}: {:?}", f, form);
        }
    }
}

/// Multipliers with dense ties over the range of a small layer. Each correction costs three constraints an element.
#[test]
fn round_multipliers_need_few_corrections() {
    let dyadic = [1u8, 3, 5, 7, 9, 15, 25, 127];
    let dyadic = (0..14).flat_map(|e| dyadic.map(|odd| (f32::from(odd) * 2f32.powi(-e), 3)));
    // Here the f32 product meets some ties and misses others.
    let decimal = [0.5f32, 0.1, 0.05, 0.01, 0.005, 0.0025, 0.001, 0.002, 0.0004, 0.000032].map(|m| (m, 32));
    for (m, most) in dyadic.chain(decimal) {
        for (zero, clip) in [(0, (-128, 127)), (-128, (-128, 127)), (7, (-100, 90)), (-3, (-3, 127))] {
            let reach = ((300.0 / m) as i64).clamp(10, 1 << 15);
            let form = Function { m, zero, clip, domain: Interval::new(-reach, reach + 3) }.assert_exact();
            assert!(form.exceptions.len() <= most, "{m}, {zero}, {clip:?}: {form:?}");
        }
    }
}

#[test]
fn accumulators_beyond_24_bits_are_rounded_as_the_reference_does() {
    for m in [1e-6f32, 3.1e-6, 2f32.powi(-20), 2f32.powi(-21), 3.0 * 2f32.powi(-22)] {
        for center in [-(1i64 << 25), 1 << 24, 3 << 24] {
            let f = Function { m, zero: 5, clip: (-128, 127), domain: Interval::new(center - 40_000, center + 40_000) };
            f.assert_exact();
        }
        // Certified at every threshold.
        Function { m: 4.0 * m, zero: 5, clip: (-128, 127), domain: Interval::new(-(1 << 25), 1 << 25) }.form();
    }
}

/// Conversion to f32 is a staircase itself there, which no line follows.
#[test]
fn thresholds_far_beyond_24_bits_are_refused() {
    let domain = Interval::new(-(1 << 28), 1 << 28);
    let m = 2f32.powi(-21);
    let f = StepFunction::bisect(domain, m.into(), |x| requantize(x as i32, m, 0, -128, 127));
    let error = AffineStep::find(&f).unwrap_err();
    assert_eq!(error.message, "no arithmetic form with few corrections exists; choose other scales");
}

/// Any slope, offset and clamp, at the ends of every number type.
#[test]
fn extreme_steps_do_not_overflow() {
    for m in [f32::MIN_POSITIVE, 1e-9, 0.3, 1.0, 255.0, 1e9, 1e30, f32::MAX] {
        for domain in [(-1, 1), (0, 0), (i32::MIN, i32::MAX), (i32::MAX - 9, i32::MAX), (i32::MIN, i32::MIN + 9)] {
            for (zero, clip) in [(0, (-128, 127)), (127, (127, 127)), (-128, (-128, -127))] {
                let domain = Interval::new(domain.0.into(), domain.1.into());
                let f = StepFunction::bisect(domain, m.into(), |x| requantize(x as i32, m, zero, clip.0, clip.1));
                if let Ok(form) = AffineStep::find(&f) {
                    for x in [domain.lo, domain.hi, 0i64.clamp(domain.lo, domain.hi)] {
                        assert_eq!(form.eval(x), f.eval(x));
                    }
                }
            }
        }
    }
}
