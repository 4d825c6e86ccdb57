//! EdDSA over BabyJubjub with Poseidon: `S·B = R8 + 8·h·A` with `h = Poseidon(R8x, R8y, Ax, Ay, M)`, the equation of
//! circomlib's `EdDSAPoseidonVerifier`.
//!
//! - A is on the curve, and 8·A is not the identity. Eight times any point is in the subgroup of prime order, so no more
//!   has to be known of it; that A itself is there is for the registry to see to.
//! - h is cut into the bits of the one integer below the modulus.
//! - S is a sum of digits that has one form, and is below the order of the subgroup: there is one S for each R8.
//! - R8 is the last of a chain of sums that begins at -8·h·A: so it is on the curve, as all sums are.
//!
//! S has signed digits: with `vⱼ` its digits in base 8 and n of them, `2·S = Σ (2·vⱼ − 7)·8^j + 8^n − 1`. A digit is odd, one of four
//! magnitudes with a sign, so its multiple of B/2 is a combination of two bits of the magnitude and their product, times
//! the sign: 12 constraints for three bits, the sum included.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ec::{AffineRepr as _, CurveGroup as _, twisted_edwards::Projective};
use ark_ff::{AdditiveGroup as _, BigInteger as _, Field as _, One as _, PrimeField as _};

use super::{
    super::{
        builder::{Builder, Lc, Num, Sink},
        poseidon::hash_gadget,
    },
    curve::Point,
    integer::{below, digits_of, names},
};
use crate::policy::{self, BabyJubjub, Scalar};

/// Bits of the challenge.
const CHALLENGE_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;
/// Bits of a digit in which the challenge is compared with the modulus.
const CHALLENGE_DIGIT: usize = 32;
/// Digits of S in base 8.
const DIGITS: usize = Scalar::MODULUS_BIT_SIZE.div_ceil(3) as usize;
/// Digits of S that are compared with the order at once.
const DIGITS_AT_ONCE: usize = 12;

const NAME: &str = "policy.signature";
const CHALLENGE: [&str; 2] = names!("signature.challenge");
const RESPONSE: [&str; 2] = names!("signature.response");

/// `1, 3, 5, 7` times `8^j·B/2` for each digit j, and `(8^n − 1)·B/2`.
pub(super) struct BaseTable {
    multiples: Vec<[[Fr; 2]; 4]>,
    origin: [Fr; 2],
}

impl BaseTable {
    pub(super) fn new() -> Self {
        let half = Scalar::from(2u64).inverse().unwrap_or_default();
        let base = policy::Point::generator() * half;
        let mut points = Vec::with_capacity(4 * DIGITS + 1);
        let mut power = base;
        for _ in 0..DIGITS {
            let double = power.double();
            let mut odd = power;
            for _ in 0..4 {
                points.push(odd);
                odd += double;
            }
            power = double.double().double();
        }
        points.push(power - base);
        let points = Projective::<BabyJubjub>::normalize_batch(&points);
        let coordinates: Vec<[Fr; 2]> = points.iter().map(|p| [p.x, p.y]).collect();
        let (quadruples, rest) = coordinates.as_chunks::<4>();
        Self { multiples: quadruples.to_vec(), origin: rest.first().copied().unwrap_or_default() }
    }
}

/// A signature.
pub(super) struct Signature {
    pub(super) r8: Point,
    /// The response; only its digits are witnesses.
    pub(super) s: Fr,
}

/// Constrains the signature on `message` to verify under `key`, any two elements.
pub(super) fn verify<S: Sink>(
    b: &mut Builder<'_, S>,
    table: &BaseTable,
    key: &Point,
    signature: &Signature,
    message: Lc,
) {
    key.enforce_on_curve(b, "policy.signature.key");
    let eightfold = key.double(b, NAME).double(b, NAME).double(b, NAME);
    // x is zero at the identity and at the point of order 2, which eight times a point never is.
    let inverse = b.witness(eightfold.x.value.inverse().unwrap_or_default());
    let (inverse, one) = (b.var(inverse), b.constant(Fr::one()));
    b.enforce("policy.signature.identity", &inverse, &eightfold.x, &one);

    let Signature { r8, s } = signature;
    let challenge = hash_gadget(b, &[r8.x.clone(), r8.y.clone(), key.x.clone(), key.y.clone(), message]);
    let bits = canonical_bits(b, &challenge);
    let origin = Point::constant(b, table.origin);
    let start = eightfold.times(b, NAME, &bits).negated().plus(b, NAME, &origin);
    add_response(b, table, start, *s, r8);
}

/// The bits of an element as the integer below the modulus.
fn canonical_bits<S: Sink>(b: &mut Builder<'_, S>, value: &Lc) -> Vec<Num> {
    let bits = b.bits(CHALLENGE[0], value.value, CHALLENGE_BITS);
    let sum = b.weighted(&bits);
    b.enforce_equal(CHALLENGE[1], value, &sum);
    let digits: Vec<Lc> = bits.chunks(CHALLENGE_DIGIT).map(|digit| b.weighted(digit)).collect();
    let modulus = digits_of::<Fr>(Fr::MODULUS, CHALLENGE_DIGIT as u32, digits.len());
    below(b, CHALLENGE, &digits, &modulus, CHALLENGE_DIGIT as u32);
    bits
}

/// Constrains `start + S·B − (8^n − 1)·B/2 = end` for an S below the order.
fn add_response<S: Sink>(b: &mut Builder<'_, S>, table: &BaseTable, start: Point, s: Fr, end: &Point) {
    let canonical = s.into_bigint();
    let mut digits = Vec::with_capacity(DIGITS);
    let mut acc = start;
    for (j, multiples) in table.multiples.iter().enumerate() {
        let [low, high, is_positive] = [0, 1, 2].map(|i| canonical.get_bit(3 * j + i));
        // The magnitude is 2·m + 1 with m the low bits of a positive digit, and their complement in a negative one's.
        let m = [low, high].map(|bit| b.boolean(RESPONSE[0], bit == is_positive));
        let positive = b.boolean(RESPONSE[0], is_positive);
        let [low, high, positive_lc] = [m[0], m[1], positive].map(|bit| b.var(bit));
        let both = b.product(NAME, &low, &high);
        let coordinate = |i: usize| {
            let at = |k: usize| multiples[k][i];
            b.lc()
                .plus(at(0))
                .add(at(1) - at(0), m[0])
                .add(at(2) - at(0), m[1])
                .add(at(3) - at(2) - at(1) + at(0), both)
        };
        let (x, y) = (coordinate(0), coordinate(1));
        let sign = positive_lc.clone().scale(Fr::from(2u64)).plus(-Fr::one());
        let x = b.product(NAME, &x, &sign);
        // v = 3 − m + positive·(2·m + 1).
        let magnitude = low.add_lc(Fr::from(2u64), &high);
        let signed = b.product(NAME, &magnitude, &positive_lc);
        let digit = magnitude.scale(-Fr::one()).plus(Fr::from(3u64)).add(Fr::from(2u64), signed);
        digits.push(digit.add(Fr::one(), positive));
        let multiple = Point { x: b.var(x), y };
        if j + 1 < DIGITS {
            acc = acc.plus(b, NAME, &multiple);
        } else {
            acc.enforce_sum(b, NAME, &multiple, end);
        }
    }
    let join =
        |digits: &[Lc]| digits.iter().rev().fold(b.lc(), |sum, d| sum.scale(Fr::from(8u64)).add_lc(Fr::one(), d));
    let joined: Vec<Lc> = digits.chunks(DIGITS_AT_ONCE).map(join).collect();
    let bits = 3 * DIGITS_AT_ONCE as u32;
    let order = digits_of::<Scalar>(Scalar::MODULUS, bits, joined.len());
    below(b, RESPONSE, &joined, &order, bits);
}

#[cfg(test)]
mod tests {
    use ark_ff::UniformRand as _;

    use super::{super::super::checker::Checker, *};
    use crate::policy::{SecretKey, Signature as Native};

    fn check(key: policy::Point, signature: &Native, message: Fr, tamper: &[(u32, Fr)]) -> Checker {
        let mut checker = Checker::new(&[]);
        checker.tamper = tamper.iter().copied().collect();
        let b = &mut Builder::new(&mut checker, 0, None);
        let key = Point::witness(b, [key.x, key.y]);
        let message = b.witness(message);
        let message = b.var(message);
        let r8 = Point::witness(b, [signature.r8.x, signature.r8.y]);
        verify(b, &BaseTable::new(), &key, &Signature { r8, s: signature.s }, message);
        checker
    }

    #[test]
    fn signatures_verify_as_they_do_natively() {
        let mut rng = ark_std::test_rng();
        for i in 0..6 {
            let secret = SecretKey::from_bytes([i; 32]);
            let key = secret.public().unwrap().point();
            let message = Fr::rand(&mut rng);
            let signature = secret.sign(message).unwrap();
            let honest = check(key, &signature, message, &[]);
            assert_eq!(honest.failures, []);
            assert!(honest.constraints <= 4_300, "{}", honest.constraints);
            let next = Native { s: signature.s + Fr::one(), ..signature };
            let negated = Native { r8: -signature.r8, ..signature };
            for (message, signature) in
                [(message + Fr::one(), signature), (message, next), (message, negated), (message, Native::default())]
            {
                assert!(policy::verify(&key, message, &signature).is_err());
                let names: Vec<_> = check(key, &signature, message, &[]).failures.iter().map(|f| f.name).collect();
                assert!(names.contains(&NAME), "{names:?}");
            }
        }
    }

    #[test]
    fn the_number_of_constraints_is_pinned() {
        let secret = SecretKey::from_bytes([9; 32]);
        let message = Fr::from(7u64);
        let checker = check(secret.public().unwrap().point(), &secret.sign(message).unwrap(), message, &[]);
        expect_test::expect!["4262"].assert_eq(&alloc::format!("{}", checker.constraints));
    }

    /// Responses at the ends: every digit positive or negative, and the order's.
    #[test]
    fn responses_have_their_own_digits() {
        let table = BaseTable::new();
        let base = policy::Point::generator();
        let below_order = {
            let mut s = Scalar::MODULUS;
            s.sub_with_borrow(&1u64.into());
            Fr::new(s)
        };
        for s in [Fr::ZERO, Fr::ONE, Fr::from(7u64), Fr::from(8u64), Fr::from(u64::MAX), below_order] {
            let mut checker = Checker::new(&[]);
            let b = &mut Builder::new(&mut checker, 0, None);
            let end = base.mul_bigint(s.into_bigint()).into_affine();
            let end = Point::witness(b, [end.x, end.y]);
            let start = Point::constant(b, table.origin);
            add_response(b, &table, start, s, &end);
            assert_eq!(checker.failures, [], "{s}");
        }
    }
}
