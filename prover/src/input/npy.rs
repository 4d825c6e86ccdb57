//! NumPy's `.npy` files: the few kinds that hold samples and outputs.
//!
//! Written here rather than taken from a crate because the header is hostile input: it is a Python literal, of which
//! only a dictionary of the three keys that the format defines is accepted, with bounded lengths and no recursion.
//! Source: numpy.lib.format, versions 1.0 to 3.0.

use std::{
    io::{self, Read, Write as _},
    path::Path,
};

use avouch_circuits::graph::MAX_RANK;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header text: what version 1.0 can express.
const MAX_HEADER: usize = u16::MAX as usize;

/// Element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// `f4`
    F32,
    /// `f8`
    F64,
    /// `i1`
    I8,
    /// `u1`
    U8,
}

impl DType {
    /// NumPy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I8 => "int8",
            Self::U8 => "uint8",
        }
    }

    const fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
            Self::I8 | Self::U8 => 1,
        }
    }
}

/// What precedes the elements of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Element type.
    pub dtype: DType,
    /// Dimensions; none for a scalar.
    pub shape: Vec<usize>,
    big_endian: bool,
}

/// A file that is not such an array.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not the magic of the format.
    #[error("not an .npy file")]
    Magic,
    /// A version of the format that is not known.
    #[error(".npy version {0}.{1} is not supported; save it as version 1.0")]
    Version(u8, u8),
    /// The header is not the dictionary that the format asks for.
    #[error("the .npy header is malformed: {0}")]
    Header(&'static str),
    /// An element type that is not read.
    #[error("element type {0:?} is not supported: save the array as float32, float64, int8 or uint8")]
    DType(String),
    /// Column-major data.
    #[error("the array is in Fortran order: save numpy.ascontiguousarray of it")]
    FortranOrder,
    /// Fewer bytes than the shape needs.
    #[error("the file ends before its last element")]
    Truncated,
    /// More bytes than the shape needs.
    #[error("the file goes on after its last element")]
    Trailing,
}

impl Header {
    /// Reads magic, version and header, and leaves the reader at the first element.
    pub fn read(r: &mut impl Read) -> Result<Self, NpyError> {
        let mut start = [0; 8];
        read_exact(r, &mut start).map_err(|e| if matches!(e, NpyError::Truncated) { NpyError::Magic } else { e })?;
        if &start[..6] != MAGIC {
            return Err(NpyError::Magic);
        }
        let length = match (start[6], start[7]) {
            (1, 0) => {
                let mut n = [0; 2];
                read_exact(r, &mut n)?;
                usize::from(u16::from_le_bytes(n))
            }
            (2 | 3, 0) => {
                let mut n = [0; 4];
                read_exact(r, &mut n)?;
                u32::from_le_bytes(n) as usize
            }
            (major, minor) => return Err(NpyError::Version(major, minor)),
        };
        if length > MAX_HEADER {
            return Err(NpyError::Header("it is too long"));
        }
        let mut text = vec![0; length];
        read_exact(r, &mut text)?;
        Parser(&text).header()
    }

    /// Gives every element to `f`, row-major, and checks that the file ends with the last. An f32 is an f64 exactly.
    pub fn for_each<E: From<NpyError>>(
        &self,
        r: &mut impl Read,
        mut f: impl FnMut(f64) -> Result<(), E>,
    ) -> Result<(), E> {
        let size = self.dtype.size();
        let elements = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let mut left = elements.and_then(|n| n.checked_mul(size)).ok_or(NpyError::Truncated)?;
        let mut buffer = [0; 1 << 13];
        while left > 0 {
            let chunk = &mut buffer[..left.min(1 << 13)];
            read_exact(r, chunk)?;
            left -= chunk.len();
            for element in chunk.chunks_exact(size) {
                f(self.element(element))?;
            }
        }
        match r.read(&mut buffer[..1]).map_err(NpyError::Io)? {
            0 => Ok(()),
            _ => Err(NpyError::Trailing.into()),
        }
    }

    fn element(&self, bytes: &[u8]) -> f64 {
        let mut le = [0; 8];
        let le = &mut le[..bytes.len()];
        le.copy_from_slice(bytes);
        if self.big_endian {
            le.reverse();
        }
        match (self.dtype, &*le) {
            (DType::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).into(),
            (DType::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            (DType::I8, &[a]) => (a as i8).into(),
            (DType::U8, &[a]) => a.into(),
            (DType::F32 | DType::F64 | DType::I8 | DType::U8, _) => unreachable!("chunks of the element's size"),
        }
    }
}

fn read_exact(r: &mut impl Read, buffer: &mut [u8]) -> Result<(), NpyError> {
    r.read_exact(buffer).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => NpyError::Truncated,
        _ => NpyError::Io(e),
    })
}

/// The rest of the header text.
struct Parser<'a>(&'a [u8]);

impl<'a> Parser<'a> {
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }`, keys in any order.
    fn header(mut self) -> Result<Header, NpyError> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.take(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            let repeated = match key {
                b"descr" => descr.replace(self.string()?).is_some(),
                b"fortran_order" => fortran.replace(self.boolean()?).is_some(),
                b"shape" => shape.replace(self.shape()?).is_some(),
                _ => return Err(NpyError::Header("unknown key")),
            };
            if repeated {
                return Err(NpyError::Header("a key is repeated"));
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        self.skip_space();
        if !self.0.is_empty() {
            return Err(NpyError::Header("text after the dictionary"));
        }
        let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
            return Err(NpyError::Header("descr, fortran_order or shape is missing"));
        };
        let (order, name) = descr.split_first().ok_or(NpyError::Header("descr is empty"))?;
        let unsupported = || NpyError::DType(String::from_utf8_lossy(&descr[..descr.len().min(16)]).into_owned());
        let dtype = match name {
            b"f4" => DType::F32,
            b"f8" => DType::F64,
            b"i1" => DType::I8,
            b"u1" => DType::U8,
            _ => return Err(unsupported()),
        };
        let big_endian = match order {
            b'<' => false,
            b'>' => true,
            b'|' if dtype.size() == 1 => false,
            _ => return Err(unsupported()),
        };
        if fortran {
            return Err(NpyError::FortranOrder);
        }
        Ok(Header { dtype, shape, big_endian })
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    fn take(&mut self, c: u8) -> bool {
        self.skip_space();
        let found = self.0.first() == Some(&c);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn expect(&mut self, c: u8) -> Result<(), NpyError> {
        if self.take(c) { Ok(()) } else { Err(NpyError::Header("unexpected character")) }
    }

    /// The longest run of bytes that `f` accepts.
    fn run(&mut self, f: impl Fn(u8) -> bool) -> &'a [u8] {
        let (run, rest) = self.0.split_at(self.0.iter().position(|&b| !f(b)).unwrap_or(self.0.len()));
        self.0 = rest;
        run
    }

    fn string(&mut self) -> Result<&'a [u8], NpyError> {
        let quote = if self.take(b'"') {
            b'"'
        } else {
            self.expect(b'\'').map_err(|_| NpyError::Header("expected a string"))?;
            b'\''
        };
        let text = self.run(|b| b != quote && b != b'\\');
        self.expect(quote)?;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.skip_space();
        match self.run(|b| b.is_ascii_alphabetic()) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(NpyError::Header("expected True or False")),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            self.skip_space();
            let digits = self.run(|b| b.is_ascii_digit());
            let dim = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
            shape.push(dim.ok_or(NpyError::Header("a dimension is not a size"))?);
            if shape.len() > MAX_RANK {
                return Err(NpyError::Header("too many dimensions"));
            }
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// Elements that can be written.
pub trait Element: Copy + sealed::Sealed {
    /// NumPy's type string.
    const DESCR: &str;
    /// Appends the little-endian bytes.
    fn append(self, bytes: &mut Vec<u8>);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i8 {}
    impl Sealed for u8 {}
}

macro_rules! element {
    ($type:ty, $descr:literal) => {
        impl Element for $type {
            const DESCR: &str = $descr;
            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    };
}
element!(f32, "<f4");
element!(i8, "|i1");
element!(u8, "|u1");

/// The bytes of a version 1.0 file.
///
/// # Panics
/// If the number of elements is not the shape's.
pub fn encode<T: Element>(shape: &[usize], elements: &[T]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), elements.len(), "as many elements as the shape says");
    let mut dims = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 {
        dims.push(',');
    }
    let mut text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({dims}), }}", T::DESCR);
    // The elements start at a multiple of 64 bytes.
    let padding = 64 - (MAGIC.len() + 4 + text.len() + 1) % 64;
    text.extend(std::iter::repeat_n(' ', padding % 64));
    text.push('\n');

    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    elements.iter().for_each(|e| e.append(&mut bytes));
    bytes
}

/// Writes a file as a whole or not at all.
///
/// # Panics
/// If the number of elements is not the shape's.
pub fn write<T: Element>(path: &Path, shape: &[usize], elements: &[T]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&encode(shape, elements))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
