//! Times and numbers: the window, the epoch, the batch, and the nullifier.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::{
    super::builder::{Builder, Lc, Num, Sink, power, small},
    integer::{at_most, integer, names},
    parameters::Policy,
    tagged,
};
use crate::policy::{TIME_BITS, tags};

/// Both ends of the window, below 2^40.
pub(super) fn window<S: Sink>(b: &mut Builder<'_, S>, ends: [u64; 2], count: u16, public: Num) -> [Lc; 2] {
    let ends = ends.map(|t| integer(b, names!("window_width"), t.into(), TIME_BITS));
    let [lo, hi] = ends.map(|t| b.var(t));
    let packed = lo.clone().add_lc(power(40), &hi).plus(power(80) * Fr::from(count));
    let public = b.var(public);
    b.enforce_equal("statement.window", &packed, &public);
    [lo, hi]
}

/// The epoch e of both ends of a window whose ends are in order: with L its length,
///
/// ```text
/// e·L ≤ t_lo,   t_hi < (e + 1)·L        where L is not zero
/// e = 0                                 where it is
/// ```
///
/// All are below 2^40, so e·L and what it is compared with are below 2^81.
pub(super) fn epoch<S: Sink>(b: &mut Builder<'_, S>, policy: &Policy, [lo, hi]: &[Lc; 2]) -> Lc {
    const NAMES: [&str; 2] = names!("epoch");
    let length = &policy.epoch_length;
    let quotient = integer(b, NAMES, quotient(lo, length).into(), TIME_BITS);
    let epoch = b.var(quotient);
    let none = b.is_zero(["policy.epoch.none"; 3], length);
    let (none_lc, zero) = (b.var(none), b.lc());
    b.enforce("policy.epoch.none", &epoch, &none_lc, &zero);
    let start = b.product(NAMES[1], &epoch, length);
    let start = b.var(start);
    at_most(b, NAMES, &start, lo, TIME_BITS);
    // Without a length, 2^40 takes its place: every time is below.
    let end = start.add_lc(Fr::one(), length).add(power(TIME_BITS as usize), none).plus(-Fr::one());
    at_most(b, NAMES, hi, &end, TIME_BITS);
    epoch
}

fn quotient(dividend: &Lc, divisor: &Lc) -> u64 {
    let integer = |lc: &Lc| small(&lc.value).and_then(|v| u64::try_from(v).ok());
    integer(dividend).zip(integer(divisor)).and_then(|(a, b)| a.checked_div(b)).unwrap_or(0)
}

/// The number of a batch of `count` records that begins at sequence number `first`, and that sequence number as a multiple.
pub(super) fn batch<S: Sink>(b: &mut Builder<'_, S>, first: u64, count: u16) -> [Lc; 2] {
    let number = first.checked_div(count.into()).unwrap_or(0);
    let number = integer(b, names!("batch_number"), number.into(), TIME_BITS);
    let number = b.var(number);
    let first = number.clone().scale(count.into());
    [number, first]
}

/// Constrains `public` to be the nullifier.
pub(super) fn nullifier<S: Sink>(
    b: &mut Builder<'_, S>,
    policy: &Policy,
    schema: Fr,
    key: &Lc,
    [batch, epoch]: [&Lc; 2],
    public: Num,
) {
    // 2b, or 2e + 1.
    let (two, per_epoch) = (Fr::from(2u64), b.var(policy.per_epoch));
    let other = epoch.clone().add_lc(-Fr::one(), batch).scale(two).plus(Fr::one());
    let change = b.product("policy.nullifier", &other, &per_epoch);
    let item = batch.clone().scale(two).add(Fr::one(), change);
    let elements = [key.clone(), policy.controller.clone(), policy.scope.clone(), b.constant(schema), item];
    let nullifier = tagged(b, tags::NULLIFIER, elements);
    let public = b.var(public);
    b.enforce_equal("statement.nullifier", &nullifier, &public);
}
