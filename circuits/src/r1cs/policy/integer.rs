//! Integers of stated width.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{BigInteger as _, One as _, PrimeField, Zero as _};

use super::super::builder::{Builder, Lc, Num, Sink, power};

/// Names of the constraints of a range: of its parts, and of their sum, which is the clause's own.
macro_rules! names {
    ($clause:literal) => {
        [concat!("policy.", $clause, ".bit"), concat!("policy.", $clause)]
    };
}
pub(super) use names;

/// A fresh witness in `[0, 2^bits)`.
pub(super) fn integer<S: Sink>(b: &mut Builder<'_, S>, names: [&'static str; 2], value: Fr, bits: u32) -> Num {
    let num = b.witness(value);
    let lc = b.var(num);
    b.range(names, &lc, bits as usize);
    num
}

/// `low ≤ high`: the difference is in `[0, 2^bits)`. Neither may be so large that a negative difference gets there by
/// wrapping around the field.
pub(super) fn at_most<S: Sink>(b: &mut Builder<'_, S>, names: [&'static str; 2], low: &Lc, high: &Lc, bits: u32) {
    let difference = high.clone().add_lc(-Fr::one(), low);
    b.range(names, &difference, bits as usize);
}

/// The number with these digits, lowest first, is below a constant of as many digits; each is in `[0, 2^bits)`.
///
/// One digit is chosen: there the number's is smaller, and all higher ones are equal. So there is one choice, and it costs
/// three constraints a digit and a range, not one for each bit of the number.
pub(super) fn below<S: Sink>(
    b: &mut Builder<'_, S>,
    names: [&'static str; 2],
    digits: &[Lc],
    constant: &[Fr],
    bits: u32,
) {
    let room: Vec<Lc> =
        digits.iter().zip(constant).map(|(digit, &c)| digit.clone().scale(-Fr::one()).plus(c)).collect();
    let first = room.iter().rposition(|d| !d.value.is_zero());
    let (mut chosen, mut lower, zero) = (b.lc(), b.lc(), b.lc());
    for (i, d) in room.iter().enumerate() {
        // Equal where the choice is below.
        if i > 0 {
            b.enforce(names[1], d, &lower, &zero);
        }
        let choice = b.boolean(names[0], first == Some(i));
        lower.push(Fr::one(), choice);
        let choice = b.var(choice);
        let selected = b.product(names[1], d, &choice);
        chosen.push(Fr::one(), selected);
    }
    let one = b.constant(Fr::one());
    b.enforce_equal(names[1], &lower, &one);
    b.range(names, &chosen.plus(-Fr::one()), bits as usize);
}

/// The digits in base `2^bits` of an integer, lowest first.
pub(super) fn digits_of<F: PrimeField>(value: F::BigInt, bits: u32, count: usize) -> Vec<Fr> {
    let bits = bits as usize;
    let digit = |i: usize| (0..bits).filter(|j| value.get_bit(i * bits + j)).map(power).sum();
    (0..count).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use ark_ff::Field as _;

    use super::{super::super::checker::Checker, *};

    const NAMES: [&str; 2] = ["bit", "below"];

    fn failures(number: u64, constant: u64, tamper: &[(u32, Fr)]) -> Vec<&'static str> {
        let mut checker = Checker::new(&[]);
        checker.tamper = tamper.iter().copied().collect();
        let b = &mut Builder::new(&mut checker, 0, None);
        let digit = |v: u64, i: usize| Fr::from(v >> (2 * i) & 3);
        let digits: Vec<Lc> = (0..4)
            .map(|i| {
                let num = b.witness(digit(number, i));
                b.var(num)
            })
            .collect();
        let constant: Vec<Fr> = (0..4).map(|i| digit(constant, i)).collect();
        below(b, NAMES, &digits, &constant, 2);
        checker.failures.iter().map(|f| f.name).collect()
    }

    #[test]
    fn below_is_exact() {
        for constant in [1, 2, 3, 4, 5, 27, 64, 100, 177, 255] {
            for number in 0..256 {
                let names = failures(number, constant, &[]);
                assert_eq!(names.is_empty(), number < constant, "{number}, {constant}: {names:?}");
            }
        }
    }

    /// Whichever digits are chosen, none makes a number pass that is not below, and only one passes that is.
    #[test]
    fn the_choice_cannot_be_another() {
        // Witnesses: four digits, then each choice and what it selects.
        let choices = [5, 7, 9, 11];
        for (number, constant) in [(100, 101), (99, 100), (100, 100), (200, 100), (0, 255), (64, 65), (63, 64)] {
            let mut accepted = 0;
            for pattern in 0..81u32 {
                let value = |i: u32| Fr::from(pattern / 3u32.pow(i) % 3) - Fr::one();
                let forged: Vec<(u32, Fr)> = (0..4).map(|i| (choices[i as usize], value(i))).collect();
                accepted += usize::from(failures(number, constant, &forged).is_empty());
            }
            assert_eq!(accepted, usize::from(number < constant), "{number}, {constant}");
        }
    }

    #[test]
    fn digits_make_up_the_integer() {
        let digits = digits_of::<Fr>(Fr::MODULUS, 32, 8);
        let sum: Fr = digits.iter().rev().fold(Fr::zero(), |sum, &d| sum * power(32) + d);
        assert_eq!(sum, Fr::zero());
        assert_eq!(digits[0], Fr::from(0xf000_0001u64));
        assert!(digits.iter().all(|d| d.into_bigint().0[0] < 1 << 32));
        assert_eq!(digits_of::<Fr>(Fr::from(5u64).pow([3]).into_bigint(), 4, 3), [13, 7, 0].map(Fr::from));
    }
}
