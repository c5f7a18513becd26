//! The table of hard cases: every written form is read as a careful speaker would read it.
#![allow(clippy::print_stdout, reason = "the measured figures are printed")]

use sori_text::{Accent, normalise_for};

fn read(text: &str, accent: Accent) -> String {
    normalise_for(text, accent)
        .into_iter()
        .map(|token| format!("{}{}{}", token.lead, token.spoken, token.trail))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_case_of_the_table_is_read_as_expected() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in include_str!("normalisation.tsv").lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let mut columns = line.split('\t');
        let (Some(accent), Some(written), Some(expected), None) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            panic!("three columns: {line}");
        };
        cases += 1;
        let accent = if accent == "gb" { Accent::British } else { Accent::American };
        let ours = read(written, accent);
        if ours != expected {
            wrong.push(format!("{written}\n     read {ours}\n expected {expected}"));
        }
    }
    println!("{} of {cases} cases read as expected", cases - wrong.len());
    assert!(wrong.is_empty(), "{} of {cases} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 300, "only {cases} cases");
}
