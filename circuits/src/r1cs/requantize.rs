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
