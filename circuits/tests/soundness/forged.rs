//! For each constraint of each gadget, a forgery that only this constraint stops.

use ark_ff::{AdditiveGroup as _, Field as _, PrimeField as _};
use avouch_circuits::{
    circuit::{Circuit, CommitmentUse, Disclosure, Relation, StepFunction},
    graph::{DType, Graph},
    op::{MaxPool, Mul, Table, Window},
    r1cs::{
        Commitment, Fr, RangeChecks,
        affine::{AffineStep, Parity},
        pack,
        poseidon::{chain, hash, tag},
    },
};

use crate::{
    case::Case,
    graphs::{graph, hat, identity, info, quant, requantization, wave},
};

fn fr(v: i64) -> Fr {
    Fr::from(v)
}

fn one_value(dtype: DType) -> Graph {
    identity(info(&[1], quant(dtype, 1.0, 3)))
}

mod range {
    use super::*;

    #[test]
    fn values_outside_the_type_have_no_bits() {
        for dtype in [DType::I8, DType::U8] {
            let case = Case::bare(&one_value(dtype), &[100]);
            case.holds();
            let [x] = case.variables("range.recomposition")[..] else { panic!("one value") };
            let (min, max) = (i64::from(dtype.min()), i64::from(dtype.max()));
            for v in [fr(max + 1), fr(min - 1), fr(256), fr(-129), fr(min) - fr(1i64 << 32), fr(-1 << 40)] {
                case.stops(&[(x, v)], &["range.recomposition"]);
            }
            case.stops(&[(x, fr(min))], &[]);
            case.stops(&[(x, fr(max))], &[]);
        }
    }

    #[test]
    fn minus_one_is_a_value_of_the_signed_type_only() {
        let unsigned = Case::bare(&one_value(DType::U8), &[0]);
        let x = unsigned.variables("range.recomposition")[0];
        unsigned.stops(&[(x, -fr(1))], &["range.recomposition"]);
        let signed = Case::bare(&one_value(DType::I8), &[0]);
        signed.stops(&[(x, -fr(1))], &[]);
    }

    #[test]
    fn bits_are_bits() {
        let case = Case::bare(&one_value(DType::U8), &[100]);
        let x = case.variables("range.recomposition")[0];
        let bits = case.variables("range.bit");
        assert_eq!(bits.len(), 8);
        // 256 and −1 in a top and a lowest digit that are no bits.
        case.stops(
            &[(x, fr(256)), (bits[7], fr(2)), (bits[6], fr(0)), (bits[5], fr(0)), (bits[2], fr(0))],
            &["range.bit"],
        );
        let mut minus_one: Vec<_> = bits.iter().map(|&b| (b, fr(0))).collect();
        minus_one[0].1 = -fr(1);
        minus_one.push((x, -fr(1)));
        case.stops(&minus_one, &["range.bit"]);
        case.stops(&[case.flip(bits[3])], &["range.recomposition"]);
        case.stops(&case.flip_compensated(&bits, 6), &["range.bit"]);
    }
}

mod requantize {
    use super::*;

    /// Accumulator, multiplier and so on of one path through the gadget.
    struct Path {
        name: &'static str,
        bias: i32,
        m: f32,
        zero: i32,
        clip: (i32, i32),
    }

    const NO_CLAMP: Path = Path { name: "no clamp", bias: -32768, m: 0.00187, zero: 3, clip: (-128, 127) };
    const LOW: Path = Path { name: "low clamp", bias: -32768, m: 0.00187, zero: -128, clip: (-128, 127) };
    const HIGH: Path = Path { name: "high clamp", bias: 0, m: 0.00187, zero: 41, clip: (-128, 127) };
    const BOTH: Path = Path { name: "clamps on powers of two", bias: -32000, m: 0.0101, zero: -7, clip: (-128, 127) };
    const ODD: Path = Path { name: "clamps elsewhere", bias: -32000, m: 0.0101, zero: -7, clip: (-100, 71) };
    const PATHS: [Path; 5] = [NO_CLAMP, LOW, HIGH, BOTH, ODD];

    impl Path {
        fn case(&self, acc: i32) -> Case {
            let (graph, input) = requantization(self.bias, self.m, self.zero, self.clip.0..=self.clip.1, acc);
            let case = Case::bare(&graph, &input);
            case.holds();
            case
        }

        /// What refuses a quotient that is out of all bounds.
        fn wild_quotient(&self) -> &'static [&'static str] {
            if self.name == ODD.name { &["requantize.bit", "requantize.high_comparison"] } else { &["requantize.bit"] }
        }

        /// The constraint that defines the value.
        fn value(&self) -> &'static str {
            if self.bias < 0 && self.zero != NO_CLAMP.zero { "requantize.saturate_low" } else { "requantize.value" }
        }
    }

    fn function(case: &Case) -> &StepFunction {
        match &case.circuit.relations[case.circuit.relations.len() - 1].relation {
            Relation::Requantize(q) => &q.functions[0],
            other => panic!("{other:?}"),
        }
    }

    fn form(case: &Case) -> AffineStep {
        AffineStep::find(function(case)).unwrap()
    }

    /// `a / b` in the field.
    fn divide(a: Fr, b: Fr) -> Fr {
        a * b.inverse().unwrap()
    }

    fn sum(bits: &[Fr]) -> Fr {
        bits.iter().rev().fold(Fr::from(0u64), |sum, &bit| sum.double() + bit)
    }

    #[test]
    fn each_path_is_taken() {
        for (path, clamps) in
            PATHS.iter().zip([(false, false), (true, false), (false, true), (true, true), (true, true)])
        {
            let case = path.case(path.bias + 5000);
            let form = form(&case);
            let quotients = form.quotients(function(&case).domain);
            let found = (quotients.lo < form.first.into(), quotients.hi > form.last.into());
            assert_eq!(found, clamps, "{}", path.name);
            assert!(form.exceptions.is_empty() && form.ties.is_none(), "{}: {form:?}", path.name);
        }
    }

    #[test]
    fn a_value_beside_the_right_one_is_refused() {
        for path in &PATHS {
            for acc in [path.bias, path.bias + 30000, path.bias + 65000] {
                let case = path.case(acc);
                let y = *case.variables(path.value()).last().unwrap();
                for change in [1, -1, 256, -256, 1 << 40] {
                    case.stops(&case.plus(&[(y, change)]), &[path.value()]);
                }
            }
        }
    }

    /// The classic forgery: any remainder, and the quotient that field division gives.
    #[test]
    fn a_quotient_by_field_division_is_no_number_of_bits() {
        for path in &PATHS {
            let case = path.case(path.bias + 30001);
            let shift = form(&case).shift as usize;
            let bits = case.variables("requantize.bit");
            let values = case.values(&bits);
            let total = sum(&values);
            for remainder in [0u64, 1, (1 << shift) - 1] {
                if Fr::from(remainder) == sum(&values[..shift]) {
                    continue;
                }
                let bit = |(i, &b): (usize, &u32)| (b, if i < shift { Fr::from(remainder >> i & 1) } else { fr(0) });
                let mut forged: Vec<(u32, Fr)> = bits.iter().enumerate().map(bit).collect();
                forged[shift].1 = divide(total - Fr::from(remainder), Fr::from(1u64 << shift));
                case.stops(&forged, path.wild_quotient());
            }
        }
    }

    #[test]
    fn a_remainder_of_two_to_the_k_or_below_zero_is_refused() {
        for path in &PATHS {
            let case = path.case(path.bias + 30001);
            let shift = form(&case).shift as usize;
            let bits = case.variables("requantize.bit");
            let values = case.values(&bits);
            let one = Fr::from(1u64);
            // One less in the quotient's first set bit and 2^i more in the remainder, and the other way round.
            let i = (shift..bits.len()).find(|&i| values[i] == one).unwrap();
            let more = Fr::from(1u64 << (i - shift + 1));
            let top = (bits[shift - 1], values[shift - 1] + more);
            case.stops(&[(bits[i], values[i] - one), top], &["requantize.bit"]);
            let i = (shift..bits.len()).find(|&i| values[i] != one).unwrap();
            let more = Fr::from(1u64 << (i - shift + 1));
            let top = (bits[shift - 1], values[shift - 1] - more);
            case.stops(&[(bits[i], values[i] + one), top], &["requantize.bit"]);
        }
    }

    #[test]
    fn each_bit_is_a_bit_and_counts() {
        for path in &PATHS {
            let case = path.case(path.bias + 30001);
            let bits = case.variables("requantize.bit");
            for i in 0..bits.len() {
                case.stops(&[case.flip(bits[i])], &["requantize.recomposition"]);
                if i > 0 {
                    case.stops(&case.flip_compensated(&bits, i), &["requantize.bit"]);
                }
            }
        }
    }

    #[test]
    fn the_sign_cannot_be_turned_around() {
        for path in [LOW, BOTH, ODD] {
            for acc in [-20000, 20000] {
                let case = path.case(acc);
                let bits = case.variables("requantize.bit");
                case.stops(&[case.flip(*bits.last().unwrap())], &["requantize.recomposition"]);
                // With the other half of the quotient to match.
                let names = if acc > 0 { path.wild_quotient() } else { &["requantize.bit"] };
                case.stops(&case.flip_compensated(&bits, bits.len() - 1), names);
            }
        }
    }

    #[test]
    fn saturation_can_be_neither_skipped_nor_claimed() {
        for path in [HIGH, BOTH, ODD] {
            let over = path.case(path.bias + 65000);
            let within = path.case(if path.bias < 0 { 1000 } else { 10000 });
            for case in [&over, &within] {
                // Value of min(v, last) less v.
                let added = case.variables("requantize.saturate_high")[0];
                for change in [1, -1, 300, -300] {
                    case.stops(&case.plus(&[(added, change)]), &["requantize.saturate_high"]);
                }
            }
            over.stops(&[(over.variables("requantize.saturate_high")[0], fr(0))], &["requantize.saturate_high"]);
        }
        for path in [LOW, BOTH, ODD] {
            let under = path.case(path.bias + 10);
            let y = under.variables("requantize.saturate_low");
            // The value without the low clamp, below the type.
            let unclamped = form(&under).quotient((path.bias + 10).into());
            assert!(unclamped < path.clip.0.into());
            under.stops(&[(*y.last().unwrap(), fr(unclamped))], &["requantize.saturate_low"]);
            let within = path.case(1000);
            let y = *within.variables("requantize.saturate_low").last().unwrap();
            within.stops(&[(y, fr(path.clip.0.into()))], &["requantize.saturate_low"]);
        }
    }

    #[test]
    fn the_overflow_of_a_quotient_is_the_product_of_its_high_bits() {
        // A steep function, so that several bits stand above the clamp.
        let path = Path { name: "steep", bias: -32000, m: 0.05, zero: -7, clip: (-128, 127) };
        for (acc, none) in [(33000, 0), (1000, 1)] {
            let case = path.case(acc);
            let products = case.variables("requantize.overflow");
            assert!(products.len() >= 2);
            assert_eq!(case.values(&products[products.len() - 1..]), [fr(none)]);
            for &p in &products {
                case.stops(&case.plus(&[(p, 1)]), &["requantize.overflow"]);
                case.stops(&case.plus(&[(p, -1)]), &["requantize.overflow"]);
            }
        }
    }

    #[test]
    fn the_comparison_with_an_odd_clamp_is_by_bits() {
        for acc in [1000, 30000] {
            let case = ODD.case(acc);
            let bits = case.variables("requantize.high_bit");
            let top = bits.len() - 1;
            case.stops(&[case.flip(bits[top])], &["requantize.high_comparison"]);
            case.stops(&case.flip_compensated(&bits, top), &["requantize.high_bit"]);
            case.stops(&[case.flip(bits[0])], &["requantize.high_comparison"]);
        }
    }

    #[test]
    fn a_constant_function_has_one_value() {
        for (m, clip) in [(f32::MIN_POSITIVE, (-128, 127)), (0.0101, (9, 9)), (f32::MAX, (9, 9))] {
            let path = Path { name: "constant", bias: -32000, m, zero: 9, clip };
            let case = path.case(5);
            let [y] = case.variables("requantize.value")[..] else { panic!("one value and nothing else") };
            case.stops(&case.plus(&[(y, 1)]), &["requantize.value"]);
            case.stops(&case.plus(&[(y, -1)]), &["requantize.value"]);
        }
    }

    /// A multiplier whose rounded f32 products move thresholds across ties, and an accumulator that needs a correction.
    fn corrected() -> (Path, i64) {
        let multipliers = (0..4000u16).map(|i| 0.0101 + f32::from(i) * 1e-6);
        let mut forms = multipliers.filter_map(|m| {
            let path = Path { m, bias: -32640, zero: 0, ..BOTH };
            let form = form(&path.case(0));
            let at = form.exceptions.first()?.0;
            form.ties.is_none().then_some((path, at))
        });
        forms.next().unwrap()
    }

    #[test]
    fn corrections_apply_at_their_argument_only() {
        let (path, at) = corrected();
        let there = path.case(at as i32);
        let [inverse, zero, ..] = there.variables("requantize.exception_inverse")[..] else { panic!("two hints") };
        assert_eq!(there.values(&[inverse, zero]), [fr(0), fr(1)]);
        // Denied.
        there.stops(&[(zero, fr(0))], &["requantize.exception_inverse"]);
        // The inverse of zero is no free witness.
        for free in [fr(1), fr(-5), fr(1 << 40)] {
            there.stops(&[(inverse, free)], &["requantize.exception_hint"]);
        }

        let beside = path.case(at as i32 + 1);
        assert_eq!(beside.values(&[inverse, zero]), [fr(1), fr(0)]);
        // Claimed.
        beside.stops(&[(inverse, fr(0)), (zero, fr(1))], &["requantize.exception_zero"]);
        // Another inverse.
        beside.stops(&[(inverse, fr(0))], &["requantize.exception_inverse"]);
        beside.stops(&[(inverse, fr(2))], &["requantize.exception_inverse"]);
        // Part of a correction, with an inverse to match.
        let failures = beside.failures(&[(inverse, fr(1) - fr(2)), (zero, fr(2))]);
        assert_eq!(failures, ["requantize.exception_zero", "requantize.exception_hint"]);
    }

    /// Multipliers that make a tie at every other value, zero points of both parities, and clamps of both parities: all
    /// alignments of the lowest bit.
    #[test]
    fn ties_go_to_even_only() {
        let mut seen = Vec::new();
        for (m, first, zero, clip) in [
            (1.0 / 256.0, 128, 0, (-128, 127)),
            (1.0 / 256.0, 128, 1, (-128, 127)),
            (1.0 / 256.0, 128, 5, (-101, 90)),
            (1.0 / 256.0, 128, 4, (-101, 90)),
            (1.0 / 512.0, 256, 11, (-128, 127)),
            (3.0 / 2048.0, 1024, -128, (-128, 127)),
        ] {
            let path = Path { name: "ties", bias: -32640, m, zero, clip };
            let (mut up, mut down) = (0, 0);
            for acc in (-4..4).map(|i| (2 * i + 1) * first) {
                let case = path.case(acc);
                let form = form(&case);
                let even = form.ties.unwrap().to;
                assert!(form.exceptions.is_empty());
                let product = f64::from(acc) * f64::from(m);
                assert_eq!(product - product.floor(), 0.5);
                let lowest = case.variables("requantize.half_even")[0];
                let last = *case.variables("requantize.tie").last().unwrap();
                assert_eq!(case.values(&[last]), [fr(1)]);
                for (change, forged) in [(1, "requantize.half_even"), (-1, "requantize.half_even")] {
                    case.stops(&case.plus(&[(lowest, change)]), &[forged]);
                }
                // The tie denied, so that it would round the other way where the value is odd.
                case.stops(&[(last, fr(0))], &["requantize.tie"]);
                seen.push((even == Parity::Even, case.values(&[lowest])[0] == fr(0)));
                if product.round_ties_even() > product { up += 1 } else { down += 1 }
            }
            assert!(up > 0 && down > 0, "{m} {zero}");
        }
        for case in [(true, true), (true, false), (false, true), (false, false)] {
            assert!(seen.contains(&case), "{case:?}");
        }
    }

    #[test]
    fn no_tie_can_be_claimed_beside_one() {
        let path = Path { name: "ties", bias: -32640, m: 1.0 / 256.0, zero: 1, clip: (-128, 127) };
        for acc in [127, 129, -127, -129, 383, 385] {
            let case = path.case(acc);
            let last = *case.variables("requantize.tie").last().unwrap();
            case.stops(&[(last, fr(1))], &["requantize.tie"]);
            for p in case.variables("requantize.tie") {
                case.stops(&[case.flip(p)], &["requantize.tie"]);
            }
        }
    }
}

mod table {
    use super::*;

    fn table_graph(table: Table, n: usize) -> Graph {
        let q = quant(DType::I8, 1.0, 3);
        graph(table, info(&[n], q), &[], info(&[n], q))
    }

    fn case(table: Table, x: i16) -> Case {
        let case = Case::bare(&table_graph(table, 1), &[x]);
        case.holds();
        case
    }

    fn wave_at(x: i16) -> Case {
        case(wave(DType::I8, DType::I8), x)
    }

    #[test]
    fn the_value_is_that_of_the_argument() {
        for x in [-128, -113, -112, 0, 15, 16, 127] {
            for table in [wave(DType::I8, DType::I8), hat(DType::I8, DType::I8)] {
                let case = case(table.clone(), x);
                let y = *case.variables("table.value").last().unwrap();
                let honest = table.entries[(x + 128) as usize];
                assert_eq!(case.values(&[y]), [fr(honest.into())]);
                for v in table.entries.iter().filter(|&&v| v != honest) {
                    case.stops(&[(y, fr((*v).into()))], &["table.value"]);
                }
                case.stops(&case.plus(&[(y, 256)]), &["table.value"]);
            }
        }
    }

    #[test]
    fn bits_are_those_of_the_argument() {
        let case = wave_at(77);
        let bits = case.variables("table.bit");
        assert_eq!(bits.len(), 8);
        for i in 0..8 {
            case.stops(&[case.flip(bits[i])], &["table.recomposition"]);
            if i > 0 {
                case.stops(&case.flip_compensated(&bits, i), &["table.bit"]);
            }
        }
    }

    #[test]
    fn products_and_rows_are_products() {
        for x in [-128, -1, 77, 127] {
            let case = wave_at(x);
            let (products, rows) = (case.variables("table.product"), case.variables("table.row"));
            assert_eq!((products.len(), rows.len()), (22, 14));
            for (variables, name) in [(products, "table.product"), (rows, "table.row")] {
                for v in variables {
                    case.stops(&case.plus(&[(v, 1)]), &[name]);
                    case.stops(&case.plus(&[(v, -1)]), &[name]);
                }
            }
        }
    }

    /// Sixteen elements and more are looked up.
    fn looked_up() -> (Case, Table, Vec<i16>) {
        let table = wave(DType::I8, DType::I8);
        let input: Vec<i16> = (0..40).map(|i| (i * 37 % 256) as i16 - 128).collect();
        let graph = table_graph(table.clone(), input.len());
        let case = Case::with(RangeChecks::Lookups, &graph, Disclosure::Argmax, &input).unwrap();
        case.holds();
        (case, table, input)
    }

    #[test]
    fn a_pair_that_is_no_row_is_not_looked_up() {
        let (case, table, input) = looked_up();
        let y = case.looked_up_values("table.value_range", input.len());
        for (&y, &x) in y.iter().zip(&input) {
            let honest = table.entries[(x + 128) as usize];
            assert_eq!(case.values(&[y]), [fr(honest.into())]);
            for v in [honest + 1, honest - 1, x].into_iter().filter(|&v| v != honest && (-128..=122).contains(&v)) {
                let failures = case.failures(&[(y, fr(v.into()))]);
                assert!(failures.contains(&"lookup.sum"), "{failures:?}");
            }
        }
    }

    /// The packed pair of another argument `t`, by a value that is no byte: `f(t) + (t − x) / 2^40`.
    #[test]
    fn a_value_by_field_division_is_out_of_range() {
        let (case, table, input) = looked_up();
        let y = case.looked_up_values("table.value_range", input.len())[0];
        let x = input[0];
        for t in [-127, 0, 5, 127] {
            let steps = fr((t - x).into()) * fr(1 << 40).inverse().unwrap();
            let forged = fr(table.entries[(t + 128) as usize].into()) + steps;
            let failures = case.failures(&[(y, forged)]);
            assert!(failures.contains(&"lookup.sum"), "{failures:?}");
        }
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
        let p = *case.variables("product.value").last().unwrap();
        assert_eq!(case.values(&[p]), [fr(74 * 74)]);
        for change in [1, -1, -74 * 74, -74 * 73] {
            case.stops(&case.plus(&[(p, change)]), &["product.value"]);
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

    #[test]
    fn the_result_is_an_element() {
        for input in [[3, 5], [5, 3], [-128, 127], [4, 4]] {
            let case = case(&input);
            let [y] = case.variables("max.element")[..] else { panic!("one maximum") };
            let (most, least) = (i64::from(input[0].max(input[1])), i64::from(input[0].min(input[1])));
            for v in [-129, 6, 127, 128, 1000].into_iter().filter(|v| ![most, least].contains(v)) {
                let failures = case.failures(&[(y, fr(v))]);
                assert_eq!(failures[0], "max.element");
                // Above both, and near enough: nothing else stops it.
                if v > most && 2 * v - most - least < 1 << 8 {
                    assert_eq!(failures, ["max.element"]);
                }
            }
        }
    }

    #[test]
    fn the_result_is_no_smaller_element() {
        for input in [[3, 5], [5, 3], [-128, 127], [127, -128], [-1, 0]] {
            let case = case(&input);
            let y = case.variables("max.element")[0];
            case.stops(&[(y, fr(input[0].min(input[1]).into()))], &["max.comparison"]);
            let bits = case.variables("max.bit");
            let top = bits.len() - 1;
            case.stops(&case.flip_compensated(&bits, top), &["max.bit"]);
            for &bit in &bits {
                case.stops(&[case.flip(bit)], &["max.comparison"]);
            }
        }
    }

    #[test]
    fn a_tie_has_one_witness() {
        for input in [[4, 4], [-128, -128], [127, 127]] {
            let case = case(&input);
            let y = case.variables("max.element")[0];
            for change in [1, -1] {
                let failures = case.failures(&case.plus(&[(y, change)]));
                assert_eq!(failures[0], "max.element");
            }
            case.variables("max.bit").iter().for_each(|&bit| case.stops(&[case.flip(bit)], &["max.comparison"]));
        }
    }

    #[test]
    fn every_pair_of_a_window_is_compared() {
        for input in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 4, 1], [-5, -5, -5, -5]] {
            let case = case(&input);
            let (maxima, bits) = (case.variables("max.element"), case.variables("max.bit"));
            assert_eq!(maxima.len(), 3);
            for &y in &maxima {
                for change in [1, -1] {
                    let failures = case.failures(&case.plus(&[(y, change)]));
                    // One less may be the other element of its pair: then it is the comparison.
                    let names = ["max.element", "max.comparison"];
                    assert!(!failures.is_empty() && failures.iter().all(|f| names.contains(f)), "{failures:?}");
                }
            }
            for pair in bits.chunks(bits.len() / 3) {
                case.stops(&[case.flip(*pair.last().unwrap())], &["max.comparison"]);
            }
        }
    }
}

mod commit {
    use super::*;

    const SALT: u64 = 11;

    fn case(input: &[i16]) -> Case {
        let case = Case::new(&identity(info(&[input.len()], quant(DType::I8, 1.0, 3))), Disclosure::Argmax, input);
        let case = case.unwrap();
        case.holds();
        case
    }

    /// The input commitment over any packed elements and salt.
    fn digest(salt: Fr, packed: &[Fr]) -> Fr {
        hash(&[tag("avouch/input/v1"), salt, chain(tag("avouch/input-chain/v1"), packed)])
    }

    /// `case` with slot 6 set to this.
    fn claiming(mut case: Case, commitment: Fr) -> Case {
        case.public[6] = commitment;
        case
    }

    fn values(n: usize) -> Vec<i16> {
        (0..n).map(|i| (i * 83 % 256) as i16 - 128).collect()
    }

    #[test]
    fn the_commitment_is_the_one_of_the_input_and_the_salt() {
        for n in [1, 31, 32, 70] {
            let input = values(n);
            let packed = pack(&input, DType::I8);
            assert_eq!(case(&input).public[6], digest(Fr::from(SALT), &packed));
            claiming(case(&input), digest(Fr::from(SALT + 1), &packed)).stops(&[], &["commit.digest"]);
            claiming(case(&input), digest(Fr::from(SALT), &packed) + fr(1)).stops(&[], &["commit.digest"]);
            let other =
                Commitment { role: CommitmentUse::Output, values: &input, dtype: DType::I8, salt: Fr::from(SALT) };
            claiming(case(&input), other.value()).stops(&[], &["commit.digest"]);
        }
    }

    #[test]
    fn packed_elements_are_those_of_the_input() {
        for n in [3, 31, 32, 70] {
            let input = values(n);
            let case = case(&input);
            let packed = pack(&input, DType::I8);
            let variables = case.variables("commit.pack");
            // The input's own wires are first read by their range checks.
            assert_eq!(case.values(&variables), packed);
            for i in 0..packed.len() {
                for change in [fr(1), -fr(1), fr(1 << 16), -packed[i].double()] {
                    let mut forged = packed.clone();
                    forged[i] += change;
                    let commitment = digest(Fr::from(SALT), &forged);
                    let claim = claiming(self::case(&input), commitment);
                    claim.stops(&[(variables[i], forged[i])], &["commit.pack"]);
                    claim.stops(&[], &["commit.digest"]);
                }
            }
        }
    }

    #[test]
    fn padding_is_zero() {
        let input = values(3);
        let case = case(&input);
        let [packed] = case.variables("commit.pack")[..] else { panic!("one element") };
        // A byte behind the last one.
        for position in [3usize, 30] {
            let forged = pack(&input, DType::I8)[0] + Fr::from(2u64).pow([8 * (30 - position as u64)]);
            let claim = claiming(self::case(&input), digest(Fr::from(SALT), &[forged]));
            claim.stops(&[], &["commit.digest"]);
            claim.stops(&[(packed, forged)], &["commit.pack"]);
        }
        // A further element of zeros: the chain binds the length.
        let longer = [pack(&input, DType::I8)[0], fr(0)];
        claiming(self::case(&input), digest(Fr::from(SALT), &longer)).stops(&[], &["commit.digest"]);
    }

    #[test]
    fn elements_have_an_order() {
        let input = values(70);
        let mut swapped = pack(&input, DType::I8);
        swapped.swap(0, 1);
        let case = claiming(case(&input), digest(Fr::from(SALT), &swapped));
        case.stops(&[], &["commit.digest"]);
        let variables = case.variables("commit.pack");
        case.stops(&[(variables[0], swapped[0]), (variables[1], swapped[1])], &["commit.pack", "commit.pack"]);
        let mut bytes = input.clone();
        bytes.swap(4, 5);
        let bytes = digest(Fr::from(SALT), &pack(&bytes, DType::I8));
        claiming(self::case(&input), bytes).stops(&[], &["commit.digest"]);
    }

    #[test]
    fn every_step_of_the_hash_is_constrained() {
        let case = case(&values(3));
        for name in ["poseidon.square", "poseidon.fourth", "poseidon.fifth"] {
            let variables = case.variables(name);
            for &v in [&variables[0], &variables[variables.len() / 2], &variables[variables.len() - 1]] {
                case.stops(&case.plus(&[(v, 1)]), &[name, "commit.digest"]);
            }
        }
    }

    #[test]
    fn an_output_commitment_binds_too() {
        let input = values(33);
        let graph = identity(info(&[33], quant(DType::I8, 1.0, 3)));
        let mut case = Case::new(&graph, Disclosure::Commit, &input).unwrap();
        case.holds();
        let output = Commitment {
            role: CommitmentUse::Output,
            values: &input,
            dtype: DType::I8,
            salt: case.witness.output_salt,
        };
        assert_eq!(case.public[7], output.value());
        let mut forged = input.clone();
        forged[32] += 1;
        case.public[7] = Commitment { values: &forged, ..output }.value();
        case.stops(&[], &["commit.digest"]);
    }
}

mod disclose {
    use super::*;

    fn case(disclosure: Disclosure, input: &[i16]) -> Case {
        let case = Case::new(&identity(info(&[input.len()], quant(DType::I8, 1.0, 3))), disclosure, input).unwrap();
        case.holds();
        case
    }

    fn claiming(disclosure: Disclosure, input: &[i16], claim: Fr) -> Case {
        let mut case = case(disclosure, input);
        case.public[7] = claim;
        case
    }

    #[test]
    fn raw_is_the_packed_output_and_nothing_else() {
        let input = [-128, 127, 0, -1];
        let honest = case(Disclosure::Raw, &input).public[7];
        assert_eq!(honest, Fr::from(u64::from_le_bytes([0, 255, 128, 127, 0, 0, 0, 0])));
        for change in [fr(1), fr(-1), fr(256), fr(1 << 32), -honest.double()] {
            claiming(Disclosure::Raw, &input, honest + change).stops(&[], &["disclose.output"]);
        }
    }

    #[test]
    fn raw_of_31_bytes_has_room() {
        let input = [127; 31];
        let honest = case(Disclosure::Raw, &input).public[7];
        assert_eq!(honest, Fr::from(2u64).pow([248]) - fr(1));
        claiming(Disclosure::Raw, &input, honest + fr(1)).stops(&[], &["disclose.output"]);
    }

    #[test]
    fn argmax_is_the_lowest_index_of_the_largest() {
        for (input, index) in [
            (vec![5, 5], 0),
            (vec![5, 6], 1),
            (vec![6, 5], 0),
            (vec![-128, -128, -128], 0),
            (vec![-128, 127, 127], 1),
            (vec![1, 3, 2, 3], 1),
            (vec![127, -128, 127], 0),
            (vec![0, 0, 1, 1], 2),
            (vec![9], 0),
        ] {
            assert_eq!(case(Disclosure::Argmax, &input).public[7], fr(index), "{input:?}");
            for claim in (-1..=input.len() as i64).filter(|&i| i != index) {
                claiming(Disclosure::Argmax, &input, fr(claim)).stops(&[], &["disclose.output"]);
            }
        }
    }

    #[test]
    fn argmax_of_a_tie_cannot_be_the_larger_index() {
        for input in [[4, 4], [-128, -128], [127, 127]] {
            let case = claiming(Disclosure::Argmax, &input, fr(1));
            let bits = case.variables("argmax.bit");
            let top = bits.len() - 1;
            assert_eq!(case.values(&bits[top..]), [fr(0)]);
            case.stops(&[case.flip(bits[top])], &["argmax.comparison"]);
            case.stops(&case.flip_compensated(&bits, top), &["argmax.bit"]);
            let index = *case.variables("argmax.index").last().unwrap();
            case.stops(&[(index, fr(1))], &["argmax.index"]);
        }
    }

    #[test]
    fn argmax_cannot_be_an_index_of_less() {
        for (input, claim) in [([9, 4], 1), ([4, 9], 0), ([-1, 0], 0), ([127, -128], 1)] {
            let case = claiming(Disclosure::Argmax, &input, fr(claim));
            let bits = case.variables("argmax.bit");
            let top = bits.len() - 1;
            case.stops(&[case.flip(bits[top])], &["argmax.comparison"]);
            case.stops(&case.flip_compensated(&bits, top), &["argmax.bit"]);
            let index = *case.variables("argmax.index").last().unwrap();
            case.stops(&[(index, fr(claim))], &["argmax.index"]);
        }
        // A running maximum that is too small lets a later, smaller element win.
        let case = claiming(Disclosure::Argmax, &[1, 9, 4], fr(2));
        let running = case.variables("argmax.max");
        case.stops(&[(running[0], fr(3))], &["argmax.max"]);
        let case = claiming(Disclosure::Argmax, &[9, 1, 4], fr(2));
        case.stops(&[(running[0], fr(3))], &["argmax.max"]);
    }

    #[test]
    fn threshold_is_at_or_above() {
        for threshold in [-128, -127, -1, 0, 1, 5, 127] {
            for x in [threshold - 1, threshold, threshold + 1, -128, 127] {
                let Some(x) = i16::try_from(x).ok().filter(|x| (-128..=127).contains(x)) else { continue };
                let disclosure = Disclosure::Threshold { index: 1, threshold };
                let input = [77, x];
                let honest = fr((i32::from(x) >= threshold).into());
                assert_eq!(case(disclosure, &input).public[7], honest);
                let forged = claiming(disclosure, &input, fr(1) - honest);
                forged.stops(&[], &["disclose.output"]);
                for claim in [2, -1, x.into()].into_iter().filter(|&c| fr(c) != honest) {
                    claiming(disclosure, &input, fr(claim)).stops(&[], &["disclose.output"]);
                }
                if threshold == -128 {
                    continue;
                }
                let bits = forged.variables("threshold.bit");
                let top = bits.len() - 1;
                forged.stops(&[forged.flip(bits[top])], &["threshold.comparison"]);
                forged.stops(&forged.flip_compensated(&bits, top), &["threshold.bit"]);
            }
        }
    }

    #[test]
    fn thresholds_outside_the_type_are_decided_by_the_bounds() {
        for (threshold, shown) in [(i32::MIN, 1), (-129, 1), (-128, 1), (128, 0), (i32::MAX, 0)] {
            let disclosure = Disclosure::Threshold { index: 0, threshold };
            for x in [-128, 0, 127] {
                assert_eq!(case(disclosure, &[x]).public[7], fr(shown));
                claiming(disclosure, &[x], fr(1 - shown)).stops(&[], &["disclose.output"]);
            }
        }
    }
}

#[test]
fn slots_1_to_5_are_constants_of_the_circuit() {
    let names = [
        "statement.circuit_id",
        "statement.policy_id",
        "statement.registry_root",
        "statement.window",
        "statement.nullifier",
    ];
    for (slot, name) in (1..).zip(names) {
        let mut case = Case::new(&one_value(DType::U8), Disclosure::Raw, &[7]).unwrap();
        let honest = case.public[slot];
        for forged in [honest + fr(1), honest - fr(1), -honest - fr(1), fr(1 << 40)] {
            case.public[slot] = forged;
            case.stops(&[], &[name]);
        }
    }
}

#[test]
fn the_circuit_id_tells_disclosures_and_models_apart() {
    let graph = one_value(DType::U8);
    let of = |graph: &Graph, disclosure| Circuit::new(graph, disclosure).unwrap().description.circuit_id();
    let mut case = Case::new(&graph, Disclosure::Raw, &[7]).unwrap();
    let mut slot = [0; 32];
    slot[1..].copy_from_slice(&of(&graph, Disclosure::Argmax));
    case.public[1] = Fr::from_be_bytes_mod_order(&slot);
    case.stops(&[], &["statement.circuit_id"]);
    let other = identity(info(&[1], quant(DType::U8, 1.0, 4)));
    assert_ne!(of(&graph, Disclosure::Raw), of(&other, Disclosure::Raw));
}
