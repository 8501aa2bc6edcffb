//! What the domain stands on.

use std::process::Command;

/// The rules stay free of I/O, AWS and runtimes (docs/overview.md).
#[test]
fn the_dependency_tree_holds_no_aws_no_runtime_and_no_client() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "domain", "--edges", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"serde"), "{tree}");
    let foreign =
        ["aws", "hub", "flickr", "vault", "edge", "tokio", "reqwest", "hyper", "lambda_runtime", "lambda_http"];
    for name in names {
        assert!(!name.starts_with("aws-") && !foreign.contains(&name), "domain depends on {name}");
    }
}
