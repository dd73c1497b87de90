//! Every epoch's model on a labelled test set, as text.

use unlike_report::terminal::Style;
use unlike_results::{EpochTable, MeasuredEpoch};

use crate::terminal::layout;

/// For a terminal; empty if no epoch was measured. `chosen` is the epoch that training kept.
pub(crate) fn text(table: &EpochTable<'_>, chosen: Option<usize>, style: Style) -> String {
    let Some(last) = table.epochs().last() else {
        return String::new();
    };
    let second = if table.has_f1() { "F1" } else { "AP" };
    let cells = |MeasuredEpoch { epoch, scores }: &MeasuredEpoch| {
        let numbers = scores
            .iter()
            .flat_map(|m| [m.f1.unwrap_or(m.average_precision), m.auroc])
            .map(|v| format!("{v:.3}"));
        std::iter::once(epoch.to_string()).chain(numbers).collect()
    };
    let rows: Vec<Vec<String>> = table.epochs().iter().map(cells).collect();
    let titles = |name: &String| [format!("{name} {second}"), "AUROC".to_owned()];
    let header: Vec<String> = std::iter::once("epoch".to_owned())
        .chain(table.scores().iter().flat_map(titles))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = layout::heading(
        "Test set by epoch (for display; training never sees it)",
        style,
    ) + &layout::table(&header, &rows, style);
    let kept = chosen.and_then(|epoch| Some((epoch, table.auroc(epoch)?)));
    if let (Some((chosen, kept)), Some(at_last), Some((best_epoch, best))) =
        (kept, table.auroc(last.epoch), table.best())
    {
        text.push_str(&format!(
            "AUROC {kept:.3} at epoch {chosen}, which was chosen without labels; {at_last:.3} at the \
             last,\n{best:.3} at the best by these labels ({best_epoch}), which nobody could have \
             known.\n"
        ));
    }
    text
}
