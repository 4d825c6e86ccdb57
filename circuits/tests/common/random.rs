//! Random graphs of every operator at usual and extreme scales.

use avouch_circuits::{
    circuit::Disclosure,
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{
        Add, AveragePool, Concat, Conv, Dense, MaxPool, Mul, Op, Operator as _, Requantization, Reshape, Select, Table,
        Transpose, Window,
    },
};

use crate::graphs::quant;

/// Pseudorandom choices from a seed (the SplitMix64 generator of Steele, Lea, Flood 2014).
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Less than `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// In `[lo, hi]`, an end more often than not.
    pub(crate) fn between(&mut self, lo: i32, hi: i32) -> i32 {
        match self.below(4) {
            0 => lo,
            1 => hi,
            _ => (i64::from(lo) + self.below((i64::from(hi) - i64::from(lo) + 1) as usize) as i64) as i32,
        }
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn quant(&mut self) -> Quantization {
        let dtype = self.pick(&[DType::I8, DType::U8]);
        let scale = match self.below(8) {
            0 => self.pick(&[1e-30, 1e30, f32::MIN_POSITIVE, f32::MAX, 1e-9]),
            1..=3 => 2f32.powi(-(self.below(8) as i32)),
            _ => 0.003 + self.below(1 << 20) as f32 * 1e-6,
        };
        quant(dtype, scale, self.between(dtype.min(), dtype.max()))
    }

    fn multiplier(&mut self) -> f32 {
        match self.below(8) {
            0 => self.pick(&[1e-30, 1e30, f32::MIN_POSITIVE, f32::MAX, 1.0]),
            1..=2 => 2f32.powi(-(self.below(12) as i32)),
            _ => (-1.0 - self.below(1 << 16) as f32 / 5e3).exp2(),
        }
    }

    fn requantization(&mut self, y: &Quantization, channels: usize) -> Requantization {
        let (lo, hi) = (y.dtype.min(), y.dtype.max());
        let (min, max) = match self.below(3) {
            0 => (lo, hi),
            1 => (y.zero_point, hi),
            _ => {
                let (a, b) = (self.between(lo, hi), self.between(lo, hi));
                (a.min(b), a.max(b))
            }
        };
        let n = self.pick(&[1, channels]);
        Requantization { multipliers: (0..n).map(|_| self.multiplier()).collect(), min, max }
    }

    fn weights(&mut self, n: usize) -> Vec<i16> {
        (0..n).map(|_| self.between(-255, 255) as i16).collect()
    }

    fn bias(&mut self, n: usize) -> Vec<i32> {
        let reach = self.pick(&[0, 100, 30_000, 1 << 30]);
        (0..n).map(|_| self.between(-reach, reach)).collect()
    }

    fn window(&mut self, rank: usize, padded: bool) -> Window {
        let mut w = Window::new([1, 1]);
        for d in usize::from(rank == 3)..2 {
            w.kernel[d] = 1 + self.below(3);
            w.strides[d] = 1 + self.below(2);
            w.dilations[d] = 1 + self.below(2);
            let extent = (w.kernel[d] - 1) * w.dilations[d] + 1;
            if padded {
                (w.pads_begin[d], w.pads_end[d]) = (self.below(extent), self.below(extent));
            }
        }
        w
    }

    /// A permutation of `0..n`.
    fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut p: Vec<usize> = (0..n).collect();
        (1..n).for_each(|i| p.swap(i, self.below(i + 1)));
        p
    }

    /// Any table.
    fn any_table(&mut self, x: &Quantization, y: &Quantization) -> Table {
        let values = self.pick(&[2, 5, 256]);
        let entries: Vec<i32> = (0..256).map(|_| y.dtype.min() + self.below(values) as i32).collect();
        Table::new(x.dtype, |v| entries[(v - x.dtype.min()) as usize])
    }

    /// Up to twice as many indices of each dimension, some of them none.
    fn select(&mut self, x: &TensorInfo) -> Select {
        let padded = self.below(2) == 0;
        let axes: Vec<Vec<Option<u32>>> = x
            .shape
            .iter()
            .map(|&extent| {
                let n = 1 + self.below(2 * extent);
                (0..n).map(|_| (!padded || self.below(4) > 0).then(|| self.below(extent) as u32)).collect()
            })
            .collect();
        let q = x.quant.dtype;
        let filled = axes.iter().flatten().any(Option::is_none);
        Select { axes, fill: filled.then(|| self.between(q.min(), q.max()) as i16) }
    }

    /// A nondecreasing table.
    fn table(&mut self, x: &Quantization, y: &Quantization) -> Table {
        let (a, b) = (self.between(y.dtype.min(), y.dtype.max()), self.between(y.dtype.min(), y.dtype.max()));
        let (numerator, denominator) = (1 + self.below(5) as i32, 1 + self.below(4) as i32);
        let origin = self.between(x.dtype.min(), x.dtype.max());
        Table::new(x.dtype, |v| (a + ((v - origin) * numerator).div_euclid(denominator)).clamp(a.min(b), a.max(b)))
    }

    /// One for all elements, or one for each channel.
    fn tables(&mut self, x: &TensorInfo, mut table: impl FnMut(&mut Self) -> Table) -> Table {
        let channels = self.pick(&[1, x.shape.get(1).copied().unwrap_or(1)]);
        Table { entries: (0..channels).flat_map(|_| table(self).entries).collect() }
    }

    /// An operator on some of the tensors, with its operands and the quantization of its result.
    fn operator(&mut self, tensors: &[TensorInfo]) -> (Op, Vec<usize>, Quantization) {
        let i = self.below(tensors.len());
        let x = &tensors[i];
        let (rank, y) = (x.shape.len(), self.quant());
        let like = |c: &mut Self, fits: &dyn Fn(&TensorInfo) -> bool| {
            let all: Vec<usize> = (0..tensors.len()).filter(|&j| fits(&tensors[j])).collect();
            c.pick(&all)
        };
        match self.below(12) {
            0 if rank > 2 => {
                let channels = x.shape[1];
                let group = self.pick(&[1, channels]);
                let out_channels = group * (1 + self.below(2));
                let window = self.window(rank, true);
                let conv = Conv {
                    window,
                    group,
                    out_channels,
                    weights: self.weights(out_channels * channels / group * window.kernel[0] * window.kernel[1]),
                    bias: self.bias(out_channels),
                    requantization: self.requantization(&y, out_channels),
                };
                (conv.into(), vec![i], y)
            }
            1 => {
                let (k, n) = (x.shape[rank - 1], 1 + self.below(3));
                let leading = x.shape[..rank - 1].split_last().map_or(1, |(_, l)| l.iter().product());
                let batch = self.pick(&[1, leading]);
                let (weights, bias) = (self.weights(batch * k * n), self.bias(n));
                let requantization = self.requantization(&y, n);
                (Dense { batch, k, n, weights, bias, requantization }.into(), vec![i], y)
            }
            2 => (Add.into(), vec![i, like(self, &|t| t.shape == x.shape)], y),
            3 if rank > 2 => (AveragePool { window: self.window(rank, false) }.into(), vec![i], y),
            4 if rank > 2 => (MaxPool { window: self.window(rank, true) }.into(), vec![i], x.quant),
            5 => (self.tables(x, |c| c.table(&x.quant, &y)).into(), vec![i], y),
            9 => (Mul.into(), vec![i, like(self, &|t| t.shape == x.shape)], y),
            10 => (self.tables(x, |c| c.any_table(&x.quant, &y)).into(), vec![i], y),
            11 => (self.select(x).into(), vec![i], x.quant),
            6 => (Reshape.into(), vec![i], x.quant),
            7 => (Transpose { perm: self.permutation(rank) }.into(), vec![i], x.quant),
            _ => {
                let axis = self.below(rank);
                let fits = |t: &TensorInfo| {
                    let same = |(d, (a, b)): (usize, (&usize, &usize))| d == axis || a == b;
                    t.quant == x.quant && t.shape.len() == rank && t.shape.iter().zip(&x.shape).enumerate().all(same)
                };
                (Concat { axis }.into(), vec![i, like(self, &fits), i], x.quant)
            }
        }
    }

    /// One to four nodes.
    pub(crate) fn graph(&mut self) -> Graph {
        let shape = match self.below(3) {
            0 => vec![1 + self.below(2), 1 + self.below(2), 1 + self.below(5)],
            1 => vec![1, 1 + self.below(2), 1 + self.below(3), 1 + self.below(3)],
            _ => vec![1 + self.below(2), 1 + self.below(5)],
        };
        let mut tensors = vec![TensorInfo { shape, quant: self.quant() }];
        let mut nodes = Vec::new();
        let wanted = 1 + self.below(4);
        while nodes.len() < wanted {
            let (op, inputs, quant) = self.operator(&tensors);
            let operands: Vec<&TensorInfo> = inputs.iter().map(|&i| &tensors[i]).collect();
            let mut y = TensorInfo { shape: vec![operands[0].elements()], quant };
            let Ok(shape) = op.infer(&operands, &y) else { continue };
            y.shape = shape;
            if y.elements() > 40 {
                continue;
            }
            let inputs = inputs.into_iter().map(|i| TensorId(i as u32)).collect();
            let name = format!("node {}", nodes.len());
            nodes.push(Node { name, op, inputs, output: TensorId(tensors.len() as u32) });
            tensors.push(y);
        }
        let output = TensorId(tensors.len() as u32 - 1);
        let graph = Graph { tensors, nodes, input: TensorId(0), output };
        graph.check().unwrap();
        graph
    }
}

pub(crate) fn disclosure(c: &mut Choices, y: &TensorInfo) -> Disclosure {
    let q = y.quant.dtype;
    match c.below(4) {
        0 if y.elements() <= 31 => Disclosure::Raw,
        1 => Disclosure::Argmax,
        2 => Disclosure::Threshold {
            index: c.below(y.elements()) as u32,
            threshold: c.between(q.min() - 1, q.max() + 1),
        },
        _ => Disclosure::Commit,
    }
}
