//! For each gate and each lookup of each chip, forgeries that it stops.

use avouch_circuits::{
    circuit::{Disclosure, Relation, StepFunction},
    graph::{DType, Graph},
    op::{Concat, MaxPool, Mul, Table, Window},
    plonkish::{Cell, Commitment, Fp, Layout, chain, hash, pack, public_inputs, tag},
};

use ff::Field as _;

use crate::{
    case::{Case, fp},
    graphs::{graph, hat, identity, info, quant, requantization, wave},
};

fn values(dtype: DType, n: usize) -> Graph {
    identity(info(&[n], quant(dtype, 1.0, 3)))
}

mod range {
    use super::*;

    #[test]
    fn values_outside_the_type_are_in_no_stretch() {
        for dtype in [DType::I8, DType::U8] {
            let case = Case::bare(&values(dtype, 1), &[100]);
            case.holds();
            // The cell holds what is above the minimum.
            let [x] = case.cells("range.value")[..] else { panic!("one value") };
            case.stops(&[(x, fp(256))], &["not below", "not above"]);
            case.stops(&[(x, fp(-1))], &["not below", "not above"]);
            case.stops(&[(x, fp(1 << 40))], &["not below", "not above"]);
            case.stops(&[(x, fp(0))], &[]);
            case.stops(&[(x, fp(255))], &[]);
        }
    }

    #[test]
    fn no_stretch_can_be_longer_or_elsewhere() {
        let case = Case::bare(&values(DType::U8, 1), &[0]);
        let x = case.cells("range.value")[0];
        for (value, claimed) in [(256, [0, 256, 0]), (256, [1, 255, 0]), (-1, [-1, 256, 0]), (300, [300, 0, 0])] {
            let mut forgery = case.claims(0, claimed);
            forgery.push((x, fp(value)));
            let failures = case.failures(&forgery);
            assert!(failures.contains("function"), "{value}: {failures:?}");
        }
    }
}

mod function {
    use super::*;

    /// A step function, its thresholds, and a case at an accumulator.
    fn step(acc: i32) -> (Case, StepFunction) {
        let (graph, input) = requantization(-32768, 0.00187, 3, -128..=127, acc);
        // No stretch but the outermost is longer than the range table.
        let case = Case::bare(&graph, &input).with_layout(Layout::decode([11, 4, 4]).unwrap());
        let Relation::Requantize(q) = &case.circuit.relations[case.circuit.relations.len() - 1].relation else {
            panic!("not a step function")
        };
        let f = q.functions[0].clone();
        (case, f)
    }

    /// The index of the query after those of the two inputs.
    const QUERY: usize = 2;

    /// Start, length less one and value of the stretch of an argument.
    fn row(f: &StepFunction, x: i64) -> [i64; 3] {
        let start = f.thresholds.iter().map(|t| t.at).rfind(|&at| at <= x).unwrap_or(f.domain.lo);
        let end = f.thresholds.iter().map(|t| t.at).find(|&at| at > x).unwrap_or(f.domain.hi + 1);
        [start - f.domain.lo, end - start - 1, i64::from(f.eval(x) - f.first)]
    }

    #[test]
    fn both_ends_of_every_stretch_have_their_value_and_no_neighbours() {
        let f = step(0).1;
        for t in f.thresholds.iter().step_by(9) {
            for (x, other, name) in [(t.at, t.below, "not above"), (t.below, t.at, "not below")] {
                let (case, _) = step(x as i32);
                case.holds();
                assert_eq!(case.claims(QUERY, row(&f, x)), case.claims_honestly(QUERY));
                // The neighbouring row of the table: one integer short.
                case.stops(&case.claims(QUERY, row(&f, other)), &[name]);
            }
        }
    }

    #[test]
    fn a_row_is_looked_up_whole() {
        let (case, f) = step(5000);
        let [start, last, value] = row(&f, 5000);
        for claimed in [
            [start, last, value + 1],
            [start, last, value - 1],
            [start, last, value + 256],
            [start, last + 1, value],
            [start - 1, last + 1, value],
            [start, last, f.thresholds.len() as i64],
        ] {
            case.stops(&case.claims(QUERY, claimed), &["function"]);
        }
        // Only part of a stretch.
        case.stops(&case.claims(QUERY, [start, 5000 - f.domain.lo - start, value]), &["function"]);
    }

    #[test]
    fn far_stretches_are_refused() {
        let (case, f) = step(0);
        for x in [-20_000, 20_000] {
            case.stops(&case.claims(QUERY, row(&f, x)), &["not below", "not above"]);
        }
    }

    /// A start by field arithmetic: whatever it is, the row has to be in the table.
    #[test]
    fn a_start_of_any_field_element_is_no_row() {
        let (case, _) = step(0);
        let starts = case.cells("function.start");
        for change in [fp(1), -fp(1), fp(1 << 60), fp(2).invert().unwrap()] {
            let failures = case.failures(&[(starts[QUERY], case.value(starts[QUERY]) + change)]);
            assert!(failures.contains("function"), "{failures:?}");
        }
    }

    fn two_tables() -> Case {
        let q = quant(DType::I8, 1.0, 3);
        let x = info(&[1, 2], q);
        let (f, g) = (wave(DType::I8, DType::I8), hat(DType::I8, DType::I8));
        let case =
            Case::bare(&graph(Concat { axis: 1 }, x.clone(), &[(x.clone(), f), (x, g)], info(&[1, 6], q)), &[77, -20]);
        case.holds();
        case
    }

    /// The row of one function, offered to another at the same argument.
    #[test]
    fn a_row_of_another_function_is_refused() {
        let case = two_tables();
        // Two inputs, two values of each table.
        let rows = ["function.start", "function.last", "function.value"].map(|name| case.cells(name));
        assert_eq!(rows[0].len(), 6);
        for (mine, other) in [(2, 4), (4, 2), (3, 5), (5, 3)] {
            let forgery: Vec<_> = rows.iter().map(|cells| (cells[mine], case.value(cells[other]))).collect();
            case.stops(&forgery, &["function"]);
        }
    }

    #[test]
    fn the_row_of_no_function_is_refused() {
        let case = two_tables();
        for query in 0..6 {
            let failures = case.failures(&case.claims(query, [0, 0, 0]));
            assert!(failures.contains("function") || failures.contains("not above"), "{failures:?}");
        }
    }

    #[test]
    fn the_value_is_that_of_the_argument() {
        let q = quant(DType::I8, 1.0, 3);
        for x in [-128, -113, 0, 16, 127] {
            for table in [wave(DType::I8, DType::I8), hat(DType::I8, DType::I8)] {
                let case = Case::bare(&graph(table, info(&[1], q), &[], info(&[1], q)), &[x]);
                case.holds();
                let y = case.cells("function.value")[1];
                for change in [1, -1, 7, 256, 1 << 40] {
                    case.stops(&[case.plus(y, change)], &["function"]);
                }
            }
        }
    }

    #[test]
    fn an_argument_is_the_cell_it_copies() {
        let (case, _) = step(1000);
        let argument = case.cells("function.argument")[0];
        // Everything that depends on the copy follows, so that only the copy fails.
        case.stops(&[case.plus(argument, 3000)], &["copy"]);
    }
}

mod linear {
    use super::*;

    #[test]
    fn sums_are_sums_in_every_lane_and_row() {
        let (graph, input) = requantization(-32768, 0.00187, 3, -128..=127, 7);
        let case = Case::bare(&graph, &input);
        let sums = case.cells("linear.sum");
        assert_eq!(sums.len() as u32, case.layout.shape().lanes);
        for &sum in &sums {
            for change in [1, -1, 256] {
                let failures = case.failures(&[case.plus(sum, change)]);
                assert_eq!(failures.first().map(String::as_str), Some("linear: sum"));
                assert_eq!(failures.len(), 1);
            }
        }
        for term in case.cells("linear.term") {
            case.stops(&[case.plus(term, 1)], &["copy"]);
        }
    }

    #[test]
    fn a_sum_is_carried_from_row_to_row() {
        let case = Case::new(&values(DType::I8, 8), Disclosure::Raw, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        case.holds();
        let sums = case.cells("raw.packed");
        let lanes = case.layout.shape().lanes as usize;
        assert!(sums.len() >= 2 * lanes);
        // Two wrong sums, the second of which makes up for the first, are two wrong rows.
        case.stops(&[case.plus(sums[0], 1), (sums[lanes], case.value(sums[lanes]))], &["linear: sum"]);
        case.stops(&[case.plus(sums[lanes], 1)], &["linear: sum", "copy", "public input"]);
    }
}

mod product {
    use super::*;

    #[test]
    fn the_product_is_that_of_both_operands() {
        let q = quant(DType::I8, 0.1, 3);
        let other = (info(&[1], q), Table::new(DType::I8, |v| v));
        let case = Case::bare(&graph(Mul, info(&[1], q), &[other], info(&[1], quant(DType::I8, 0.5, -7))), &[77]);
        case.holds();
        let p = case.cells("product.value")[0];
        for change in [1, -1, -74 * 74, -74 * 73] {
            case.stops(&[case.plus(p, change)], &["product: value"]);
        }
        for x in case.cells("product.operand") {
            case.stops(&[case.plus(x, 1)], &["copy"]);
        }
    }
}

mod max {
    use super::*;

    fn case(input: &[i16]) -> Case {
        let q = quant(DType::I8, 1.0, 3);
        let n = input.len();
        let pool = MaxPool { window: Window::new([1, n]) };
        let case = Case::bare(&graph(pool, info(&[1, 1, n], q), &[], info(&[1, 1, 1], q)), input);
        case.holds();
        case
    }

    /// Claims a maximum, above the type's minimum, with an excess to match.
    fn claim(case: &Case, step: usize, m: i64) -> Vec<(Cell, Fp)> {
        let [value, so_far, element] = ["max.value", "max.so_far", "max.element"].map(|name| case.cells(name)[step]);
        let excess = fp(2 * m) - case.value(so_far) - case.value(element);
        vec![(value, fp(m)), (case.cells("max.excess")[step], excess)]
    }

    #[test]
    fn the_result_is_an_element() {
        for input in [[3, 5], [5, 3], [-128, 126], [4, 4]] {
            let case = case(&input);
            let largest = i64::from(input[0].max(input[1])) + 128;
            for m in [largest + 1, largest + 60] {
                case.stops(&claim(&case, 0, m), &["max: one of both"]);
            }
        }
    }

    #[test]
    fn the_result_is_no_smaller_element() {
        for (input, name) in [([3, 5], "not above"), ([5, 3], "not below"), ([-128, 127], "not above")] {
            let case = case(&input);
            let smaller = i64::from(input[0].min(input[1])) + 128;
            case.stops(&claim(&case, 0, smaller), &[name]);
        }
    }

    #[test]
    fn the_excess_is_bound() {
        let case = case(&[3, 5]);
        let [value, excess] = ["max.value", "max.excess"].map(|name| case.cells(name)[0]);
        // The smaller element, and an excess that hides it.
        case.stops(&[(value, fp(131)), (excess, fp(0))], &["max: excess"]);
        case.stops(&[case.plus(excess, 1)], &["max: excess"]);
    }

    #[test]
    fn every_element_of_a_window_is_compared_with_the_maximum_before_it() {
        let case = case(&[9, 1, 7, 3]);
        for (step, element) in case.cells("max.element").into_iter().enumerate() {
            case.stops(&[(element, fp(0))], &["copy"]);
            let so_far = case.cells("max.so_far")[step];
            // A lower maximum before makes this step forget it.
            case.stops(&[(so_far, fp(129))], &["max: so far"]);
        }
        let first = case.cells("max.first")[0];
        case.stops(&[(first, fp(0))], &["copy"]);
    }

    #[test]
    fn a_tie_has_one_result() {
        for input in [[4, 4], [-128, -128], [127, 127]] {
            let case = case(&input);
            let value = case.cells("max.value")[0];
            assert_eq!(case.value(value), fp(i64::from(input[0]) + 128));
            let below = case.failures(&claim(&case, 0, i64::from(input[0]) + 127));
            assert!(below.contains("max: one of both"), "{below:?}");
        }
    }
}

mod commit {
    use super::*;

    fn case() -> Case {
        let input: Vec<i16> = (0..33).map(|i| i * 7 % 256 - 128).collect();
        let case = Case::new(&values(DType::I8, 33), Disclosure::Commit, &input).unwrap();
        case.holds();
        case
    }

    #[test]
    fn each_round_is_computed() {
        let case = case();
        for (cell, gates) in [
            ("poseidon.state", &["poseidon absorb: state", "poseidon full: state", "poseidon partial: state"][..]),
            (
                "poseidon.square",
                &["poseidon full: square", "poseidon partial: second square", "poseidon partial: square"],
            ),
            ("poseidon.fifth", &["poseidon partial: fifth"]),
        ] {
            let mut seen = std::collections::BTreeSet::new();
            for cell in case.cells(cell).into_iter().take(400) {
                let failures = case.failures(&[case.plus(cell, 1)]);
                let of_hash: Vec<&String> = failures.iter().filter(|f| f.starts_with("poseidon")).collect();
                let [name] = of_hash[..] else { panic!("{failures:?}") };
                seen.insert(name.clone());
            }
            assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), gates);
        }
    }

    #[test]
    fn inputs_of_a_hash_are_copies_and_padding_is_zero() {
        let case = case();
        // Two elements are packed: a chain step of twelve, nine of which are padding.
        let inputs = case.cells("poseidon.input");
        let padding: Vec<_> = inputs.iter().take(12).filter(|&&c| case.value(c) == fp(0)).collect();
        assert_eq!(padding.len(), 9);
        for &cell in &inputs[..16] {
            case.stops(&[case.plus(cell, 1)], &["copy", "public input"]);
        }
        // The cell that all padding copies.
        let zero = case.cells("zero")[0];
        let failures = case.failures(&[(zero, fp(1))]);
        assert!(failures.contains("linear: sum"), "{failures:?}");
    }

    #[test]
    fn packing_is_exact_and_padded_with_zeros() {
        let case = case();
        let packed = case.cells("commit.packed");
        let lanes = case.layout.shape().lanes as usize;
        // The last row of the second element, one byte more in its padding.
        let last = packed[packed.len() - lanes];
        let failures = case.failures(&[case.plus(last, 1)]);
        assert!(failures.contains("linear: sum"), "{failures:?}");
        for byte in case.cells("commit.byte") {
            let failures = case.failures(&[case.plus(byte, 1)]);
            assert!(failures.contains("copy"), "{failures:?}");
        }
    }

    #[test]
    fn another_salt_is_another_commitment() {
        let mut case = case();
        for cell in case.cells("commit.salt") {
            case.stops(&[case.plus(cell, 1)], &["copy", "public input"]);
        }
        case.witness.input_salt = fp(5);
        case.stops(&[], &["copy", "public input"]);
    }

    #[test]
    fn constants_of_hashes_are_fixed() {
        let case = case();
        for name in ["commit.tag", "poseidon.chain"] {
            for cell in case.cells(name) {
                let failures = case.failures(&[case.plus(cell, 1)]);
                assert!(failures.contains("linear: sum"), "{name}: {failures:?}");
            }
        }
    }

    #[test]
    fn the_commitment_is_the_documented_hash() {
        let values: Vec<i16> = (0..33).map(|i| i - 16).collect();
        let packed = pack(&values, DType::I8);
        let bytes = |chunk: &[i16]| {
            let mut v = chunk.to_vec();
            v.resize(31, -128);
            v.iter().fold(fp(0), |sum, &x| sum * fp(256) + fp(i64::from(x) + 128))
        };
        assert_eq!(packed, [bytes(&values[..31]), bytes(&values[31..])]);
        let inner = tag("avouch/input-chain/v1");
        let start = hash([inner, fp(2), fp(0)]);
        let mut step = [fp(0); 12];
        step[..3].copy_from_slice(&[start, packed[0], packed[1]]);
        assert_eq!(chain(inner, &packed), hash(step));
        let salt = fp(77);
        let role = avouch_circuits::circuit::CommitmentUse::Input;
        let commitment = Commitment { role, values: &values, dtype: DType::I8, salt };
        assert_eq!(commitment.value(), hash([tag("avouch/input/v1"), salt, hash(step)]));
    }
}

mod disclose {
    use super::*;

    const PUBLIC: &[&str] = &["copy", "public input"];

    #[test]
    fn raw_is_the_packed_output() {
        let mut case = Case::new(&values(DType::I8, 3), Disclosure::Raw, &[-128, 127, 5]).unwrap();
        case.holds();
        assert_eq!(case.public[7], fp((255 << 8) + (133 << 16)));
        case.public[7] += fp(1);
        case.stops(&[], PUBLIC);
    }

    #[test]
    fn argmax_is_the_first_maximum() {
        for (input, best) in
            [([5, 9, 9, 1], 1), ([7, 7, 7, 7], 0), ([-128, -128, -127, 127], 3), ([127, -128, 0, 127], 0)]
        {
            let mut case = Case::new(&values(DType::I8, 4), Disclosure::Argmax, &input).unwrap();
            assert_eq!(case.public[7], fp(best));
            case.holds();
            for other in (0..4).filter(|&i| i != best) {
                case.public[7] = fp(other);
                case.stops(&[], PUBLIC);
            }
        }
    }

    #[test]
    fn a_later_equal_maximum_cannot_be_chosen() {
        let mut case = Case::new(&values(DType::I8, 2), Disclosure::Argmax, &[9, 9]).unwrap();
        case.public[7] = fp(1);
        // Four inputs' worth of queries come first; the comparison is the last.
        let queries = case.cells("function.value");
        let greater = queries[queries.len() - 1];
        case.stops(&[(greater, fp(1))], &["function"]);
    }

    #[test]
    fn a_smaller_maximum_cannot_be_carried_on() {
        let case = Case::new(&values(DType::I8, 3), Disclosure::Argmax, &[9, 3, 5]).unwrap();
        for value in case.cells("max.value") {
            let failures = case.failures(&[case.plus(value, -4)]);
            assert!(failures.contains("max: one of both") || failures.contains("not below"), "{failures:?}");
        }
        for index in case.cells("product.value") {
            let failures = case.failures(&[case.plus(index, 1)]);
            assert!(failures.contains("product: value"), "{failures:?}");
        }
    }

    #[test]
    fn a_threshold_is_reached_or_not() {
        for (x, bit) in [(99, 0), (100, 1), (101, 1), (-128, 0), (127, 1)] {
            let disclosure = Disclosure::Threshold { index: 1, threshold: 100 };
            let mut case = Case::new(&values(DType::I8, 2), disclosure, &[0, x]).unwrap();
            assert_eq!(case.public[7], fp(bit));
            case.holds();
            case.public[7] = fp(1 - bit);
            case.stops(&[], PUBLIC);
            let value = *case.cells("function.value").last().unwrap();
            case.stops(&[(value, fp(1 - bit))], &["function"]);
        }
        // Always and never.
        for (threshold, bit) in [(-128, 1), (-1000, 1), (128, 0), (i32::MAX, 0)] {
            let case =
                Case::new(&values(DType::I8, 2), Disclosure::Threshold { index: 0, threshold }, &[0, 1]).unwrap();
            assert_eq!(case.public[7], fp(bit));
            case.holds();
        }
    }
}

mod statement {
    use super::*;

    #[test]
    fn every_slot_but_the_context_is_constrained() {
        let mut case = Case::new(&values(DType::I8, 2), Disclosure::Raw, &[5, 9]).unwrap();
        for (slot, honest) in case.public.into_iter().enumerate().skip(1) {
            for change in [fp(1), -fp(1), fp(1 << 40)] {
                case.public[slot] = honest + change;
                let failures = case.failures(&[]);
                assert!(failures.contains("public input"), "slot {slot}: {failures:?}");
            }
            case.public[slot] = honest;
        }
        // The context is bound by the transcript alone: see `proofs`.
        case.public[0] = fp(1);
        case.holds();
    }

    #[test]
    fn the_constants_are_fixed() {
        let case = Case::new(&values(DType::I8, 2), Disclosure::Raw, &[5, 9]).unwrap();
        for (name, slot) in [("statement.circuit_id", 1), ("statement.policy_id", 2)] {
            let cell = case.cells(name)[0];
            assert_eq!(case.value(cell), case.public[slot]);
            let failures = case.failures(&[case.plus(cell, 1)]);
            assert!(failures.contains("linear: sum"), "{failures:?}");
        }
        assert_eq!(case.public[3..6], [fp(0); 3]);
    }

    #[test]
    fn another_disclosure_is_another_circuit() {
        let graph = values(DType::I8, 2);
        let case = Case::new(&graph, Disclosure::Raw, &[5, 9]).unwrap();
        let other = Case::new(&graph, Disclosure::Argmax, &[5, 9]).unwrap();
        assert_ne!(case.public[1], other.public[1]);
        assert_eq!(public_inputs(&case.circuit, &case.witness, &[5, 9], fp(99)), case.public);
    }
}
