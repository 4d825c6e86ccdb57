//! Input files: what is a sample, what is several, what is refused, and hostile bytes.

use avouch_circuits::{
    arith,
    graph::{DType, Quantization},
};
use avouch_prover::input::{InputSpec, Problem, npy, read, read_json, read_npy};
use proptest::prelude::*;

const FLOAT: Quantization = Quantization { dtype: DType::U8, scale: 0.5, zero_point: 10 };

fn float(shape: &[usize], batchable: bool) -> InputSpec {
    InputSpec { shape: shape.to_vec(), batchable, quant: FLOAT, float: true }
}

fn integer(shape: &[usize], dtype: DType) -> InputSpec {
    let quant = Quantization { dtype, scale: 1.0, zero_point: 0 };
    InputSpec { shape: shape.to_vec(), batchable: true, quant, float: false }
}

/// A version 1.0 file with this header text.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn the_declared_shape_is_one_sample_and_a_leading_n_is_many() {
    let bytes = npy::encode(&[1, 2], &[1.0f32, -1.0]);
    assert_eq!(read_npy(&*bytes, &float(&[1, 2], true)).unwrap(), [[12, 8]]);
    assert_eq!(read_npy(&*bytes, &float(&[1, 2], false)).unwrap(), [[12, 8]]);

    let bytes = npy::encode(&[3, 2], &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(read_npy(&*bytes, &float(&[1, 2], true)).unwrap(), [[10, 12], [14, 16], [18, 20]]);
    assert_eq!(read_npy(&*bytes, &float(&[3, 2], false)).unwrap(), [[10, 12, 14, 16, 18, 20]]);
    assert!(matches!(read_npy(&*bytes, &float(&[1, 2], false)), Err(Problem::Shape { .. })));
    for wrong in [&[2][..], &[1, 3], &[1, 1, 2], &[6], &[]] {
        assert!(matches!(read_npy(&*bytes, &float(wrong, true)), Err(Problem::Shape { .. })), "{wrong:?}");
    }
    let none = npy::encode::<f32>(&[0, 2], &[]);
    assert!(matches!(read_npy(&*none, &float(&[1, 2], true)), Err(Problem::Shape { .. })));
}

#[test]
fn numpys_own_files_are_read() {
    let little = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }                                                          \n\x00\x00\xc0?\x00\x00 \xc0";
    assert_eq!(read_npy(&little[..], &float(&[1, 2], true)).unwrap(), [[13, 5]]);
    assert_eq!(npy::encode(&[1, 2], &[1.5f32, -2.5]), little);
    let big = file(&header(">f4", "False", "(1, 2)"), b"?\xc0\x00\x00\xc0 \x00\x00");
    assert_eq!(read_npy(&*big, &float(&[1, 2], true)).unwrap(), [[13, 5]]);
    let double = file(&header("<f8", "False", "(1,)"), b"\x00\x00\x00\x00\x00\x00\x08@");
    assert_eq!(read_npy(&*double, &float(&[1], true)).unwrap(), [[16]]);
    let scalar = file(&header("|i1", "False", "()"), b"\xfb");
    assert_eq!(read_npy(&*scalar, &integer(&[], DType::I8)).unwrap(), [[-5]]);
    // Versions 2.0 and 3.0 have a longer length field.
    for version in [2, 3] {
        let text = header("|u1", "False", "(1, 2)");
        let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend([7, 255]);
        assert_eq!(read_npy(&*bytes, &integer(&[1, 2], DType::U8)).unwrap(), [[7, 255]]);
    }
}

#[test]
fn integers_are_taken_as_they_are_and_only_of_the_right_type() {
    let bytes = npy::encode(&[2, 2], &[-128i8, 127, 0, 5]);
    assert_eq!(read_npy(&*bytes, &integer(&[1, 2], DType::I8)).unwrap(), [[-128, 127], [0, 5]]);
    assert!(matches!(read_npy(&*bytes, &integer(&[1, 2], DType::U8)), Err(Problem::DType { .. })));
    assert!(matches!(read_npy(&*bytes, &float(&[1, 2], true)), Err(Problem::DType { .. })));
    let bytes = npy::encode(&[1, 1], &[1.0f32]);
    assert!(matches!(read_npy(&*bytes, &integer(&[1, 1], DType::U8)), Err(Problem::DType { .. })));
}

#[test]
fn only_finite_numbers_are_quantized() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes = npy::encode(&[1, 2], &[0.0, bad]);
        assert!(matches!(read_npy(&*bytes, &float(&[1, 2], true)), Err(Problem::NotFinite { index: 1, .. })));
    }
    let beyond = file(&header("<f8", "False", "(1,)"), &1e300f64.to_le_bytes());
    assert!(matches!(read_npy(&*beyond, &float(&[1], true)), Err(Problem::NotFinite { index: 0, .. })));
    // Finite numbers saturate.
    let bytes = npy::encode(&[1, 2], &[f32::MAX, f32::MIN]);
    assert_eq!(read_npy(&*bytes, &float(&[1, 2], true)).unwrap(), [[255, 0]]);
}

#[test]
fn malformed_npy_files_are_refused() {
    let spec = float(&[1, 2], true);
    let good = file(&header("<f4", "False", "(1, 2)"), &f32s(&[0.0, 1.0]));
    assert!(read_npy(&*good, &spec).is_ok());
    for cut in 0..good.len() {
        assert!(read_npy(&good[..cut], &spec).is_err(), "cut at {cut}");
    }
    let longer = [&*good, &[0]].concat();
    assert!(matches!(read_npy(&*longer, &spec), Err(Problem::Npy(npy::NpyError::Trailing))));

    let data = f32s(&[0.0, 1.0]);
    let refused = |text: &str| match read_npy(&*file(text, &data), &spec) {
        Err(Problem::Npy(e)) => e,
        other => panic!("{text}: {other:?}"),
    };
    assert!(matches!(refused(&header("<f4", "True", "(1, 2)")), npy::NpyError::FortranOrder));
    for descr in ["<f2", "<i8", "|O", "|S8", "=f4", "|f4", "f4", "", "<c8"] {
        let e = refused(&header(descr, "False", "(1, 2)"));
        assert!(matches!(e, npy::NpyError::DType(_) | npy::NpyError::Header(_)), "{descr}: {e}");
    }
    for text in [
        "",
        "{}",
        "{'descr': '<f4'}",
        "[('a', '<f4')]",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), 'more': True}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 99999999999999999999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} {",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ((1, 2))}",
        "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1, 2)}",
    ] {
        assert!(matches!(refused(text), npy::NpyError::Header(_)), "{text}");
    }
    let mut version = good.clone();
    version[6] = 9;
    assert!(matches!(read_npy(&*version, &spec), Err(Problem::Npy(npy::NpyError::Version(9, 0)))));
    let long = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes()].concat();
    assert!(matches!(read_npy(&*long, &spec), Err(Problem::Npy(npy::NpyError::Header(_)))));
}

#[test]
fn huge_shapes_are_refused_before_anything_is_allocated() {
    for n in [1usize << 26, 1 << 40, usize::MAX] {
        let bytes = file(&header("<f4", "False", &format!("({n}, 4)")), &[]);
        assert!(matches!(read_npy(&*bytes, &float(&[1, 4], true)), Err(Problem::TooLarge)), "{n}");
    }
    // Within the limit, memory grows with the bytes that are there.
    let bytes = file(&header("<f4", "False", "(33554432, 4)"), &[0; 8]);
    assert!(matches!(read_npy(&*bytes, &float(&[1, 4], true)), Err(Problem::Npy(npy::NpyError::Truncated))));
}

#[test]
fn json_is_nested_as_the_shape_or_flat() {
    let spec = float(&[1, 2, 2], true);
    let json = |text: &str| read_json(text.as_bytes(), &spec);
    assert_eq!(json("[[[0, 1], [2.0, -1e0]]]").unwrap(), [[10, 12, 14, 8]]);
    assert_eq!(json("[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]").unwrap(), [[10, 12, 14, 16], [18, 20, 22, 24]]);
    assert_eq!(json(" [0, 1, 2, 3]\n").unwrap(), [[10, 12, 14, 16]]);
    assert!(matches!(json("[[0, 1], [2, 3]]"), Err(Problem::Shape { .. })));
    assert!(matches!(json("[0, 1, 2, 3, 4, 5, 6, 7]"), Err(Problem::Shape { .. })));
    assert!(matches!(json("[]"), Err(Problem::Shape { .. })));
    assert!(matches!(json("7"), Err(Problem::Shape { .. })));
    assert!(matches!(json("[0, 1, 2, 1e300]"), Err(Problem::NotFinite { index: 3, .. })));
    for text in [
        "",
        "[",
        "[0, 1, 2, 3] 4",
        "[0, 1, 2, \"3\"]",
        "[0, 1, 2, null]",
        "[0, 1, 2, NaN]",
        "{\"a\": 1}",
        "[[[0, 1], [2]]]",
        "[[[0, 1], 2, 3]]",
        "[0, [1], 2, 3]",
        "[[], [0, 1, 2, 3]]",
        "[[0, 1], 2, 3]",
        "[[[[[[[[[1]]]]]]]]]",
    ] {
        assert!(matches!(json(text), Err(Problem::Json(_))), "{text}");
    }
    assert!(json(&"[".repeat(1 << 20)).is_err());

    let spec = integer(&[1, 2], DType::I8);
    assert_eq!(read_json(&b"[[-128, 127]]"[..], &spec).unwrap(), [[-128, 127]]);
    assert_eq!(read_json(&b"[[1.0, 2]]"[..], &spec).unwrap(), [[1, 2]]);
    for bad in ["[[0, 128]]", "[[0, -129]]", "[[0, 0.5]]", "[[0, 18446744073709551615]]", "[[0, 1e400]]"] {
        assert!(read_json(bad.as_bytes(), &spec).is_err(), "{bad}");
    }
}

#[test]
fn files_are_written_whole_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npy");
    std::fs::write(&path, "old").unwrap();
    npy::write(&path, &[2, 2], &[0.5f32, 1.0, 1.5, 2.0]).unwrap();
    assert_eq!(read(&path, &float(&[1, 2], true)).unwrap(), [[11, 12], [13, 14]]);
    npy::write(&path, &[4], &[0u8, 1, 254, 255]).unwrap();
    assert_eq!(read(&path, &integer(&[4], DType::U8)).unwrap(), [[0, 1, 254, 255]]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    assert!(npy::write(&folder.path().join("none/out.npy"), &[1], &[0u8]).is_err());

    let json = folder.path().join("x.JSON");
    std::fs::write(&json, "[[0.5, 1]]").unwrap();
    assert_eq!(read(&json, &float(&[1, 2], true)).unwrap(), [[11, 12]]);
    let message = |name: &str| read(&folder.path().join(name), &float(&[1, 2], true)).unwrap_err().to_string();
    assert!(
        message("x.csv").ends_with("x.csv: unknown kind of file: an input is .npy or .json"),
        "{}",
        message("x.csv")
    );
    assert!(message("absent.npy").contains("absent.npy: "));
}

proptest! {
    #[test]
    fn written_floats_read_back_quantized(values in prop::collection::vec(-200f32..200.0, 1..3000)) {
        let bytes = npy::encode(&[1, values.len()], &values);
        prop_assert_eq!((bytes.len() - 4 * values.len()) % 64, 0);
        let expected: Vec<i16> = values.iter().map(|&v| arith::quantize(v, &FLOAT) as i16).collect();
        prop_assert_eq!(read_npy(&*bytes, &float(&[1, values.len()], true)).unwrap(), [expected]);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..100, with in any::<u8>()) {
        let spec = float(&[1, 2], true);
        let _ = read_npy(&*bytes, &spec);
        let _ = read_json(&*bytes, &spec);
        let mut good = file(&header("<f4", "False", "(1, 2)"), &f32s(&[0.0, 1.0]));
        let at = at % good.len();
        good[at] = with;
        let _ = read_npy(&*good, &spec);
    }

    #[test]
    fn no_json_panics(text in "[\\[\\], 0-9e.\\-]{0,60}") {
        let _ = read_json(text.as_bytes(), &float(&[1, 2], true));
    }
}
