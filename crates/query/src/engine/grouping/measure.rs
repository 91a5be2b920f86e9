//! What is calculated of the values of each group.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use crawlspace_lake::{ABSENT, Values};
use datafusion::common::Result;

use super::Function;
use super::block::Coded;
use super::fold::counts_of;
use super::ranks::{Keys, Ranks, key_of};
use crate::functions::{double_of_key, integer_of_key, key_of_double, key_of_integer};

/// Of each group.
#[derive(Debug)]
pub(super) struct Measure {
    /// Where it has no values that tell it.
    counts: Vec<u64>,
    /// Where more than their number is asked for.
    sums: Option<Vec<Sums>>,
    /// All values, where percentiles are asked for; then what is at their ranks.
    ranks: Option<Ranks>,
    fractions: Vec<f64>,
    at_ranks: Vec<Vec<Option<u64>>>,
}

#[derive(Debug, Clone, Copy)]
struct Sums {
    of_integers: i64,
    of_doubles: f64,
    /// Keys that order as the values do.
    least: u64,
    greatest: u64,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            of_integers: 0,
            of_doubles: 0.0,
            least: u64::MAX,
            greatest: 0,
        }
    }
}

/// The rows of a block that are chosen.
pub(super) struct Rows<'a> {
    pub groups: &'a [u32],
    /// Whether each counts; all do without.
    pub is_counted: Option<&'a [bool]>,
}

impl Rows<'_> {
    /// Gives the group and the value's place of each row that counts and has one. `codes` are those of the rows.
    #[inline]
    fn each(&self, codes: &[u32], mut each: impl FnMut(usize, usize)) {
        let all = self.groups.iter().zip(codes);
        let Some(is_counted) = self.is_counted else {
            for (group, code) in all {
                if *code != ABSENT {
                    each(*group as usize, *code as usize - 1);
                }
            }
            return;
        };
        for ((group, code), is_counted) in all.zip(is_counted) {
            if *code != ABSENT && *is_counted {
                each(*group as usize, *code as usize - 1);
            }
        }
    }
}

/// Adds the rows of each group. The same group often comes again before its last sum is stored, so there are four sums.
pub(super) fn count(counts: &mut [u64], groups: &[u32]) {
    const FEW: usize = 1 << 10;
    if counts.len() > FEW {
        groups.iter().for_each(|group| counts[*group as usize] += 1);
        return;
    }
    let mut few = [[0; FEW]; 4];
    let (quads, rest) = groups.as_chunks::<4>();
    for quad in quads {
        for (sums, group) in few.iter_mut().zip(quad) {
            sums[*group as usize % FEW] += 1;
        }
    }
    rest.iter().for_each(|group| counts[*group as usize] += 1);
    for (group, count) in counts.iter_mut().enumerate() {
        *count += few.iter().map(|sums| sums[group]).sum::<u64>();
    }
}

impl Measure {
    /// Integers or doubles, if numbers are asked for.
    pub fn new(functions: &[Function], is_integer: bool) -> Self {
        use Function::{Average, Greatest, Least, Percentile, Sum};
        let has_sums = |function: &Function| matches!(function, Sum | Average | Least | Greatest);
        let fractions = functions.iter().filter_map(|function| match function {
            Percentile(fraction) => Some(*fraction),
            _ => None,
        });
        let fractions: Vec<f64> = fractions.collect();
        Self {
            counts: Vec::new(),
            sums: functions.iter().any(has_sums).then(Vec::new),
            ranks: (!fractions.is_empty()).then(|| Ranks::new(is_integer)),
            fractions,
            at_ranks: Vec::new(),
        }
    }

    pub fn size(&self) -> usize {
        let sums = self.sums.as_ref().map_or(0, Vec::capacity);
        let ranks = self.ranks.as_ref().map_or(0, Ranks::bytes);
        self.counts.capacity() * size_of::<u64>() + sums * size_of::<Sums>() + ranks
    }

    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        if let Some(sums) = &mut self.sums {
            sums.resize(groups, Sums::default());
        }
        if let Some(ranks) = &mut self.ranks {
            ranks.resize(groups);
        }
    }

    /// Adds rows, of now so many groups; `chosen` are their places in the block.
    pub fn add(
        &mut self,
        groups: usize,
        rows: &Rows<'_>,
        of: Option<&Coded>,
        chosen: Option<&[u32]>,
    ) {
        self.resize(groups);
        let Self {
            counts,
            sums,
            ranks,
            ..
        } = self;
        let Some(of) = of else {
            let is_counted = rows.is_counted.unwrap_or_default();
            for (group, is_counted) in rows.groups.iter().zip(is_counted) {
                counts[*group as usize] += u64::from(*is_counted);
            }
            return;
        };
        let codes = of.codes_of(chosen);
        if ranks.is_none() {
            rows.each(&codes, |group, _| counts[group] += 1);
        }
        if sums.is_none() && ranks.is_none() {
            return;
        }
        if let Values::Texts(_) | Values::Flags(_) = *of.values {
            return;
        }
        let key = |place: usize| key_of(&of.values, place);
        if let Some(sums) = sums {
            rows.each(&codes, |group, place| {
                sums[group].add(key(place), &of.values, place);
            });
        }
        if let Some(ranks) = ranks {
            // Mostly every row has a value of its own.
            if of.is_own && chosen.is_none() && rows.is_counted.is_none() {
                ranks.add(rows.groups, Keys::Of(Arc::clone(&of.values)));
                return;
            }
            let (mut groups, mut of_rows) = (Vec::new(), Vec::new());
            rows.each(&codes, |group, place| {
                groups.push(group as u32);
                of_rows.push(key(place));
            });
            ranks.add(&groups, Keys::Made(of_rows));
        }
    }

    /// Adds so many rows of the one group, of which no more than their bounds is asked for.
    pub fn add_bounds(&mut self, rows: u64, (least, greatest): (i64, i64)) {
        self.resize(1);
        self.counts[0] += rows;
        if let Some(sums) = &mut self.sums {
            let (least, greatest) = (key_of_integer(least), key_of_integer(greatest));
            sums[0].least = sums[0].least.min(least);
            sums[0].greatest = sums[0].greatest.max(greatest);
        }
    }

    /// Adds those of another one, whose groups are at these places.
    pub fn merge(&mut self, groups: usize, of_groups: &[u32], other: Self) {
        self.resize(groups);
        let places = || of_groups.iter().map(|place| *place as usize);
        for (place, count) in places().zip(other.counts) {
            self.counts[place] += count;
        }
        for (place, sums) in places().zip(other.sums.into_iter().flatten()) {
            if let Some(known) = &mut self.sums {
                known[place].merge(sums);
            }
        }
        if let (Some(ranks), Some(other)) = (&mut self.ranks, other.ranks) {
            ranks.merge(of_groups, other);
        }
    }

    /// Finds what is at the ranks of now so many groups.
    pub fn finish(&mut self, groups: usize) {
        self.resize(groups);
        if let Some(ranks) = &mut self.ranks {
            self.at_ranks = ranks.at(&self.fractions);
        }
    }

    fn count(&self, group: usize) -> u64 {
        match &self.ranks {
            Some(ranks) => ranks.count(group),
            None => self.counts[group],
        }
    }

    /// A calculation for some groups.
    pub fn array(
        &self,
        function: Function,
        groups: &[u32],
        data_type: &DataType,
    ) -> Result<ArrayRef> {
        if function == Function::Count {
            return Ok(counts_of(groups, |group| self.count(group)));
        }
        let is_integer = *data_type != DataType::Float64;
        let keys = groups
            .iter()
            .map(|group| self.key(function, *group as usize, is_integer));
        if is_integer {
            let integers = keys.map(|key| key.map(integer_of_key));
            Ok(cast(&integers.collect::<Int64Array>(), data_type)?)
        } else {
            let doubles = keys.map(|key| key.map(double_of_key));
            Ok(Arc::new(doubles.collect::<Float64Array>()))
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
    fn key(&self, function: Function, group: usize, is_integer: bool) -> Option<u64> {
        let count = self.count(group);
        let sums = self
            .sums
            .as_ref()
            .map(|sums| sums[group])
            .unwrap_or_default();
        let sum = || match is_integer {
            true => key_of_integer(sums.of_integers),
            false => key_of_double(sums.of_doubles),
        };
        (count > 0).then_some(())?;
        match function {
            Function::Count => None,
            Function::Sum => Some(sum()),
            Function::Average => Some(key_of_double(sums.of_doubles / count as f64)),
            Function::Least => Some(sums.least),
            Function::Greatest => Some(sums.greatest),
            Function::Percentile(fraction) => {
                let place = self.fractions.iter().position(|known| *known == fraction)?;
                self.at_ranks[group][place]
            }
        }
    }
}

impl Sums {
    #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
    fn add(&mut self, key: u64, values: &Values, place: usize) {
        self.least = self.least.min(key);
        self.greatest = self.greatest.max(key);
        match values {
            Values::Ints(all) => {
                self.of_integers = self.of_integers.wrapping_add(all[place]);
                self.of_doubles += all[place] as f64;
            }
            Values::Doubles(all) => self.of_doubles += all[place],
            Values::Texts(_) | Values::Flags(_) => {}
        }
    }

    fn merge(&mut self, other: Self) {
        self.of_integers = self.of_integers.wrapping_add(other.of_integers);
        self.of_doubles += other.of_doubles;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }
}
