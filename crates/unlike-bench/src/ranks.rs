//! Ranks of models over sets: Friedman's test and Nemenyi's critical difference, as in Demšar,
//! *Statistical Comparisons of Classifiers over Multiple Data Sets*, JMLR 7 (2006).

/// Models, ranked by a figure that each has on every set; higher is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Mean ranks in the order of the models; 1 is the best, and equals share theirs.
    pub mean_ranks: Vec<f64>,
    /// Sets.
    pub n_sets: usize,
    /// Friedman's statistic, χ² with one degree of freedom less than there are models where all are
    /// alike.
    pub friedman: f64,
    /// Mean ranks that differ by less are not shown to differ, at 5 %. `None` for more models than
    /// the table has.
    pub critical_difference: Option<f64>,
}

/// Demšar's table 5(a): the studentised range at 5 % divided by √2, for 2 models and more.
const Q: [f64; 19] = [
    1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164, 3.219, 3.268, 3.313, 3.354,
    3.391, 3.426, 3.458, 3.489, 3.517, 3.544,
];

impl Ranking {
    /// Of one row per set, with one figure per model; `None` with fewer than two of either.
    pub fn new(rows: &[Vec<f64>]) -> Option<Self> {
        let k = rows.first()?.len();
        let n = rows.len();
        if k < 2 || n < 2 || rows.iter().any(|row| row.len() != k) {
            return None;
        }
        let mut sums = vec![0.0; k];
        for row in rows {
            for (sum, rank) in sums.iter_mut().zip(ranks(row)) {
                *sum += rank;
            }
        }
        let (k_, n_) = (k as f64, n as f64);
        let mean_ranks: Vec<f64> = sums.iter().map(|sum| sum / n_).collect();
        let squares: f64 = mean_ranks.iter().map(|r| r * r).sum();
        let friedman = 12.0 * n_ / (k_ * (k_ + 1.0)) * (squares - k_ * (k_ + 1.0).powi(2) / 4.0);
        let critical = |q: &f64| q * (k_ * (k_ + 1.0) / (6.0 * n_)).sqrt();
        Some(Self {
            mean_ranks,
            n_sets: n,
            friedman,
            critical_difference: Q.get(k - 2).map(critical),
        })
    }
}

/// 1 for the highest; equals share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let above = values.iter().filter(|v| *v > value).count() as f64;
        let equal = values.iter().filter(|v| *v == value).count() as f64;
        above + (equal + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_ranks() {
        assert_eq!(ranks(&[0.9, 0.7, 0.9, 0.1]), [1.5, 3.0, 1.5, 4.0]);
    }

    /// scipy.stats.friedmanchisquare of these columns, which have no ties.
    #[test]
    fn friedman_is_scipys() {
        let rows = vec![
            vec![0.9, 0.8, 0.7],
            vec![0.8, 0.9, 0.5],
            vec![0.95, 0.6, 0.7],
            vec![0.7, 0.65, 0.6],
        ];
        let ranking = Ranking::new(&rows).unwrap();
        assert_eq!(ranking.mean_ranks, [1.25, 2.0, 2.75]);
        assert!((ranking.friedman - 4.5).abs() < 1e-12);
        // q = 2.343, √(3 · 4 / 24) = .7071
        assert!((ranking.critical_difference.unwrap() - 1.6567).abs() < 1e-3);
    }

    #[test]
    fn one_model_or_one_set_has_no_ranking() {
        assert_eq!(Ranking::new(&[vec![0.5, 0.6]]), None);
        assert_eq!(Ranking::new(&[vec![0.5], vec![0.6]]), None);
        assert_eq!(Ranking::new(&[]), None);
    }
}
