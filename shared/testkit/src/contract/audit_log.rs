//! The audit log.

use std::time::Duration;

use domain::Timestamp;
use hub::ports::{AuditLine, AuditLog, Clock, Entropy};

/// Appending: a stream is made by its first lines, keeps what it has, and takes lines in any order and of any length;
/// `read` gives the texts of a stream in the order of their times.
pub async fn audit_log(ports: &(impl Clock + Entropy), log: &impl AuditLog, read: impl AsyncFn(&str) -> Vec<String>) {
    let stream = format!("2026-11-30/contract-{:032x}", u128::from_be_bytes(ports.random()));
    let line = |at: Timestamp, text: &str| AuditLine { at, text: text.to_owned() };
    let first = ports.now();
    let later = |seconds| first + Duration::from_secs(seconds);
    log.append(&stream, &[]).await.unwrap();
    log.append(&stream, &[line(later(1), "second"), line(first, "first")]).await.unwrap();
    log.append(&stream, &[line(later(2), "third")]).await.unwrap();
    assert_eq!(read(&stream).await, ["first", "second", "third"]);

    // More than one request may bring, however many lines it is.
    let long = "x".repeat(200_000);
    let lines: Vec<AuditLine> = (0..7).map(|number| line(later(10 + number), &format!("{number}{long}"))).collect();
    log.append(&stream, &lines).await.unwrap();
    let found = read(&stream).await;
    assert_eq!(found.len(), 10);
    assert!(found[3..].iter().zip(&lines).all(|(found, line)| *found == line.text), "whole and in order");
}
