//! What is printed.

use std::fmt;
use std::time::Duration;

/// Jobs a second, of so many jobs in that time.
pub fn rate(jobs: u32, took: Duration) -> f64 {
    f64::from(jobs) / took.as_secs_f64().max(0.001)
}

/// Who did jobs, and how long it took each time.
pub struct Table {
    jobs: u32,
    rows: Vec<(&'static str, Vec<Duration>)>,
}

impl Table {
    pub const fn new(jobs: u32) -> Self {
        Self { jobs, rows: Vec::new() }
    }

    pub fn add(&mut self, who: &'static str, took: &Duration) {
        match self.rows.iter_mut().find(|(known, _)| *known == who) {
            Some((_, all)) => all.push(*took),
            None => self.rows.push((who, vec![*took])),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40} {:>8} {:>8}   each run", format!("{} jobs", self.jobs), "jobs/s", "seconds")?;
        for (who, runs) in &self.rows {
            let mut sorted = runs.clone();
            sorted.sort();
            let median = sorted[sorted.len() / 2];
            let each: Vec<String> = runs.iter().map(|took| format!("{:.0}", rate(self.jobs, *took))).collect();
            let (rate, seconds) = (rate(self.jobs, median), median.as_secs_f64());
            writeln!(f, "{who:<40} {rate:>8.0} {seconds:>8.2}   {}", each.join(", "))?;
        }
        Ok(())
    }
}
