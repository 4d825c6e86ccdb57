//! Linear maps: results that read the same elements are summed side by side, a few terms a row.

use alloc::vec::Vec;

use super::{
    Fp,
    builder::{Builder, Int, Num, fr},
    sink::Sink,
};
use crate::circuit::{Linear, LinearMap};

/// What every sum starts from, so that no cell of it is negative, unless a network is huge: for speed alone.
const START: i64 = 1 << 31;

/// Constrains and returns all results: cells, and what has to be added to each.
pub(super) fn linear<S: Sink>(b: &mut Builder<'_, S>, linear: &Linear, operands: &[&[Int]]) -> Vec<(Num, i64)> {
    let mut results = alloc::vec![None; linear.outputs()];
    for tile in tiles(&linear.map, b.shape.lanes as usize, b.shape.terms as usize) {
        let mut constants = Vec::with_capacity(tile.len());
        let mut entries = Vec::new();
        for (lane, &o) in tile.iter().enumerate() {
            let mut floors = 0;
            let constant = linear.row(o, |k, i, c| {
                floors += c * operands[k][i].floor;
                entries.push(((k, i), lane, c));
            });
            constants.push(constant + floors - START);
        }
        entries.sort_unstable_by_key(|e| e.0);
        let mut terms = Vec::new();
        let mut weights: Vec<Fp> = Vec::new();
        let mut last = None;
        for ((k, i), lane, c) in entries {
            if last != Some((k, i)) {
                last = Some((k, i));
                terms.push(operands[k][i].num);
                weights.resize(weights.len() + tile.len(), Fp::zero());
            }
            let at = weights.len() - tile.len() + lane;
            weights[at] += fr(c);
        }
        let weight = |lane: usize, term: usize| weights[term * tile.len() + lane];
        let sums = b.sums(["linear.term", "linear.sum"], tile.len() as u32, &terms, weight, fr(START));
        for ((&o, sum), constant) in tile.iter().zip(sums).zip(constants) {
            results[o] = Some((sum, constant));
        }
    }
    // A result that no tile has would shift all others.
    debug_assert!(results.iter().all(Option::is_some));
    results.into_iter().flatten().collect()
}

/// Groups of at most `lanes` results that read nearly the same elements; together they are all results.
fn tiles(map: &LinearMap, lanes: usize, terms: usize) -> Vec<Vec<usize>> {
    let mut tiles = Vec::new();
    let mut group = |results: &mut dyn Iterator<Item = usize>, lanes: usize| {
        let results: Vec<usize> = results.collect();
        tiles.extend(results.chunks(lanes).map(<[usize]>::to_vec));
    };
    match map {
        LinearMap::Conv { input, output, out_channels, group: groups, .. } => {
            let positions = output[0] * output[1];
            let channels = out_channels / groups;
            for block in 0..input[0] * groups {
                for position in 0..positions {
                    group(&mut (0..channels).map(|c| (block * channels + c) * positions + position), lanes);
                }
            }
        }
        LinearMap::Dense { rows, n, .. } => (0..*rows).for_each(|r| group(&mut (r * n..(r + 1) * n), lanes)),
        // Each has elements of its own: as many as fit into a row.
        LinearMap::WeightedSum { coefficients, len, .. } => {
            group(&mut (0..*len), (terms / coefficients.len().max(1)).clamp(1, lanes));
        }
    }
    tiles
}
