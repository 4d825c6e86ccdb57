//! Samples from files: what `--input FILE` means.
//!
//! A file holds an array. An array of exactly the model's declared shape is one sample; else, if the first declared
//! dimension is 1 or symbolic, an array `[N, rest]` is N samples. Anything else is an error, never a reshape or a cast.
//!
//! | file | for a float input | for an integer input |
//! |---|---|---|
//! | `.npy` | float32 or float64 (rounded to f32), finite, then quantized | the input's own type |
//! | `.json` | numbers, nested as the shape or one flat list of one sample | integers of the input's type, likewise |

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use avouch_circuits::{
    arith,
    execute::Tensor,
    graph::{MAX_RANK, Quantization},
    import::{Imported, Kind},
};
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};

pub mod npy;

/// Most elements of one file, over all its samples: 256 MiB once quantized.
const MAX_VALUES: usize = 1 << 27;
/// Longest JSON text, in bytes.
const MAX_JSON: u64 = 1 << 29;

/// What a model expects.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Declared shape, with 1 for a symbolic first dimension.
    pub shape: Vec<usize>,
    /// Whether the first declared dimension is 1 or symbolic, so that a file may hold several samples.
    pub batchable: bool,
    /// Quantization of the graph's input.
    pub quant: Quantization,
    /// Whether the model takes real numbers (quantized here) rather than integers of the input's type.
    pub float: bool,
}

impl InputSpec {
    /// What an imported model expects.
    pub fn of(model: &Imported) -> Self {
        Self {
            shape: model.input.shape.clone(),
            batchable: model.input.batchable,
            quant: model.graph.input_info().quant,
            float: model.input.kind == Kind::Real,
        }
    }
}

/// A file that holds no sample of the model.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct InputError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What can be wrong with an input file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Neither of the two extensions.
    #[error("unknown kind of file: an input is .npy or .json")]
    Extension,
    /// Opening or reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not a readable `.npy` file.
    #[error(transparent)]
    Npy(npy::NpyError),
    /// Not a readable JSON array.
    #[error("{0}")]
    Json(serde_json::Error),
    /// The shape is not one sample, nor several.
    #[error(
        "the array has shape {got:?}, the model takes {expected:?}{}",
        if *.batchable { ", or [N, ..] with the same other dimensions" } else { "" }
    )]
    Shape {
        /// Shape of the array.
        got: Vec<usize>,
        /// The declared shape.
        expected: Vec<usize>,
        /// Whether N samples are allowed.
        batchable: bool,
    },
    /// More elements than are read at once.
    #[error("the file has more than {MAX_VALUES} elements: split it")]
    TooLarge,
    /// An element type that the model does not take.
    #[error("the array has element type {got}, the model takes {expected}")]
    DType {
        /// Type of the array.
        got: &'static str,
        /// What the model takes.
        expected: &'static str,
    },
    /// NaN, infinity, or beyond the range of f32.
    #[error("element {index} is {value}, not a finite float32")]
    NotFinite {
        /// Position in the file, row-major.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Not an integer, or outside the type.
    #[error("element {index} is {value}, not an integer of type {dtype}")]
    NotInteger {
        /// Position in the file, row-major.
        index: usize,
        /// The value.
        value: f64,
        /// The input's type.
        dtype: &'static str,
    },
}

impl From<npy::NpyError> for Problem {
    fn from(e: npy::NpyError) -> Self {
        match e {
            npy::NpyError::Io(e) => Self::Io(e),
            e => Self::Npy(e),
        }
    }
}

/// Reads the samples of a file, as integers of the graph's input.
pub fn read(path: &Path, spec: &InputSpec) -> Result<Vec<Tensor>, InputError> {
    let samples = read_each(path, spec)?.into_iter().collect::<Result<_, _>>();
    samples.map_err(|problem| InputError { path: path.to_path_buf(), problem })
}

/// The same for who can do without some: a bad number spoils its own sample alone. A file that is no array of samples is
/// still an error.
pub fn read_each(path: &Path, spec: &InputSpec) -> Result<Vec<Result<Tensor, Problem>>, InputError> {
    let extension = path.extension().map(|e| e.to_ascii_lowercase());
    let samples = match extension.as_ref().and_then(|e| e.to_str()) {
        Some("npy") => open(path).and_then(|r| each_of_npy(r, spec)),
        Some("json") => open(path).and_then(|r| each_of_json(r, spec)),
        _ => Err(Problem::Extension),
    };
    samples.map_err(|problem| InputError { path: path.to_path_buf(), problem })
}

fn open(path: &Path) -> Result<BufReader<File>, Problem> {
    Ok(BufReader::with_capacity(1 << 16, File::open(path)?))
}

/// Reads samples from the bytes of an `.npy` file.
pub fn read_npy(r: impl Read, spec: &InputSpec) -> Result<Vec<Tensor>, Problem> {
    each_of_npy(r, spec)?.into_iter().collect()
}

/// Reads samples from JSON text: numbers in lists nested as the shape, or one flat list of one sample.
pub fn read_json(r: impl Read, spec: &InputSpec) -> Result<Vec<Tensor>, Problem> {
    each_of_json(r, spec)?.into_iter().collect()
}

fn each_of_npy(mut r: impl Read, spec: &InputSpec) -> Result<Vec<Result<Tensor, Problem>>, Problem> {
    let header = npy::Header::read(&mut r)?;
    let fits = match header.dtype {
        npy::DType::F32 | npy::DType::F64 => spec.float,
        npy::DType::I8 | npy::DType::U8 => !spec.float && header.dtype.name() == spec.quant.dtype.name(),
    };
    if !fits {
        let expected = if spec.float { "float32" } else { spec.quant.dtype.name() };
        return Err(Problem::DType { got: header.dtype.name(), expected });
    }
    let samples = spec.samples(&header.shape, false)?;
    let mut numbers = Numbers::new(spec);
    header.for_each(&mut r, |v| numbers.push(v))?;
    Ok(numbers.split(samples))
}

fn each_of_json(r: impl Read, spec: &InputSpec) -> Result<Vec<Result<Tensor, Problem>>, Problem> {
    let mut array = JsonArray { numbers: Numbers::new(spec), shape: Vec::new(), problem: None };
    let mut json = serde_json::Deserializer::from_reader(r.take(MAX_JSON));
    let parsed = Nested { array: &mut array, depth: 0 }.deserialize(&mut json).and_then(|()| json.end());
    if let Some(problem) = array.problem.take() {
        return Err(problem);
    }
    parsed.map_err(|e| if e.is_io() { Problem::Io(e.into()) } else { Problem::Json(e) })?;
    let shape: Vec<usize> = array.shape.iter().map(|d| d.unwrap_or(0)).collect();
    let samples = spec.samples(&shape, true)?;
    Ok(array.numbers.split(samples))
}

/// A file's numbers, as the graph's integers.
struct Numbers<'a> {
    spec: &'a InputSpec,
    /// Zero where a number is bad.
    values: Tensor,
    /// The first bad number of each sample that has one, with the sample's number.
    bad: Vec<(usize, Problem)>,
}

impl<'a> Numbers<'a> {
    fn new(spec: &'a InputSpec) -> Self {
        Self { spec, values: Tensor::new(), bad: Vec::new() }
    }

    fn push(&mut self, value: f64) -> Result<(), Problem> {
        let index = self.values.len();
        if index >= MAX_VALUES {
            return Err(Problem::TooLarge);
        }
        let element = self.spec.element(index, value).unwrap_or_else(|problem| {
            let sample = index / self.spec.elements().unwrap_or(1).max(1);
            if self.bad.last().is_none_or(|&(last, _)| last != sample) {
                self.bad.push((sample, problem));
            }
            0
        });
        self.values.push(element);
        Ok(())
    }

    fn split(self, samples: usize) -> Vec<Result<Tensor, Problem>> {
        let mut each: Vec<_> = match samples {
            1 => vec![Ok(self.values)],
            _ => self.values.chunks_exact(self.values.len() / samples).map(|s| Ok(s.to_vec())).collect(),
        };
        for (sample, problem) in self.bad {
            if let Some(slot) = each.get_mut(sample) {
                *slot = Err(problem);
            }
        }
        each
    }
}

impl InputSpec {
    /// Elements of one sample.
    fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
    }

    /// How many samples an array of this shape holds. A flat list, where allowed, is one sample of as many elements.
    fn samples(&self, shape: &[usize], flat: bool) -> Result<usize, Problem> {
        let elements = self.elements().ok_or(Problem::TooLarge)?;
        let samples = match (shape, &self.shape[..]) {
            (got, declared) if got == declared => 1,
            ([n, got @ ..], [_, declared @ ..]) if self.batchable && *n > 0 && got == declared => *n,
            (&[n], _) if flat && n == elements => 1,
            _ => {
                let expected = self.shape.clone();
                return Err(Problem::Shape { got: shape.to_vec(), expected, batchable: self.batchable });
            }
        };
        match samples.checked_mul(elements) {
            Some(n) if n <= MAX_VALUES => Ok(samples),
            _ => Err(Problem::TooLarge),
        }
    }

    /// The graph's integer for one number of a file.
    fn element(&self, index: usize, value: f64) -> Result<i16, Problem> {
        let q = &self.quant;
        if self.float {
            let x = value as f32;
            return if x.is_finite() {
                Ok(arith::quantize(x, q) as i16)
            } else {
                Err(Problem::NotFinite { index, value })
            };
        }
        if value.fract() == 0.0 && value >= q.dtype.min().into() && value <= q.dtype.max().into() {
            Ok(value as i16)
        } else {
            Err(Problem::NotInteger { index, value, dtype: q.dtype.name() })
        }
    }
}

/// Collects nested lists of numbers without building a tree of them.
struct JsonArray<'a> {
    numbers: Numbers<'a>,
    /// Length at each depth, once the first list of that depth has ended.
    shape: Vec<Option<usize>>,
    /// What stopped the parser, if it was not the syntax.
    problem: Option<Problem>,
}

/// A number or list at some depth of the array.
struct Nested<'a, 'b> {
    array: &'a mut JsonArray<'b>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Nested<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Nested<'_, '_> {
    fn number<E: de::Error>(self, value: f64) -> Result<(), E> {
        if self.depth != self.array.shape.len() {
            return Err(E::custom("a number where a list is expected: the lists are not regular"));
        }
        self.array.numbers.push(value).map_err(|problem| {
            self.array.problem = Some(problem);
            E::custom("stopped")
        })
    }
}

impl<'de> Visitor<'de> for Nested<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list")
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<(), E> {
        self.number(v)
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<(), E> {
        self.number(v as f64)
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<(), E> {
        self.number(v as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { array, depth } = self;
        if depth == array.shape.len() {
            // Numbers seen already fix the rank, and so does the deepest tensor there is.
            if !array.numbers.values.is_empty() || depth == MAX_RANK {
                return Err(de::Error::custom("lists nested deeper than expected: the lists are not regular"));
            }
            array.shape.push(None);
        }
        let mut length = 0;
        while seq.next_element_seed(Nested { array, depth: depth + 1 })?.is_some() {
            length += 1;
        }
        match array.shape[depth].replace(length) {
            Some(other) if other != length => {
                Err(de::Error::custom(format_args!("lists of {other} and of {length} elements: not regular")))
            }
            _ => Ok(()),
        }
    }
}
