//! The arithmetic form of a step function: a multiplier, a shift, a clamp, and corrections at single arguments.
//!
//! `y(x) = clamp(⌊(M·x + B) / 2^k⌋ − tie(x), first, last) + Σ_{e = x} δ_e`
//!
//! Round multipliers, such as 1/4 or 0.005, make dense ties, and the reference rounds them to even: `tie(x)` is one where
//! the remainder is below `2^j`, so that `x` is the first argument of its quotient, and the quotient is of the odd parity.
//! Other forms have no such term.
//! Rounding the f32 product first, as the reference does, can move a threshold across a tie, so that for some functions
//! none of this alone fits. Then the arguments between the true threshold and the form's get a correction δ each, which
//! costs three constraints. Every form is certified against the step function at all thresholds of both before use:
//! the two are constant in between, so they agree on the whole domain.

use alloc::{format, vec::Vec};

use crate::circuit::{Interval, LowerError, StepFunction};

/// The form; `y` as above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffineStep {
    /// `M`, positive.
    pub multiplier: i64,
    /// `B`.
    pub offset: i64,
    /// `k`.
    pub shift: u32,
    /// Which quotients become one less.
    pub ties: Option<Ties>,
    /// Smallest value.
    pub first: i32,
    /// Largest value.
    pub last: i32,
    /// Arguments whose value is corrected, ascending, with the correction.
    pub exceptions: Vec<(i64, i32)>,
}

/// How ties are found and rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ties {
    /// Parity of the quotients that stay.
    pub to: Parity,
    /// `j`: a tie is a remainder below `2^j`. Below the shift.
    pub bits: u32,
}

/// Whether an integer is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// Even ones.
    Even,
    /// Odd ones, where the zero point of the result is odd.
    Odd,
}

impl Parity {
    /// Of an integer.
    pub fn of(v: i128) -> Self {
        if v & 1 == 0 { Self::Even } else { Self::Odd }
    }
}

/// Largest shift tried. With accumulators of 32 bits, `M·x + B` stays far below 2^127 and the field.
const MAX_SHIFT: u32 = 44;
/// What an exception weighs against one bit of the shift: three constraints, one full-width witness.
const EXCEPTION_WEIGHT: usize = 12;
/// Corrections that are no sign of dense ties.
const FEW_EXCEPTIONS: usize = 3;
/// Bounds on the remainder of a tie that are tried, in bits below those of the multiplier.
const TIE_RANGE: u32 = 3;
/// Corrections beyond which a form is given up.
const MAX_EXCEPTIONS: usize = 512;
/// A step function of 8-bit values gains nothing from a steeper line, and its arithmetic stays small.
const MAX_SLOPE: f64 = 512.0;
/// Multipliers tried for each shift.
const MAX_CANDIDATES: i64 = 16;

impl AffineStep {
    /// The cheapest form found, certified.
    pub fn find(f: &StepFunction) -> Result<Self, LowerError> {
        let form = if f.thresholds.is_empty() {
            // A constant.
            Self {
                multiplier: 1,
                offset: 0,
                shift: 0,
                ties: None,
                first: f.first,
                last: f.first,
                exceptions: Vec::new(),
            }
        } else {
            Self::exact(f)
                .or_else(|| Self::corrected(f))
                .ok_or_else(|| LowerError::new("no arithmetic form with few corrections exists; choose other scales"))?
        };
        form.certify(f)?;
        Ok(form)
    }

    /// `⌊(M·x + B) / 2^k⌋ − tie(x)`, not clamped.
    pub fn quotient(&self, x: i64) -> i64 {
        self.wide_quotient(x) as i64
    }

    fn wide_quotient(&self, x: i64) -> i128 {
        let total = i128::from(self.multiplier) * i128::from(x) + i128::from(self.offset);
        let floor = total >> self.shift;
        let remainder = total - (floor << self.shift);
        let tie = self.ties.is_some_and(|ties| Parity::of(floor) != ties.to && remainder >> ties.bits == 0);
        floor - i128::from(tie)
    }

    /// The smallest `M·x + B` with a quotient of at least `value`.
    fn target(&self, value: i128) -> i128 {
        let tie = self.ties.filter(|ties| Parity::of(value) != ties.to).map_or(0, |ties| 1 << ties.bits);
        (value << self.shift) + tie
    }

    /// The value at an argument.
    pub fn eval(&self, x: i64) -> i32 {
        let clamped = self.quotient(x).clamp(self.first.into(), self.last.into()) as i32;
        clamped + self.exceptions.binary_search_by_key(&x, |e| e.0).map_or(0, |i| self.exceptions[i].1)
    }

    /// Quotients over an interval.
    pub fn quotients(&self, x: Interval) -> Interval {
        Interval::new(self.quotient(x.lo), self.quotient(x.hi))
    }

    /// Without an offset yet.
    fn with(f: &StepFunction, multiplier: i64, shift: u32, ties: Option<Ties>) -> Self {
        Self { multiplier, offset: 0, shift, ties, first: f.first, last: f.last(), exceptions: Vec::new() }
    }

    fn slope(f: &StepFunction) -> f64 {
        f.slope.clamp(0.0, MAX_SLOPE)
    }

    /// Smallest shift at which some multiplier and offset meet every threshold.
    fn exact(f: &StepFunction) -> Option<Self> {
        let t = &f.thresholds;
        // Two thresholds v < w of a line of slope s satisfy w − v > s·(below_w − at_v) and w − v < s·(at_w − below_v).
        let (mut least, mut most) = (0f64, f64::INFINITY);
        for (i, v) in t.iter().enumerate() {
            for (steps, w) in t.iter().skip(i).enumerate() {
                let steps = steps as f64;
                least = least.max(steps / (w.at - v.below) as f64);
                if w.below > v.at {
                    most = most.min(steps / (w.below - v.at) as f64);
                }
            }
        }
        if most.is_infinite() {
            most = f64::max(Self::slope(f), least) * 2.0;
        }
        if least > most {
            return None;
        }
        for shift in 0..=MAX_SHIFT {
            let one = libm::ldexp(1.0, shift as i32);
            let (low, high) = (libm::ceil(least * one) as i64, libm::floor(most * one) as i64);
            let from = low.max((low + high - MAX_CANDIDATES) / 2).max(1);
            for multiplier in from..=high.min(from + MAX_CANDIDATES) {
                let form = Self::with(f, multiplier, shift, None);
                if let Some(offset) = form.exact_offset(f) {
                    return Some(Self { offset, ..form });
                }
            }
        }
        None
    }

    /// For threshold `i`, the offsets that place it exactly: `target − M·at ≤ B < target − M·below`.
    fn offsets<'a>(&'a self, f: &'a StepFunction) -> impl Iterator<Item = (i128, i128)> + 'a {
        f.thresholds.iter().zip(i128::from(f.first) + 1..).map(|(t, value)| {
            let target = self.target(value);
            let m = i128::from(self.multiplier);
            (target - m * i128::from(t.at), target - m * i128::from(t.below))
        })
    }

    fn exact_offset(&self, f: &StepFunction) -> Option<i64> {
        let (least, below) = self.offsets(f).fold((i128::MIN, i128::MAX), |(l, b), o| (l.max(o.0), b.min(o.1)));
        (least < below).then(|| Self::narrow(least))?
    }

    /// An offset to which a power of two below the shift can be added.
    fn narrow(offset: i128) -> Option<i64> {
        i64::try_from(offset).ok().filter(|offset| offset.unsigned_abs() < 1 << 62)
    }

    /// The form along the function's slope with the best trade of shift and ties against corrections.
    fn corrected(f: &StepFunction) -> Option<Self> {
        let plain = Self::cheapest(f, |_| alloc::vec![None]);
        if plain.as_ref().is_some_and(|form| form.exceptions.len() <= FEW_EXCEPTIONS) {
            return plain;
        }
        let ties = Self::cheapest(f, |multiplier| {
            let most = multiplier.ilog2();
            let bits = [0].into_iter().chain((most.saturating_sub(TIE_RANGE)..=most).filter(|&bits| bits > 0));
            bits.flat_map(|bits| [Parity::Even, Parity::Odd].map(|to| Some(Ties { to, bits }))).collect()
        });
        plain.into_iter().chain(ties).min_by_key(Self::weight)
    }

    /// The cheapest form along the function's slope with one of the `ties` for its multiplier.
    fn cheapest(f: &StepFunction, ties: impl Fn(i64) -> Vec<Option<Ties>>) -> Option<Self> {
        let mut best: Option<Self> = None;
        for shift in 0..=MAX_SHIFT {
            let ideal = libm::round(Self::slope(f) * libm::ldexp(1.0, shift as i32)) as i64;
            for multiplier in (-1..=1).map(|d| (ideal + d).max(1)) {
                for ties in ties(multiplier).into_iter().filter(|ties| ties.is_none_or(|ties| ties.bits < shift)) {
                    let form = Self::with(f, multiplier, shift, ties);
                    let Some(offset) = Self::narrow(form.common_offset(f)) else { continue };
                    let form = Self { offset, ..form }.correct(f);
                    best = best.into_iter().chain(form).min_by_key(Self::weight);
                }
            }
        }
        best
    }

    /// Roughly the cost, in bits of shift.
    pub(super) fn weight(&self) -> usize {
        let ties = self.ties.map_or(0, |ties| self.shift - ties.bits);
        (self.shift + ties) as usize + EXCEPTION_WEIGHT * self.exceptions.len()
    }

    /// The offset that places the most thresholds exactly.
    fn common_offset(&self, f: &StepFunction) -> i128 {
        let mut ends: Vec<(i128, i32)> = self.offsets(f).flat_map(|(least, below)| [(least, 1), (below, -1)]).collect();
        ends.sort_unstable();
        let (mut depth, mut best) = (0, (0, 0));
        for (offset, change) in ends {
            depth += change;
            if depth > best.0 {
                best = (depth, offset);
            }
        }
        best.1
    }

    /// Lists the arguments where the clamped quotient differs, unless there are too many.
    fn correct(mut self, f: &StepFunction) -> Option<Self> {
        let mut exceptions: Vec<(i64, i32)> = Vec::new();
        for (t, value) in f.thresholds.iter().zip(i128::from(f.first) + 1..) {
            // First argument with quotient ≥ value.
            let target = self.target(value) - i128::from(self.offset);
            let m = i128::from(self.multiplier);
            let own = target.div_euclid(m) + i128::from(target.rem_euclid(m) != 0);
            let own = own.clamp(f.domain.lo.into(), i128::from(f.domain.hi) + 1) as i64;
            let (range, delta) = if own > t.at { (t.at..own, 1) } else { (own..t.below + 1, -1) };
            exceptions.extend(range.take(MAX_EXCEPTIONS + 1).map(|x| (x, delta)));
            if exceptions.len() > MAX_EXCEPTIONS {
                return None;
            }
        }
        exceptions.sort_unstable();
        for (x, delta) in exceptions {
            match self.exceptions.last_mut() {
                Some(last) if last.0 == x => last.1 += delta,
                _ => self.exceptions.push((x, delta)),
            }
        }
        Some(self)
    }

    /// Compares with the step function at both ends of the domain, on both sides of every threshold of the function
    /// and of the form, and around every exception. Both are constant between those.
    pub fn certify(&self, f: &StepFunction) -> Result<(), LowerError> {
        let wide = |x| self.wide_quotient(x).unsigned_abs() >= 1 << 40;
        let well_formed = self.multiplier > 0
            && self.shift <= MAX_SHIFT
            && self.ties.is_none_or(|ties| ties.bits < self.shift)
            && (self.first, self.last) == (f.first, f.last())
            && self.exceptions.is_sorted_by(|a, b| a.0 < b.0)
            && !(wide(f.domain.lo) || wide(f.domain.hi));
        if !well_formed {
            return Err(LowerError::new("the arithmetic form is out of bounds"));
        }
        let own = (f.thresholds.iter().zip(i64::from(self.first) + 1..)).map(|(_, value)| {
            let (mut lo, mut hi) = (f.domain.lo - 1, f.domain.hi + 1);
            while hi - lo > 1 {
                let middle = lo + (hi - lo) / 2;
                if self.quotient(middle) >= value { hi = middle } else { lo = middle }
            }
            hi
        });
        let gap = |x: i64| f.thresholds.iter().any(|t| t.below < x && x < t.at);
        let points = [f.domain.lo, f.domain.hi]
            .into_iter()
            .chain(f.thresholds.iter().flat_map(|t| [t.below, t.at]))
            .chain(own.flat_map(|x| [x - 1, x]))
            .chain(self.exceptions.iter().flat_map(|e| [e.0 - 1, e.0, e.0 + 1]));
        for x in points.filter(|&x| f.domain.lo <= x && x <= f.domain.hi && !gap(x)) {
            if self.eval(x) != f.eval(x) {
                return Err(LowerError::new(format!(
                    "no exact arithmetic form: at accumulator {x} the reference gives {}, the form {}",
                    f.eval(x),
                    self.eval(x)
                )));
            }
        }
        Ok(())
    }
}
