//! Requantization: a monotone step function of an integer, by its [`AffineStep`] form.
//!
//! For an accumulator `x` within proven bounds,
//!
//! ```text
//! M·x + B = rem + 2^k·(base + u),   rem ∈ [0, 2^k),  u ∈ [0, 2^n)        remainder and quotient by bits
//! v = base + u = ⌊(M·x + B) / 2^k⌋                                       unique, since the bits can't wrap
//! ties: the lowest bit of u becomes that of an even v where rem says so  by a product over the bits of rem
//! y = clamp(v, first, last) + Σ_e δ_e·[x = e]                            by products, as far as clamping can happen
//! ```
//!
//! `base` is chosen so that the clamps fall on powers of two: the top bit of `u` then says `v ≥ first`, and any bit of
//! `u` above the clamp's width says `v > last`.
//!
//! A tie is a remainder below `2^j`, its bits from `j` on zeros, and rounds an odd v down. Where the lowest bit of an odd
//! v is a zero of `u` (an odd `base`), that would borrow from the other bits: then `2^j` is subtracted first, the bits of
//! a tie from `j` on are ones, and it rounds an odd v up. Either way a tie sets the lowest bit of `u` to a constant.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{One as _, Zero as _};

use super::{
    affine::{AffineStep, Parity},
    builder::{Builder, Lc, Num, Sink, fr, power, signed, width},
    lookup::{Step, StepRequest},
    steps::{Runs, look_up},
    thresholds::Thresholds,
};
use crate::circuit::{Interval, StepFunction};

/// A step function of a relation, and how it is proven where it is not looked up.
pub(super) struct Function<'f> {
    /// Which of the relation's functions it is.
    index: usize,
    steps: &'f StepFunction,
    form: Form,
}

enum Form {
    /// By arithmetic, certified.
    Affine(AffineStep),
    /// By its thresholds, where no arithmetic fits.
    Thresholds(Thresholds),
}

impl<'f> Function<'f> {
    pub(super) fn new(index: usize, steps: &'f StepFunction) -> Self {
        let form = AffineStep::find(steps).map_or_else(|_| Form::Thresholds(Thresholds::new(steps)), Form::Affine);
        Self { index, steps, form }
    }

    /// Roughly the cost of the arithmetic form, if there is one.
    pub(super) fn weight(&self) -> Option<usize> {
        match &self.form {
            Form::Affine(form) => Some(form.weight()),
            Form::Thresholds(_) => None,
        }
    }

    fn request(&self) -> StepRequest {
        let runs = Runs::of_steps(self.steps);
        let form = match &self.form {
            Form::Affine(form) => form,
            Form::Thresholds(t) => {
                return StepRequest { count: 0, runs, limbs: None, by_bits: t.constraints() as u64 };
            }
        };
        let domain = self.steps.domain;
        let quotients = form.quotients(domain);
        StepRequest {
            count: 0,
            runs,
            limbs: form.ties.is_none().then(|| [form.shift, excess_bits(form, domain) as u32]),
            by_bits: (form.shift as usize + width(quotients.hi - quotients.lo) + 4) as u64,
        }
    }
}

/// Constrains and returns `y = f(x)` for an `x` within `bounds`, which lie in the function's domain.
pub(super) fn requantize<S: Sink>(b: &mut Builder<'_, S>, x: &Lc, f: &Function<'_>, bounds: Interval) -> Num {
    match &f.form {
        Form::Affine(form) => by_arithmetic(b, x, f, form, bounds),
        Form::Thresholds(thresholds) => {
            let [first, last] = [bounds.lo, bounds.hi].map(|x| f.steps.eval(x));
            if first == last {
                let constant = b.constant(fr(first.into()));
                return b.materialize("requantize.value", &constant);
            }
            match b.step(f.index, || f.request()) {
                None => b.witness(x.value),
                Some(Step::Intervals(f)) => look_up(b, INTERVAL_NAMES, x, f),
                // There are no limbs without an arithmetic form.
                Some(Step::Bits | Step::Limbs(_)) => thresholds.select(b, x, f.steps),
            }
        }
    }
}

fn by_arithmetic<S: Sink>(
    b: &mut Builder<'_, S>,
    x: &Lc,
    f: &Function<'_>,
    form: &AffineStep,
    bounds: Interval,
) -> Num {
    let quotients = form.quotients(bounds);
    let (first, last) = (i64::from(form.first), i64::from(form.last));
    if first == last || quotients.hi <= first || quotients.lo >= last {
        // Within these bounds the function is constant, up to corrections.
        let constant = if quotients.hi <= first { first } else { last };
        let correction = corrections(b, x, form, bounds);
        return b.materialize("requantize.value", &correction.plus(fr(constant)));
    }
    match b.step(f.index, || f.request()) {
        None => b.witness(x.value),
        Some(Step::Intervals(f)) => look_up(b, INTERVAL_NAMES, x, f),
        Some(&Step::Limbs(remainder)) => {
            let correction = corrections(b, x, form, bounds);
            by_limbs(b, x, form, &correction, remainder as usize, excess_bits(form, f.steps.domain))
        }
        Some(Step::Bits) => by_bits(b, x, form, bounds),
    }
}

const INTERVAL_NAMES: [&str; 3] = ["requantize.distance", "requantize.value_range", "requantize.interval"];

/// How far quotients can be beyond the clamps, in bits.
fn excess_bits(form: &AffineStep, domain: Interval) -> usize {
    let quotients = form.quotients(domain);
    width((i64::from(form.first) - quotients.lo).max(quotients.hi - i64::from(form.last)).max(0))
}

/// The step by limbs, for a form without ties; with `v` the quotient, `L = last − first`:
///
/// ```text
/// 2^j·(M·x + B − 2^k·(first + u + e)) ∈ [0, 2^(k+j))       so v = first + u + e
/// u ∈ [0, L],   y = first + u + correction
/// e·u = L·s,   s·(L − u) = 0,   2s − e ∈ [0, 2^n)
/// ```
///
/// Between the clamps s is zero, so e is; at u = 0 it is s that is zero, and e not positive; at u = L it is e, and not
/// negative. So `u` is `v − first`, clamped. The factor `2^j` makes the remainder's limbs whole.
fn by_limbs<S: Sink>(
    b: &mut Builder<'_, S>,
    x: &Lc,
    form: &AffineStep,
    correction: &Lc,
    remainder: usize,
    excess: usize,
) -> Num {
    let (first, shift) = (i64::from(form.first), form.shift as usize);
    let levels = i64::from(form.last) - first;
    let total = x.clone().scale(fr(form.multiplier)).plus(fr(form.offset) - power(shift) * fr(first));
    // Without a small total there is no honest witness; anything will do.
    let quotient = signed(&total.value).map_or(0, |t| (t >> shift) as i64);
    let y = b.witness(fr(first + quotient.clamp(0, levels)) + correction.value);
    let result = b.var(y).plus(fr(-first)).add_lc(-Fr::one(), correction);
    let mut whole = result.clone();
    b.range(["requantize.value_range"; 2], &result, width(levels));
    if levels + 1 != 1 << width(levels) {
        let below = result.clone().scale(-Fr::one()).plus(fr(levels));
        b.range(["requantize.value_bound"; 2], &below, width(levels));
    }
    if excess > 0 {
        let e = fr(quotient) - result.value;
        let share = if result.value == fr(levels) { e } else { Fr::zero() };
        let (e, share) = (b.witness(e), b.witness(share));
        let (e, share) = (b.var(e), b.var(share));
        let (scaled, zero) = (share.clone().scale(fr(levels)), b.lc());
        b.enforce("requantize.excess_share", &e, &result, &scaled);
        let rest = result.scale(-Fr::one()).plus(fr(levels));
        b.enforce("requantize.excess_end", &share, &rest, &zero);
        let magnitude = share.scale(fr(2)).add_lc(-Fr::one(), &e);
        b.range(["requantize.excess_range"; 2], &magnitude, excess);
        whole = whole.add_lc(Fr::one(), &e);
    }
    let rest = total.add_lc(-power(shift), &whole).scale(power(remainder - shift));
    b.range(["requantize.remainder"; 2], &rest, remainder);
    y
}

/// The step bit by bit.
fn by_bits<S: Sink>(b: &mut Builder<'_, S>, x: &Lc, form: &AffineStep, bounds: Interval) -> Num {
    let quotients = form.quotients(bounds);
    let (first, last) = (i64::from(form.first), i64::from(form.last));
    let clamps_low = quotients.lo < first;
    let clamps_high = quotients.hi > last;
    let shift = form.shift as usize;
    // Before ties are rounded a quotient can be one off.
    let slack = i64::from(form.ties.is_some());
    let reach = Interval::new(quotients.lo - slack, quotients.hi + slack);
    let correction = corrections(b, x, form, bounds);

    // Low clamp: u = v − first + 2^(n−1), its top bit says v ≥ first. Otherwise u = v − base with base ≤ v; with a high
    // clamp, base + 2^cut = last + 1.
    let (base, count, cut) = match (clamps_low, clamps_high) {
        (true, _) => {
            let n = width(first - 1 - reach.lo).max(width((reach.hi - first).max(0)));
            (first - (1 << n), n + 1, width(last - first))
        }
        (false, true) => {
            let cut = width(last - reach.lo);
            let base = last + 1 - (1 << cut);
            (base, width(reach.hi - base), cut)
        }
        (false, false) => (reach.lo, width(reach.hi - reach.lo), 0),
    };

    // M·x + B − 2^k·base, in [0, 2^(k + count)).
    let aligned = form.ties.is_none_or(|ties| Parity::of(base.into()) == ties.to);
    let early = form.ties.filter(|_| !aligned).map_or(0, |ties| 1 << ties.bits);
    let total = x.clone().scale(fr(form.multiplier)).plus(fr(form.offset - early) - power(shift) * fr(base));
    let mut remainder = b.decompose(["requantize.bit", "requantize.recomposition"], &total, shift + count);
    let mut u = remainder.split_off(shift);
    if let Some(ties) = form.ties {
        let high = &remainder[ties.bits as usize..];
        let pattern = high.iter().map(|&bit| if aligned { not(b, bit) } else { b.var(bit) }).collect();
        let tie = product(b, "requantize.tie", pattern);
        let (lowest, target) = (b.var(u[0]), b.constant(fr((!aligned).into())));
        u[0] = b.select("requantize.half_even", &tie, &target, &lowest);
    }

    if !clamps_low && !clamps_high {
        let y = b.weighted(&u).plus(fr(base)).add_lc(Fr::one(), &correction);
        return b.materialize("requantize.value", &y);
    }
    let (magnitude, sign) = if clamps_low { (&u[..count - 1], u.get(count - 1).copied()) } else { (&u[..], None) };
    let floor = if clamps_low { first } else { base };

    // t = min(v, last) − floor for v ≥ floor.
    let top = last - floor;
    let t = if !clamps_high {
        b.weighted(magnitude)
    } else if top + 1 == 1 << cut {
        let (low, high) = magnitude.split_at(cut);
        let low = b.weighted(low);
        let over = any(b, high);
        let room = low.clone().scale(-Fr::one()).plus(fr(top));
        let added = b.product("requantize.saturate_high", &over, &room);
        low.add(Fr::one(), added)
    } else {
        // The clamp is not on a power of two: compare with it.
        let all = b.weighted(magnitude);
        let n = width(top).max(width((1 << magnitude.len()) - top - 2));
        let shifted = all.clone().plus(power(n) - fr(top + 1));
        let over = b.top_bit(["requantize.high_bit", "requantize.high_comparison"], &shifted, n);
        let room = all.clone().scale(-Fr::one()).plus(fr(top));
        let added = b.product("requantize.saturate_high", &over, &room);
        all.add(Fr::one(), added)
    };

    // y = floor + sign·t + correction.
    let Some(sign) = sign else {
        let y = t.plus(fr(floor)).add_lc(Fr::one(), &correction);
        return b.materialize("requantize.value", &y);
    };
    let sign = b.var(sign);
    let y = b.witness(sign.value * t.value + fr(floor) + correction.value);
    let product = b.var(y).plus(-fr(floor)).add_lc(-Fr::one(), &correction);
    b.enforce("requantize.saturate_low", &t, &sign, &product);
    y
}

/// `Σ δ_e·[x = e]` over the exceptions within bounds.
fn corrections<S: Sink>(b: &mut Builder<'_, S>, x: &Lc, form: &AffineStep, bounds: Interval) -> Lc {
    let mut sum = b.lc();
    for &(e, delta) in form.exceptions.iter().filter(|e| bounds.lo <= e.0 && e.0 <= bounds.hi) {
        let difference = x.clone().plus(fr(-e));
        let names = ["requantize.exception_inverse", "requantize.exception_zero", "requantize.exception_hint"];
        let equal = b.is_zero(names, &difference);
        sum.push(fr(delta.into()), equal);
    }
    sum
}

/// One if any bit is one: `1 − Π (1 − bit)`.
fn any<S: Sink>(b: &mut Builder<'_, S>, bits: &[Num]) -> Lc {
    let zeros = bits.iter().map(|&bit| not(b, bit)).collect();
    product(b, "requantize.overflow", zeros).scale(-Fr::one()).plus(Fr::one())
}

/// `1 − bit`.
fn not<S: Sink>(b: &Builder<'_, S>, bit: Num) -> Lc {
    b.lc().add(-Fr::one(), bit).plus(Fr::one())
}

/// The product of all factors.
fn product<S: Sink>(b: &mut Builder<'_, S>, name: &'static str, factors: Vec<Lc>) -> Lc {
    let mut factors = factors.into_iter();
    let first = factors.next().unwrap_or_else(|| b.constant(Fr::one()));
    factors.fold(first, |all, factor| {
        let p = b.product(name, &all, &factor);
        b.var(p)
    })
}

#[cfg(test)]
mod tests {
    use ark_ff::Field as _;

    use super::{
        super::{
            builder::tests::{challenge, check_at, failing_sums},
            checker::Checker,
            lookup::Plan,
        },
        *,
    };
    use crate::arith;

    /// Variable of the value.
    const Y: u32 = 3;

    /// A function that is proven by limbs.
    struct Limbs<'f> {
        function: Function<'f>,
        form: AffineStep,
        plan: Plan,
    }

    /// `y = clip(rint(x · m) + zero)`.
    fn steps(m: f32, zero: i32, clip: (i32, i32), domain: Interval) -> StepFunction {
        StepFunction::bisect(domain, m.into(), |x| arith::requantize(x as i32, m, zero, clip.0, clip.1))
    }

    impl<'f> Limbs<'f> {
        /// With a remainder of `wider` bits more than the form's.
        fn new(steps: &'f StepFunction, wider: u32) -> Option<Self> {
            let function = Function::new(0, steps);
            let [remainder, excess] = function.request().limbs?;
            let form = AffineStep::find(steps).ok()?;
            let value = width(i64::from(form.last) - i64::from(form.first)) as u32;
            let mut ranges = alloc::vec![remainder + wider, excess, value];
            ranges.retain(|&bits| bits > 0);
            let plan = Plan::of(&[5], &ranges).with(Step::Limbs(remainder + wider));
            Some(Self { function, form, plan })
        }

        fn check(&self, xs: &[Fr], tamper: &[(u32, Fr)]) -> (Vec<Fr>, Checker) {
            let mut values = Vec::new();
            let checker = check_at(challenge(), &self.plan, tamper, |b| {
                for &x in xs {
                    let x = b.witness(x);
                    let x = b.var(x);
                    values.push(requantize(b, &x, &self.function, self.function.steps.domain).value);
                }
            });
            (values, checker)
        }

        fn names(&self, x: i64, tamper: &[(u32, Fr)]) -> Vec<&'static str> {
            self.check(&[fr(x)], tamper).1.failures.iter().map(|f| f.name).collect()
        }

        /// Variables of the excess and its share: they come after the value's limbs, the last of which is no witness.
        fn excess(&self) -> [u32; 2] {
            let levels = i64::from(self.form.last) - i64::from(self.form.first);
            let limbs = self.plan.limbs(width(levels) as u32).unwrap().widths.len() as u32 - 1;
            let checks = if levels + 1 == 1 << width(levels) { 1 } else { 2 };
            [0, 1].map(|i| Y + 1 + checks * limbs + i)
        }

        fn unclamped(&self, x: i64) -> i64 {
            self.form.quotient(x) - i64::from(self.form.first)
        }
    }

    fn example() -> StepFunction {
        steps(0.0101, -7, (-128, 127), Interval::new(-30_000, 30_000))
    }

    #[test]
    fn every_reachable_accumulator_has_a_witness_and_the_functions_value() {
        let (mut seen, mut corrected) = (0, 0);
        let (mut m, mut zero) = (0.37f32, 17);
        for i in 0..120i32 {
            m = if m < 3e-4 { 0.83 - i as f32 / 1000.0 } else { m * 0.717 };
            zero = (zero * 57 + 31) % 128;
            let clip = [(-128, 127), (-128, zero.max(-127)), (zero, 127), (-100, 71), (0, 1)][i as usize % 5];
            let reach = (f64::from(50 + 40 * (i % 9)) / f64::from(m)) as i64;
            let function = steps(m, zero, clip, Interval::new(-reach + i64::from(i % 4) * reach / 3, reach));
            let Some(limbs) = Limbs::new(&function, i as u32 % 8) else { continue };
            let Interval { lo, hi } = function.domain;
            let around = function.thresholds.iter().flat_map(|t| [t.below - 1, t.below, t.at, t.at + 1]);
            let dense = (lo..=hi).step_by(((hi - lo) / 500).max(1) as usize);
            let mut xs: Vec<i64> = [lo, lo + 1, hi - 1, hi].into_iter().chain(around).chain(dense).collect();
            xs.retain(|x| (lo..=hi).contains(x));
            let (values, checker) = limbs.check(&xs.iter().map(|&x| fr(x)).collect::<Vec<_>>(), &[]);
            assert_eq!(checker.failures, [], "{m}, {zero}, {clip:?}");
            assert!(values.iter().zip(&xs).all(|(y, &x)| *y == fr(function.eval(x).into())), "{m}, {zero}, {clip:?}");
            seen += 1;
            corrected += usize::from(!limbs.form.exceptions.is_empty());
        }
        assert!(seen > 60 && corrected > 0, "{seen} functions, {corrected} with corrections");
    }

    /// Whatever the value, its excess and the excess's share: only the right ones have a remainder in range.
    #[test]
    fn no_other_value_is_accepted() {
        let functions = [example(), steps(0.0101, -7, (-100, 71), Interval::new(-30_000, 30_000))];
        for function in &functions {
            let limbs = Limbs::new(function, 3).unwrap();
            let (first, last) = (function.first, function.last());
            let levels = i64::from(last - first);
            let [e, share] = limbs.excess();
            for x in [-30_000, -12_000, -1, 5000, 12_500, 30_000] {
                let honest = function.eval(x);
                assert_eq!(limbs.names(x, &[]), [""; 0]);
                for y in (first - 300..=last + 300).filter(|&y| y != honest) {
                    let result = i64::from(y - first);
                    // The excess that makes up for it, with the share that either end wants, and none.
                    let excess = limbs.unclamped(x) - result;
                    let by_definition = fr(excess * result) * fr(levels).inverse().unwrap();
                    for s in [fr(0), fr(excess), by_definition] {
                        let names = limbs.names(x, &[(Y, fr(y.into())), (e, fr(excess)), (share, s)]);
                        assert!(!names.is_empty(), "{x}: {y}");
                        let in_range = (0..=levels).contains(&result);
                        let is_end = result == 0 || result == levels;
                        if in_range && !is_end && s == by_definition {
                            assert_eq!(names, ["requantize.excess_end", "lookup.sum"][..names.len()], "{x}: {y}");
                        }
                    }
                    // No excess: then it is the remainder that is out of range.
                    let names = limbs.names(x, &[(Y, fr(y.into())), (e, fr(0)), (share, fr(0))]);
                    assert_eq!(names, ["lookup.sum"], "{x}: {y}");
                }
            }
        }
    }

    #[test]
    fn excess_and_share_have_one_value_each() {
        let function = example();
        let limbs = Limbs::new(&function, 0).unwrap();
        let [e, share] = limbs.excess();
        for x in [-30_000, 0, 30_000] {
            let (_, honest) = limbs.check(&[fr(x)], &[]);
            for variable in [e, share] {
                for change in [1, -1, 255, 256] {
                    let forged = honest.assignment[variable as usize] + fr(change);
                    let names = limbs.names(x, &[(variable, forged)]);
                    assert!(!names.is_empty(), "{x}");
                    if variable == share {
                        assert_eq!(names[0], "requantize.excess_share");
                    }
                }
            }
        }
    }

    /// At an end the excess may have one sign only, else the end would be the value of arguments on its other side.
    #[test]
    fn the_excess_cannot_point_inward() {
        let function = example();
        let limbs = Limbs::new(&function, 0).unwrap();
        let [e, share] = limbs.excess();
        for x in [-9000, 0, 9000] {
            let inner = limbs.unclamped(x);
            assert!((1..255).contains(&inner));
            let low = [(Y, fr(-128)), (e, fr(inner)), (share, fr(0))];
            let high = [(Y, fr(127)), (e, fr(inner - 255)), (share, fr(inner - 255))];
            for forged in [low, high] {
                let (_, checker) = limbs.check(&[fr(x)], &forged);
                assert_eq!(failing_sums(&checker), [32], "{x}");
            }
        }
    }

    #[test]
    fn an_accumulator_out_of_reach_has_no_witness() {
        let function = example();
        let limbs = Limbs::new(&function, 2).unwrap();
        for x in [power(100), -power(100), fr(2).inverse().unwrap(), fr(1 << 33)] {
            assert!(!limbs.check(&[x], &[]).1.failures.is_empty());
        }
    }

    /// Elements whose bounds decide the value need no witness of a remainder.
    #[test]
    fn narrow_bounds_make_a_constant() {
        let function = example();
        let limbs = Limbs::new(&function, 0).unwrap();
        let run = |tamper: &[(u32, Fr)]| {
            let checker = check_at(challenge(), &limbs.plan, tamper, |b| {
                let x = b.witness(fr(29_000));
                let x = b.var(x);
                requantize(b, &x, &limbs.function, Interval::new(28_000, 30_000));
            });
            checker.failures.iter().map(|f| f.name).collect::<Vec<_>>()
        };
        assert_eq!(run(&[]), [""; 0]);
        assert_eq!(run(&[(Y, fr(126))]), ["requantize.value"]);
    }
}
