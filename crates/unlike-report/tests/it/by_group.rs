//! What is shown of promises group by group.

use unlike_core::{
    Calibration, GroupCalibrations, Label,
    metrics::{GroupFalseAlarms, false_alarms_by_group, observed_false_alarms},
};
use unlike_report::{
    ByGroup, Report, html, markdown,
    terminal::{self, Style},
};

use crate::{scored, spread};

/// Groups of 200 held-out and 300 test normals each, and one of nobody knows what. The test normals of the
/// first score far higher than its held-out ones.
fn groups(count: usize) -> Vec<GroupFalseAlarms> {
    let names: Vec<String> = (0..count).map(|at| format!("press {at:02}")).collect();
    let (mut held_out, mut held_out_of) = (Vec::new(), Vec::new());
    let (mut scores, mut of) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let shift = if at == 0 { 0.5 } else { 0.0 };
        held_out.extend(spread(0.0, 1.0, 200));
        held_out_of.extend([name.as_str(); 200]);
        scores.extend(spread(0.0, 1.0, 300).map(|score| score + shift));
        of.extend(vec![name.clone(); 300]);
    }
    scores.push(0.5);
    of.push("press of another works".into());
    let calibrations = GroupCalibrations::fit(&held_out, &held_out_of).unwrap();
    let labels = vec![Label::Normal; scores.len()];
    let rates = [0.0001, 0.01, 0.1];
    false_alarms_by_group(&scores, &labels, &of, &calibrations, &rates).unwrap()
}

fn report(groups: Vec<GroupFalseAlarms>) -> Report {
    let mut report = scored(&spread(0.0, 1.0, 500).collect::<Vec<_>>(), 400);
    if let Some(evaluation) = &mut report.evaluation {
        let calibration = Calibration::fit(&spread(0.0, 1.0, 50).collect::<Vec<_>>()).unwrap();
        let labels = [Label::Normal, Label::Anomalous];
        evaluation.false_alarms =
            observed_false_alarms(&[0.0, 2.0], &labels, &calibration, &[0.1]).unwrap();
        let by = "press".into();
        evaluation.by_group = Some(ByGroup { by, groups });
    }
    report
}

#[test]
fn each_group_is_shown_with_its_size_and_what_its_promises_came_to() {
    let report = report(groups(3));
    let text = markdown(&report);
    let table = text.split("## Decisions by group").nth(1).unwrap();
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    // Nobody can promise a hundredth of a per cent, and nothing is said of it.
    assert_eq!(
        lines[0],
        "| group by press | held-out normals | test normals | % at 1\u{a0}% promised | % at 10\u{a0}% promised |"
    );
    assert!(
        lines[2].starts_with("| press 00 | 200 | 300 | 50"),
        "{}",
        lines[2]
    );
    assert!(
        lines[3].starts_with("| press 01 | 200 | 300 | 0.67 (0.08"),
        "{}",
        lines[3]
    );
    assert!(
        lines[5].starts_with("| no held-out normals of their own | 600 | 1 | 0"),
        "{}",
        lines[5]
    );
    let broken = "In 1 of 4 groups a promise does not hold";
    assert!(table.contains(broken), "{table}");
    let page = html(&report).unwrap();
    let section = page.split("<h3>By group</h3>").nth(1).unwrap();
    let section = section.split("</section>").next().unwrap();
    assert!(
        section.contains("press 02") && section.contains(broken),
        "{section}"
    );
    assert_eq!(section.matches("class=\"alert\"").count(), 2, "{section}");
    let style = Style {
        width: 80,
        colour: false,
    };
    let text = terminal::decisions(&report, style);
    assert!(text.contains("press 00"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn of_many_groups_those_with_the_most_normals_are_shown() {
    let mut many = groups(30);
    many[7].n_normal = 10;
    let text = markdown(&report(many));
    let rows = text.lines().filter(|line| line.starts_with("| press "));
    assert_eq!(rows.count(), 20);
    assert!(!text.contains("press 07"), "{text}");
    assert!(
        text.contains("11 groups with fewer test normals are not shown."),
        "{text}"
    );
}
