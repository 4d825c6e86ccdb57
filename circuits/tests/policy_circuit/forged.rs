//! Forgeries that only one constraint stops: wrong quotients, second decompositions, choices that are none, points for
//! which the equation of the signature says nothing.

use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{BigInteger as _, Field as _, PrimeField as _, Zero as _};
use avouch_circuits::{
    policy::{Inputs, Point, Scalar, Signature, batch_hash, challenge, evaluate},
    r1cs::{Checker, Fr, RangeChecks},
};

use crate::{
    case::{BOTH, Case, is_of},
    statements::{Case as Statement, Shape},
};

/// A case with its honest assignment.
pub(crate) struct Honest {
    pub(crate) case: Case,
    checker: Checker,
}

impl Honest {
    pub(crate) fn new(ranges: RangeChecks, inputs: &Inputs) -> Self {
        let case = Case::new(ranges, inputs);
        let (checker, _) = case.check(&case.synthesizer(), &[]);
        Self { case, checker }
    }

    /// The witnesses that a constraint of this clause is the first to read, in order.
    pub(crate) fn variables(&self, clause: &str) -> Vec<u32> {
        let named = |v: &u32| self.checker.origins[*v as usize].is_some_and(|place| is_of(place.name, clause));
        let all: Vec<u32> = (10..self.checker.origins.len() as u32).filter(named).collect();
        assert!(!all.is_empty(), "no witness of {clause}");
        all
    }

    /// Whether it stands in a constraint of bits first.
    fn is_bit(&self, variable: u32) -> bool {
        self.checker.origins[variable as usize].is_some_and(|p| p.name.ends_with(".bit"))
    }

    pub(crate) fn value(&self, variable: u32) -> Fr {
        self.checker.assignment[variable as usize]
    }

    /// Asserts that constraints of this clause do not hold, and none of another.
    #[track_caller]
    fn stops(&self, forgery: &[(u32, Fr)], clause: &str) {
        let names = self.case.failures(forgery);
        let own = |name: &&'static str| is_of(name, clause);
        assert!(names.iter().any(own), "{clause}: {names:?}");
        assert!(names.iter().all(|n| own(n) || *n == "lookup.sum"), "{clause}: {names:?}");
    }
}

/// With the quotient unchecked, any sequence number is R times something in the field.
#[test]
fn a_batch_number_is_an_integer() {
    for ranges in BOTH {
        for by in [1u64, 2] {
            let mut x = Statement::new(Shape::FULL, 21);
            x.records.iter_mut().for_each(|r| r.seq += by);
            let honest = Honest::new(ranges, &x.inputs());
            let number = honest.variables("batch_number")[0];
            let forged = Fr::from(x.records[0].seq) * Fr::from(3u64).inverse().unwrap();
            let names = honest.case.failures(&[(number, forged)]);
            // The nullifier follows from the forged number: a statement about it is what the forger wants.
            assert!(names.iter().any(|n| is_of(n, "batch_number")), "{names:?}");
            assert!(
                names.iter().all(|n| is_of(n, "batch_number") || ["lookup.sum", "statement.nullifier"].contains(n))
            );
        }
    }
}

/// Nor is any epoch but that of both ends, in which the remainders lie: not one beside it, and none that is no integer.
#[test]
fn an_epoch_is_the_quotient_of_both_ends() {
    for ranges in BOTH {
        let x = Statement::new(Shape::FULL, 22);
        let honest = Honest::new(ranges, &x.inputs());
        let quotient = honest.variables("epoch")[0];
        let length = Fr::from(x.policy.epoch_length);
        assert_eq!(honest.value(quotient), Fr::from(x.window.lo / x.policy.epoch_length));
        let one = Fr::from(1u64);
        let mut forged = vec![honest.value(quotient) + one, honest.value(quotient) - one, Fr::zero(), -one];
        for remainder in [0u64, 1, 77, 86_399] {
            forged.push((Fr::from(x.window.lo) - Fr::from(remainder)) / length);
            forged.push((Fr::from(x.window.hi) - Fr::from(remainder)) / length);
        }
        for e in forged.into_iter().filter(|&e| e != honest.value(quotient)) {
            honest.stops(&[(quotient, e)], "epoch");
        }
    }
}

/// Where there are no epochs, there is one: number zero.
#[test]
fn without_a_length_the_epoch_is_zero() {
    for ranges in BOTH {
        let x = Statement::new(Shape { epoch_length: 0, ..Shape::FULL }, 23);
        let honest = Honest::new(ranges, &x.inputs());
        let quotient = honest.variables("epoch")[0];
        assert_eq!(honest.value(quotient), Fr::zero());
        for e in [1u64, 2, 1 << 39] {
            honest.stops(&[(quotient, Fr::from(e))], "epoch");
        }
    }
}

/// A key and signature by hand, for a challenge that is read as the integer `challenge + offset`.
fn sign(x: &Statement, secret: Scalar, shift: Point, offset: bool) -> Inputs {
    let base = Point::generator();
    let mut x = x.clone();
    x.device.key = ((base * secret).into_affine() + shift).into_affine();
    let mut inputs = x.inputs();
    let nonce = Scalar::from(987_654_321u64);
    let r8 = (base * nonce).into_affine();
    let h = challenge(&r8, &x.device.key, batch_hash(&x.schema, &x.records));
    let mut integer = h.into_bigint();
    if offset {
        integer.add_with_carry(&Fr::MODULUS);
    }
    let h = Scalar::from_le_bytes_mod_order(&integer.to_bytes_le());
    let s = nonce + Scalar::from(8u64) * h * secret;
    inputs.signature = Signature { r8, s: Fr::from_bigint(s.into_bigint()).unwrap() };
    inputs
}

/// The challenge plus the modulus has 254 bits too, now and then; a signature made for it has to be refused, though all
/// else agrees.
#[test]
fn the_challenge_has_one_decomposition() {
    let mut tried = 0;
    for seed in 0..40 {
        let x = Statement::new(Shape { records: 1, ..Shape::FULL }, seed);
        let inputs = sign(&x, Scalar::from(31_337u64), Point::zero(), true);
        let h = challenge(&inputs.signature.r8, &inputs.device.key, batch_hash(&x.schema, &x.records));
        let mut aliased = h.into_bigint();
        aliased.add_with_carry(&Fr::MODULUS);
        if aliased.num_bits() > 254 {
            continue;
        }
        tried += 1;
        for ranges in BOTH {
            let honest = Honest::new(ranges, &inputs);
            assert!(honest.case.failures(&[]).contains(&"policy.signature"));
            let bits = &honest.variables("signature.challenge")[..254];
            let forged: Vec<(u32, Fr)> = (0..).zip(bits).map(|(i, &bit)| (bit, Fr::from(aliased.get_bit(i)))).collect();
            honest.stops(&forged, "signature.challenge");
        }
        if tried == 2 {
            return;
        }
    }
    panic!("no challenge was small enough");
}

/// The point is the same, so that only the comparison with the order refuses S plus the order.
#[test]
fn the_response_is_below_the_order() {
    for ranges in BOTH {
        let mut inputs = Statement::new(Shape { records: 1, ..Shape::FULL }, 24).inputs();
        inputs.signature.s += Fr::from_bigint(Scalar::MODULUS).unwrap();
        Honest::new(ranges, &inputs).stops(&[], "signature.response");
    }
}

/// A point of small order: found by taking everything else off a point of the whole group.
fn torsion() -> Point {
    let of_order_eight = |p: &Point| !p.mul_bigint([4u64]).is_zero();
    let points = (1u64..).filter_map(|y| Point::get_point_from_y_unchecked(y.into(), false));
    points.map(|p| p.mul_bigint(Scalar::MODULUS).into_affine()).find(of_order_eight).unwrap()
}

/// Under a key of small order, `S·B = R8` signs everything; under one off the curve the formulas say nothing.
#[test]
fn keys_under_which_anyone_signs_are_refused() {
    let x = Statement::new(Shape { records: 1, ..Shape::FULL }, 25);
    let torsion = torsion();
    for i in 0..8u64 {
        let small = torsion.mul_bigint([i]).into_affine();
        let inputs = sign(&x, Scalar::zero(), small, false);
        assert!(evaluate(&inputs).is_err());
        for ranges in BOTH {
            Honest::new(ranges, &inputs).stops(&[], "signature.identity");
        }
    }
    for ranges in BOTH {
        let mut off = x.clone();
        off.device.key.x += Fr::from(1u64);
        let names = Case::new(ranges, &off.inputs()).failures(&[]);
        assert!(names.contains(&"policy.signature.key"), "{names:?}");
    }
}

/// R8 has to be the sum exactly, not up to a point of small order.
#[test]
fn the_nonce_has_no_part_of_small_order() {
    let x = Statement::new(Shape { records: 1, ..Shape::FULL }, 26);
    for ranges in BOTH {
        let mut inputs = sign(&x, Scalar::from(5u64), Point::zero(), false);
        assert_eq!(Case::new(ranges, &inputs).failures(&[]), [""; 0]);
        // The sum's witnesses are not R8's: the challenge is of the R8 that is shown.
        inputs.signature.r8 = (inputs.signature.r8 + torsion()).into_affine();
        let names = Case::new(ranges, &inputs).failures(&[]);
        assert_eq!(names, ["policy.signature"]);
    }
}

/// Bits of a place that lead elsewhere, and such that are no bits.
#[test]
fn a_path_has_the_bits_of_its_leaf() {
    for ranges in BOTH {
        let honest = Honest::new(ranges, &Statement::new(Shape { records: 1, ..Shape::FULL }, 27).inputs());
        for tree in ["device_tree", "consent_tree"] {
            let bits: Vec<u32> = honest.variables(tree).into_iter().filter(|&v| honest.is_bit(v)).collect();
            assert_eq!(bits.len(), 20);
            for &bit in [&bits[0], &bits[7], &bits[19]] {
                honest.stops(&[(bit, Fr::from(1u64) - honest.value(bit))], tree);
                honest.stops(&[(bit, Fr::from(2u64))], tree);
            }
        }
    }
}

/// A class that is not allowed, as a sum of others that are: right in number, in index and in hits.
#[test]
fn a_class_is_one_bit() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, ..Shape::FULL }, 28);
        x.device.class = 5;
        x.policy.classes = 1 << 4 | 1 << 6;
        let honest = Honest::new(ranges, &x.inputs());
        let class = honest.variables("device_class");
        let bits: Vec<u32> = class.into_iter().filter(|&v| honest.is_bit(v)).collect();
        assert_eq!(bits.len(), 32);
        let half = Fr::from(2u64).inverse().unwrap();
        let forged = [(bits[5], Fr::zero()), (bits[4], half), (bits[6], half)];
        let names = honest.case.failures(&forged);
        assert_eq!(names, ["policy.device_class.bit"]);
    }
}

/// A predicate's feature likewise.
#[test]
fn a_predicate_is_on_one_feature() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, features: 3, predicates: 1, ..Shape::FULL }, 29);
        x.policy.features = 0b111;
        let p = &mut x.policy.predicates[0];
        (p.feature, p.at_least) = (1, true);
        let range = x.schema.features[1].range();
        (p.value, x.records[0].features[1]) = (range.hi, range.lo);
        let features = &x.records[0].features;
        let honest = Honest::new(ranges, &x.inputs());
        assert!(honest.case.failures(&[]).iter().any(|n| is_of(n, "predicate")));
        let choices: Vec<u32> = honest.variables("feature_mask.choice").into_iter().take(3).collect();
        // c₀ + c₁ + c₂ = 1 and c₁ + 2·c₂ = 1 leave one degree of freedom: c₀ = c₂ = (1 − c₁)/2. Reach the threshold.
        let [v0, v1, v2] = [features[0], features[1], features[2]].map(Fr::from);
        let outer = (v0 + v2) * Fr::from(2u64).inverse().unwrap();
        let due = Fr::from(range.hi);
        let c1 = (due - outer) / (v1 - outer);
        let c0 = (Fr::from(1u64) - c1) * Fr::from(2u64).inverse().unwrap();
        let names = honest.case.failures(&[(choices[0], c0), (choices[1], c1), (choices[2], c0)]);
        assert_eq!(names, ["policy.feature_mask.choice"]);
    }
}

/// A masked feature cannot be let through: its bit is the policy's, and the choice is the bit's.
#[test]
fn the_mask_is_the_policys() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, features: 3, predicates: 0, ..Shape::FULL }, 30);
        x.policy.features = 0b101;
        let honest = Honest::new(ranges, &x.inputs());
        let bits = honest.variables("feature_mask.bit");
        let values: Vec<Fr> = bits.iter().map(|&b| honest.value(b)).collect();
        assert_eq!(values, [1u64, 0, 1].map(Fr::from));
        honest.stops(&[(bits[1], Fr::from(1u64))], "feature_mask");
        let selected = honest.variables("feature_mask");
        // What reaches the model comes last.
        let shown = selected[selected.len() - 2];
        assert_eq!(honest.value(shown), Fr::from(x.schema.features[1].fill));
        assert_ne!(x.records[0].features[1], x.schema.features[1].fill);
        let names = honest.case.failures(&[(shown, Fr::from(x.records[0].features[1]))]);
        assert!(names.contains(&"policy.feature_mask"), "{names:?}");
    }
}

/// A flag cannot be moved into the field beside it: no field of a packed element is wider than it may be.
#[test]
fn a_flag_is_the_policys() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, ..Shape::FULL }, 31);
        (x.device.class, x.policy.classes) = (5, 1 << 5);
        let mut inputs = x.inputs();
        // The consent was withdrawn.
        inputs.roots.consents = Fr::zero();
        let honest = Honest::new(ranges, &inputs);
        honest.stops(&[], "consent_tree");
        // The flag follows the bits of the classes, of which the highest weighs half as much.
        let bits: Vec<u32> = honest.variables("policy").into_iter().filter(|&v| honest.is_bit(v)).collect();
        let (classes, flags) = bits[64..].split_at(32);
        assert_eq!(honest.value(classes[5]), Fr::from(1u64));
        assert_eq!(honest.value(flags[0]), Fr::from(1u64));
        let names = honest.case.failures(&[(flags[0], Fr::zero()), (classes[31], Fr::from(2u64))]);
        assert_eq!(names, ["policy.policy.bit"]);
    }
}
