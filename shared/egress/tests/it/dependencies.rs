//! What the crate stands on.

use std::process::Command;

/// Of the workspace's crates it uses the rules alone.
#[test]
fn of_the_workspace_it_uses_the_domain_alone() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "egress", "--edges", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let mut own: Vec<&str> =
        tree.lines().filter(|line| line.contains("(/")).filter_map(|line| line.split(' ').next()).collect();
    own.sort_unstable();
    own.dedup();
    assert_eq!(own, ["domain", "egress"], "{tree}");
}
