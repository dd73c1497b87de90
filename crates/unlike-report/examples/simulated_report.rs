//! Writes the report of a simulated run: `cargo run --release -p unlike-report --example simulated_report --
//! report.html [NORMAL_TEST_SAMPLES]`.

#[path = "../tests/it/simulation.rs"]
mod simulation;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("expected the name of the file to write")?;
    let n_normal = arguments.next().map_or(Ok(40_000), |n| n.parse())?;
    let report = simulation::report(n_normal, 0)?;
    let text = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("md") => unlike_report::markdown(&report),
        Some("json") => unlike_report::json(&report)?,
        Some("txt") => unlike_report::terminal::render(&report, Default::default()),
        _ => unlike_report::html(&report)?,
    };
    unlike_core::files::write_atomically(path.as_ref(), |to| {
        to.write_all(text.as_bytes())
            .map_err(unlike_core::Error::io("write", &path))
    })?;
    Ok(())
}
