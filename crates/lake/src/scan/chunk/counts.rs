//! Which codes a column has, and how often each comes, if somebody asks.

use parquet::errors::ParquetError;

use super::torn;

/// Codes of so few bits are counted in turns: the same comes again before its last sum is stored.
const FEW_BITS: usize = 6;
/// They are one more than what is packed.
const FEW: usize = 1 << (FEW_BITS + 1);

pub(super) struct Counts {
    is_asked: bool,
    /// How many codes are known.
    known: usize,
    /// Nothing unless it is asked for.
    all: Vec<u32>,
    few: [[u32; FEW]; 4],
}

impl Counts {
    /// Of absence and so many values, none of which has come.
    pub fn new(values: usize, is_asked: bool) -> Self {
        Self {
            is_asked,
            known: 1 + values,
            all: vec![0; if is_asked { 1 + values } else { 0 }],
            few: [[0; FEW]; 4],
        }
    }

    pub fn len(&self) -> usize {
        self.known
    }

    /// Codes that are known from now on, each of which has come so often.
    pub fn know(&mut self, codes: usize, count: u32) {
        self.known += codes;
        if self.is_asked {
            self.all.resize(self.known, count);
        }
    }

    pub fn add(&mut self, code: u32, count: usize) -> Result<(), ParquetError> {
        if !self.is_asked {
            return self.check(code);
        }
        let known = self.all.get_mut(code as usize).ok_or_else(torn)?;
        *known += count as u32;
        Ok(())
    }

    fn check(&self, code: u32) -> Result<(), ParquetError> {
        ((code as usize) < self.known)
            .then_some(())
            .ok_or_else(torn)
    }

    /// Adds codes that were packed with so many bits each.
    pub fn add_each(&mut self, codes: &[u32], width: usize) -> Result<(), ParquetError> {
        if !self.is_asked {
            return self.check(codes.iter().copied().max().unwrap_or_default());
        }
        if width > FEW_BITS {
            return codes.iter().try_for_each(|code| self.add(*code, 1));
        }
        let (quads, rest) = codes.as_chunks::<4>();
        for quad in quads {
            for (sums, code) in self.few.iter_mut().zip(quad) {
                sums[*code as usize % FEW] += 1;
            }
        }
        rest.iter().try_for_each(|code| self.add(*code, 1))
    }

    /// For each code, how often it came; nothing unless it was asked for.
    pub fn finish(mut self) -> Result<Vec<u32>, ParquetError> {
        for code in 0..FEW {
            let sum: u32 = self.few.iter().map(|sums| sums[code]).sum();
            if sum > 0 {
                self.add(code as u32, sum as usize)?;
            }
        }
        Ok(self.all)
    }
}
