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
use ark_ff::One as _;

use super::{
    affine::{AffineStep, Parity},
    builder::{Builder, Lc, Num, Sink, fr, power, small, width},
    lookup::packing,
};
use crate::circuit::Interval;

/// Constrains and returns `y = form(x)` for an `x` within `bounds`.
pub(super) fn requantize<S: Sink>(b: &mut Builder<'_, S>, x: &Lc, form: &AffineStep, bounds: Interval) -> Num {
    let quotients = form.quotients(bounds);
    let (first, last) = (i64::from(form.first), i64::from(form.last));
    let clamps_low = quotients.lo < first;
    let clamps_high = quotients.hi > last;
    let shift = form.shift as usize;
    // Before ties are rounded a quotient can be one off.
    let slack = i64::from(form.ties.is_some());
    let reach = Interval::new(quotients.lo - slack, quotients.hi + slack);
    let correction = corrections(b, x, form, bounds);
    if first == last || quotients.hi <= first || quotients.lo >= last {
        // Within these bounds the function is constant, up to corrections.
        let constant = if quotients.hi <= first { first } else { last };
        return b.materialize("requantize.value", &correction.plus(fr(constant)));
    }

    let by_bits = shift + width(quotients.hi - quotients.lo) + 4;
    let plain = form.ties.is_none() && form.exceptions.iter().all(|e| e.0 < bounds.lo || bounds.hi < e.0);
    let steps = Interval::new(quotients.lo - first, quotients.hi - first);
    let levels = (last - first) as u32;
    if plain && let Some((table, below)) = b.step_table(form.shift, steps, levels, by_bits) {
        return by_lookup(b, x, form, table, below);
    }

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
        let difference = all.clone().plus(-fr(top + 1));
        let range = Interval::new(-top - 1, (1 << magnitude.len()) - top - 2);
        let over = b.is_nonnegative(["requantize.high_bit", "requantize.high_comparison"], &difference, range);
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

/// The step by one lookup of quotient and value:
///
/// ```text
/// M·x + B − 2^k·(first − below) = rem + 2^k·row          rem ∈ [0, 2^k) by limbs; the row is what remains, no witness
/// y − first ∈ [0, 2^w)                                   by a lookup of its own
/// row + K·(y − first) ∈ table
/// ```
///
/// The packed query binds both: with the left side below `2^k·rows` and `y − first` below `2^w ≤ 2^8`, two different
/// results would differ by at least `2^k·K`, which is more than `2^(k+1)·rows` and does not wrap (`K = 2^40`, at most
/// `2^22` rows, `k ≤ 44`). So the result is the table's for this row, and the row is the quotient.
fn by_lookup<S: Sink>(b: &mut Builder<'_, S>, x: &Lc, form: &AffineStep, table: usize, below: u32) -> Num {
    let (first, shift, below) = (i64::from(form.first), form.shift as usize, i64::from(below));
    let levels = i64::from(form.last) - first;
    let base = power(shift) * fr(first - below);
    let total = x.clone().scale(fr(form.multiplier)).plus(fr(form.offset) - base);
    let remainder = b.looked_up_limbs("requantize.remainder", total.value, shift);
    let row = total.add_lc(-Fr::one(), &remainder).scale(b.inverse_power(shift));
    let result = small(&row.value).map_or(0, |r| (r - below).clamp(0, levels));
    let y = b.witness(fr(first + result));
    let result = b.var(y).plus(-fr(first));
    b.range(["requantize.value_range"; 2], &result, width(levels));
    b.query("requantize.step", table, &row.add_lc(packing(), &result));
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
    use alloc::vec;

    use ark_ff::{Field as _, PrimeField as _};

    use super::{
        super::{
            builder::tests::{challenge, check_at, failing_sums},
            checker::Checker,
            lookup::{Plan, Table},
        },
        *,
    };
    use crate::{arith, circuit::StepFunction};

    /// Variable of the accumulator.
    const X: u32 = 2;

    /// A function, its certified form, and tables by hand that it is looked up in.
    struct Step {
        function: StepFunction,
        form: AffineStep,
        plan: Plan,
        /// Rows of the clamp table, and of that of the remainder and the value.
        rows: [usize; 2],
    }

    impl Step {
        /// `y = clip(rint(x · m) + zero)`, if it needs a lookup and nothing else. Remainder and value are looked up in a
        /// table of `width` bits; quotients may go `slack` beyond the reachable ones.
        fn new(m: f32, zero: i32, clip: (i32, i32), domain: Interval, width_of_table: u32, slack: u32) -> Option<Self> {
            let reference = |x: i64| arith::requantize(x as i32, m, zero, clip.0, clip.1);
            let function = StepFunction::bisect(domain, m.into(), reference);
            let form = AffineStep::find(&function).ok()?;
            let quotients = form.quotients(domain);
            let constant = quotients.hi <= form.first.into() || quotients.lo >= form.last.into();
            if form.ties.is_some() || !form.exceptions.is_empty() || form.first == form.last || constant {
                return None;
            }
            let levels = (form.last - form.first) as u32;
            let below = (i64::from(form.first) - quotients.lo).max(0) as u32 + slack;
            let above = (quotients.hi - i64::from(form.first)).max(0) as u32 + slack;
            let table = Table::Clamp { levels, below, above };
            let mut ranges = vec![form.shift, width(levels.into()) as u32];
            ranges.retain(|&bits| bits > 0);
            let plan = Plan::of(&[width_of_table], &ranges, Some(table.clone()));
            Some(Self { function, form, plan, rows: [table.len(), 1 << width_of_table] })
        }

        /// The checker and the values for these accumulators.
        fn check(&self, xs: &[Fr], tamper: &[(u32, Fr)]) -> (Vec<Fr>, Checker) {
            let mut values = Vec::new();
            let checker = check_at(challenge(), &self.plan, tamper, |b| {
                for &x in xs {
                    let x = b.witness(x);
                    let x = b.var(x);
                    values.push(requantize(b, &x, &self.form, self.function.domain).value);
                }
            });
            (values, checker)
        }

        /// Variables of the remainder's parts and of the value, for one accumulator, and what is weighed in the remainder.
        fn variables(&self) -> (Vec<u32>, u32, Vec<u32>) {
            let limbs = self.plan.limbs(self.form.shift).unwrap();
            let parts: Vec<u32> = (X + 1..).take(limbs.widths.len()).collect();
            let y = X + 1 + parts.len() as u32;
            (parts, y, limbs.widths.clone())
        }

        /// The witnesses of a remainder that is any field element and a value: all parts but the first follow the canonical
        /// integer, the first makes up for the rest.
        fn forge(&self, remainder: Fr, y: Fr) -> Vec<(u32, Fr)> {
            let (parts, variable, widths) = self.variables();
            let canonical = remainder.into_bigint().0[0];
            let mut forged = Vec::new();
            let (mut at, mut rest) = (0u32, remainder);
            for (&part, &width) in parts.iter().zip(&widths) {
                let value = Fr::from(canonical >> at & ((1 << width) - 1));
                rest -= value * power(at as usize);
                forged.push((part, value));
                at += width;
            }
            forged[0].1 += rest;
            forged.push((variable, y));
            forged
        }

        /// `M·x + B − 2^k·(first − below)`, of which the remainder is the low end.
        fn total(&self, x: i64) -> Fr {
            let Table::Clamp { below, .. } = self.plan.tables[0] else { panic!("no clamp table") };
            let base = i64::from(self.form.first) - i64::from(below);
            fr(self.form.multiplier) * fr(x) + fr(self.form.offset) - power(self.form.shift as usize) * fr(base)
        }

        fn remainder(&self, x: i64) -> u64 {
            self.total(x).into_bigint().0[0] & ((1 << self.form.shift) - 1)
        }
    }

    /// A function with both clamps. The two tables differ in length, so that a failing sum tells which of them it is of.
    fn example() -> Step {
        let step = Step::new(0.0101, -7, (-128, 127), Interval::new(-30_000, 30_000), 5, 3).unwrap();
        assert_ne!(step.rows[0], step.rows[1]);
        assert!(step.form.shift > 10);
        step
    }

    /// Accumulators at both ends, around every threshold, and a sample of the rest.
    fn sample(f: &StepFunction) -> Vec<i64> {
        let Interval { lo, hi } = f.domain;
        let around = f.thresholds.iter().flat_map(|t| [t.below - 1, t.below, t.at, t.at + 1]);
        let dense = (lo..=hi).step_by(((hi - lo) / 500).max(1) as usize);
        let mut xs: Vec<i64> = [lo, lo + 1, hi - 1, hi].into_iter().chain(around).chain(dense).collect();
        xs.retain(|x| (lo..=hi).contains(x));
        xs
    }

    #[test]
    fn every_reachable_accumulator_has_a_witness_and_the_functions_value() {
        let mut seen = 0;
        let (mut m, mut zero) = (0.37f32, 17);
        for i in 0..120i32 {
            m = if m < 3e-4 { 0.83 - i as f32 / 1000.0 } else { m * 0.717 };
            zero = (zero * 57 + 31) % 128;
            let clip = [(-128, 127), (-128, zero.max(-127)), (zero, 127), (-100, 71), (0, 1)][i as usize % 5];
            let reach = (f64::from(150 + 40 * (i % 9)) / f64::from(m)) as i64;
            let domain = Interval::new(-reach + i64::from(i % 4) * reach / 3, reach);
            for slack in [0, 1 + i as u32] {
                let Some(step) = Step::new(m, zero, clip, domain, 3 + i as u32 % 7, slack) else { continue };
                let xs = sample(&step.function);
                let (values, checker) = step.check(&xs.iter().map(|&x| fr(x)).collect::<Vec<_>>(), &[]);
                assert_eq!(checker.failures, [], "{m}, {zero}, {clip:?}, {domain:?}");
                let expected: Vec<Fr> = xs.iter().map(|&x| fr(step.function.eval(x).into())).collect();
                assert!(values == expected, "{m}, {zero}, {clip:?}, {domain:?}");
                seen += 1;
            }
        }
        assert!(seen > 100, "only {seen} functions are looked up");
    }

    #[test]
    fn no_other_value_is_accepted() {
        let step = example();
        let (_, y, _) = step.variables();
        for x in [-30_000, -1, 12_500] {
            let honest = i64::from(step.function.eval(x));
            let (values, checker) = step.check(&[fr(x)], &[]);
            assert_eq!(
                (values[0], checker.assignment[y as usize], checker.failures.len()),
                (fr(honest), fr(honest), 0)
            );
            for other in (-128..=127).filter(|&v| v != honest) {
                // In range, but not the row's.
                let (_, forged) = step.check(&[fr(x)], &[(y, fr(other))]);
                assert_eq!(failing_sums(&forged), [step.rows[0]], "{x}: {other}");
            }
            for other in [fr(128), fr(-129), fr(honest + 256), fr(honest - 256), power(40), -power(100)] {
                let (_, forged) = step.check(&[fr(x)], &[(y, other)]);
                assert_eq!(failing_sums(&forged), step.rows, "{x}: {other}");
            }
        }
    }

    /// The forgery that packing invites: for each wrong value there are remainders that make the packed query a row. None of
    /// them is below `2^k`; which other row is taken makes no difference.
    #[test]
    fn a_remainder_that_makes_up_for_a_wrong_value_is_out_of_range() {
        let step = example();
        for x in [-12_000, 0, 5000, 30_000] {
            let honest = step.function.eval(x);
            for (y, row) in
                (-128..=127).step_by(15).flat_map(|y| [0, 1, step.rows[0] / 2, step.rows[0] - 1].map(|row| (y, row)))
            {
                let result = fr(i64::from(y - step.form.first));
                let left = step.total(x) + power(step.form.shift as usize) * packing() * result;
                let remainder = left - power(step.form.shift as usize) * step.plan.tables[0].row(row);
                if y == honest && remainder == Fr::from(step.remainder(x)) {
                    continue;
                }
                let (_, forged) = step.check(&[fr(x)], &step.forge(remainder, fr(y.into())));
                assert_eq!(failing_sums(&forged), [step.rows[1]], "{x}: {y} by row {row}");
            }
        }
    }

    /// Any remainder in range, and the quotient that division in the field gives.
    #[test]
    fn a_quotient_by_field_division_is_no_row() {
        let step = example();
        for x in [-30_000, -12_000, 0, 5000, 30_000] {
            let honest = step.remainder(x);
            for remainder in [0, 1, honest ^ 1, honest ^ 1 << (step.form.shift - 1), (1 << step.form.shift) - 1] {
                if remainder == honest {
                    continue;
                }
                let y = fr(step.function.eval(x).into());
                let (_, forged) = step.check(&[fr(x)], &step.forge(Fr::from(remainder), y));
                assert_eq!(failing_sums(&forged), [step.rows[0]], "{x}: {remainder}");
            }
        }
    }

    /// One less in the quotient and `2^k` more in the remainder, or the other way round, at thresholds where that changes
    /// the value.
    #[test]
    fn a_remainder_of_two_to_the_k_or_below_zero_is_refused() {
        let step = example();
        let whole = power(step.form.shift as usize);
        for t in step.function.thresholds.iter().step_by(17) {
            for (x, change) in [(t.at, whole), (t.below, -whole)] {
                let neighbour = step.function.eval(if x == t.at { t.below } else { t.at });
                let remainder = Fr::from(step.remainder(x)) + change;
                let (_, forged) = step.check(&[fr(x)], &step.forge(remainder, fr(neighbour.into())));
                assert_eq!(failing_sums(&forged), [step.rows[1]], "{x}");
            }
        }
    }

    #[test]
    fn saturation_cannot_be_skipped_at_either_end() {
        let step = example();
        let (_, y, _) = step.variables();
        for x in [-30_000, 30_000] {
            let unclamped = step.form.quotient(x);
            let (first, last) = (i64::from(step.form.first), i64::from(step.form.last));
            assert!(unclamped < first || unclamped > last);
            let (_, forged) = step.check(&[fr(x)], &[(y, fr(unclamped))]);
            assert_eq!(failing_sums(&forged), step.rows);
            // The nearest value that is not saturated.
            let (_, forged) = step.check(&[fr(x)], &[(y, fr(if unclamped < first { first + 1 } else { last - 1 }))]);
            assert_eq!(failing_sums(&forged), [step.rows[0]]);
        }
    }

    #[test]
    fn an_accumulator_out_of_reach_has_no_row() {
        let step = example();
        for x in [fr(40_000), fr(-40_000), power(100), -power(100), fr(2).inverse().unwrap()] {
            let (_, checker) = step.check(&[x], &[]);
            assert!(failing_sums(&checker).contains(&step.rows[0]));
        }
    }

    #[test]
    fn counts_of_rows_are_determined() {
        let step = example();
        let (_, honest) = step.check(&[fr(0), fr(5000)], &[]);
        let first = honest.assignment.len() - step.rows[0] - step.rows[1];
        for (row, table) in [(0, 0), (step.rows[0] - 1, 0), (step.rows[0], 1), (step.rows[0] + step.rows[1] - 1, 1)] {
            let variable = (first + row) as u32;
            let (_, forged) = step.check(&[fr(0), fr(5000)], &[(variable, honest.assignment[first + row] + fr(1))]);
            assert_eq!(failing_sums(&forged), [step.rows[table]]);
        }
    }

    /// Channels share a table if they have as many levels; each has its own multiplier, shift and offset.
    #[test]
    fn channels_share_a_table_and_not_their_functions() {
        let domain = Interval::new(-9000, 9000);
        let candidates = (0..40i32).map(|i| (0.0271 + 0.0009 * i as f32, 17 * i % 50));
        let mut found = candidates.filter_map(|(m, zero)| Step::new(m, zero, (-128, 127), domain, 6, 0));
        let channels: [Step; 3] = core::array::from_fn(|_| found.next().unwrap());
        let shifts: Vec<u32> = channels.iter().map(|c| c.form.shift).filter(|&s| s > 0).chain([8]).collect();
        let reach = channels.iter().map(|c| match &c.plan.tables[0] {
            &Table::Clamp { levels: 255, below, above } => (below, above),
            other => panic!("{other:?}"),
        });
        let (below, above) = reach.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        let table = Table::Clamp { levels: 255, below, above };
        let plan = Plan::of(&[6], &shifts, Some(table.clone()));
        let elements: Vec<_> = (-4000..=4000).step_by(61).flat_map(|x| channels.iter().map(move |c| (x, c))).collect();
        let run = |tamper: &[(u32, Fr)]| {
            let mut values = Vec::new();
            let checker = check_at(challenge(), &plan, tamper, |b| {
                for (x, channel) in &elements {
                    let x = b.witness(fr(*x));
                    let x = b.var(x);
                    values.push(requantize(b, &x, &channel.form, domain));
                }
            });
            (values, checker)
        };
        let (values, checker) = run(&[]);
        assert_eq!(checker.failures, []);
        for (y, (x, channel)) in values.iter().zip(&elements) {
            assert_eq!(y.value, fr(channel.function.eval(*x).into()));
        }
        // The value of another channel at the same accumulator.
        let value = |i: usize| values[i].value;
        let differ = |&i: &usize| value(i) != value(i + 1) && value(i + 1) != value(i + 2) && value(i + 2) != value(i);
        let at = (0..elements.len()).step_by(channels.len()).find(differ).unwrap();
        for (i, other) in [(at, at + 1), (at + 1, at + 2), (at + 2, at)] {
            let (_, forged) = run(&[(values[i].variable, values[other].value)]);
            assert_eq!(failing_sums(&forged), [table.len()]);
        }
    }

    /// Bounds wider than the plan's table: the element falls back to bits, and is as constrained.
    #[test]
    fn an_element_beyond_the_table_is_checked_by_bits() {
        let step = example();
        let plan = Plan::of(&[5], &[8], Some(Table::Clamp { levels: 255, below: 10, above: 300 }));
        let run = |tamper: &[(u32, Fr)]| {
            let mut y = None;
            let checker = check_at(challenge(), &plan, tamper, |b| {
                let x = b.witness(fr(5000));
                let x = b.var(x);
                y = Some(requantize(b, &x, &step.form, step.function.domain));
            });
            (y.unwrap(), checker)
        };
        let honest = fr(step.function.eval(5000).into());
        let (y, checker) = run(&[]);
        assert_eq!((y.value, checker.failures.as_slice()), (honest, [].as_slice()));
        assert!(checker.origins.iter().flatten().any(|place| place.name == "requantize.recomposition"));
        for other in [honest + fr(1), honest - fr(1), honest + fr(256)] {
            let (_, forged) = run(&[(y.variable, other)]);
            assert_eq!(forged.failures.iter().map(|f| f.name).collect::<Vec<_>>(), ["requantize.saturate_low"]);
        }
    }
}
