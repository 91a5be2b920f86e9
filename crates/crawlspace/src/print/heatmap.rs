//! A heatmap in characters: time to the right, values upwards, the darker the more events.

use std::fmt::Write as _;

use super::chart::{Steps, float, nanos};
use super::number;
use super::table::Answer;
use super::{Page, printable};

const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
const HEIGHT_MAX: usize = 20;
/// More than there are in any answer.
const BINS_MAX: usize = 1_000;

struct Cell {
    time: i64,
    bin_start: f64,
    bin_end: f64,
    events: f64,
}

/// The answer to a question for `calculation`, a heatmap; `None` if that is not what it is.
pub fn heatmap(answer: &Answer, calculation: &str, page: &Page) -> Option<String> {
    let cells = cells_of(answer)?;
    let mut times: Vec<i64> = cells.iter().map(|cell| cell.time).collect();
    times.sort_unstable();
    times.dedup();
    // The answer does not say how long its steps are: the shortest way from one to another is.
    let length = times.windows(2).map(|pair| pair[1] - pair[0]).min();
    let steps = Steps::of(times.iter().copied(), length.unwrap_or(1_000_000_000))?;

    let bins = bins_of(&cells);
    let bins_per_line = bins.len().div_ceil(HEIGHT_MAX);
    let field = calculation
        .trim_start_matches("heatmap(")
        .trim_end_matches(')');
    let label = |value: f64| number::value(field, value);
    let label_width = bins
        .iter()
        .flat_map(|(start, end)| [label(*start), label(*end)])
        .map(|label| label.chars().count())
        .max()
        .unwrap_or_default();
    let width = page.chart_width().saturating_sub(label_width + 2).max(10);
    let (steps_per_column, characters) = steps.scale(width);
    let columns = steps.count.div_ceil(steps_per_column);
    let mut grid = vec![vec![0.0; columns]; bins.len().div_ceil(bins_per_line)];
    for cell in &cells {
        let bin = bins.partition_point(|(start, _)| *start < cell.bin_start);
        let step = usize::try_from((cell.time - steps.start) / steps.length).ok()?;
        grid[bin / bins_per_line][step / steps_per_column] += cell.events;
    }
    let greatest = grid.iter().flatten().copied().fold(0.0, f64::max);

    let mut text = format!("{}\n", printable(calculation));
    for (line, events) in grid.iter().enumerate().rev() {
        let (first, last) = (
            line * bins_per_line,
            ((line + 1) * bins_per_line).min(bins.len()) - 1,
        );
        let label = match line + 1 == grid.len() {
            true => label(bins[last].1),
            false => label(bins[first].0),
        };
        let row: String = events
            .iter()
            .flat_map(|events| std::iter::repeat_n(shade(*events, greatest), characters))
            .collect();
        _ = writeln!(text, "{label:>label_width$} ┤{}", row.trim_end());
    }
    let drawn = columns * characters;
    _ = writeln!(text, "{:label_width$} └{}", "", "─".repeat(drawn));
    _ = writeln!(text, "{:label_width$}  {}", "", steps.axis(drawn, page));
    _ = writeln!(text, "{}", page.dimmed(&legend(greatest)));
    Some(text)
}

fn cells_of(answer: &Answer) -> Option<Vec<Cell>> {
    let place = |name: &str| answer.columns.iter().position(|column| column.name == name);
    let (time, start, end) = (place("time")?, place("bin_start")?, place("bin_end")?);
    let events = answer.columns.len() - 1;
    let cells = answer.rows.iter().filter_map(|row| {
        Some(Cell {
            time: nanos(&row[time])?,
            bin_start: float(&row[start])?,
            bin_end: float(&row[end])?,
            events: float(&row[events])?,
        })
    });
    Some(cells.collect())
}

/// All bins from the least to the greatest, those in which there is nothing too. They are of one width, or grow by one
/// factor.
fn bins_of(cells: &[Cell]) -> Vec<(f64, f64)> {
    let mut bins: Vec<(f64, f64)> = cells
        .iter()
        .map(|cell| (cell.bin_start, cell.bin_end))
        .collect();
    bins.sort_by(|a, b| a.0.total_cmp(&b.0));
    bins.dedup_by(|a, b| a.0 == b.0);
    let width = |(start, end): (f64, f64)| end - start;
    let is_even = match (bins.first(), bins.last()) {
        (Some(first), Some(last)) => width(*last) < width(*first) * 1.01,
        _ => true,
    };
    let mut filled: Vec<(f64, f64)> = Vec::new();
    for bin in bins {
        while let Some(&(start, end)) = filled.last() {
            let next = match is_even || start <= 0.0 {
                true => end + width((start, end)),
                false => end * end / start,
            };
            // Half a bin is for what rounding does to the bounds.
            if (end + next) / 2.0 > bin.0 || filled.len() >= BINS_MAX {
                break;
            }
            filled.push((end, next));
        }
        filled.push(bin);
    }
    filled
}

/// Each shade is for as many times more events as the one before: a few stay visible beside many.
fn shade(events: f64, greatest: f64) -> char {
    if events <= 0.0 {
        return ' ';
    }
    let share = events.max(1.0).ln() / greatest.max(1.0).ln().max(f64::MIN_POSITIVE);
    SHADES[((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1)]
}

fn legend(greatest: f64) -> String {
    let from = |shade: usize| {
        let least = greatest.max(1.0).powf(shade as f64 / SHADES.len() as f64);
        number::amount(least.ceil())
    };
    let shades: Vec<String> = SHADES
        .iter()
        .enumerate()
        .map(|(i, shade)| format!("{shade} {}", from(i)))
        .collect();
    format!(
        "events from {}, up to {}",
        shades.join("  "),
        number::amount(greatest)
    )
}
